//! Previews behind a login: one host deals with the provider, each preview has a cookie of its own.

use http::Method;
use nuncio_authz_tests::{Browser, Provider};
use nuncio_e2e::yaml::{documents, object, text_secret};
use nuncio_e2e::{Gateway, Reply, eventually, get};
use serde_json::json;

use super::{SHOP, Shop, host_of, policy, preview};

const CENTRAL: &str = "preview.example";

/// A browser's cookies of one host after another, and its way through a login.
struct Visitor<'a> {
    shop: &'a Shop,
    jar: Vec<(String, String)>,
}

impl Visitor<'_> {
    async fn get(&mut self, host: &str, path: &str) -> Reply {
        let own = self.jar.iter().filter(|(at, _)| at == host).map(|(_, cookie)| &**cookie);
        let ask = get(host, path).with("accept", "text/html").with("cookie", &own.collect::<Vec<_>>().join("; "));
        let reply = self.shop.client().ask(&ask).await;
        for line in reply.headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            assert!(!line.to_lowercase().contains("domain"), "{line}");
            let cookie = line.split(';').next().unwrap().to_owned();
            let name = cookie.split('=').next().unwrap().to_owned() + "=";
            self.jar.retain(|(at, known)| at != host || !known.starts_with(&name));
            if !line.contains("Max-Age=0") {
                self.jar.push((host.to_owned(), cookie));
            }
        }
        reply
    }

    /// Asks for what an answer leads to, which has to be at a host.
    async fn led(&mut self, from: &Reply, host: &str) -> Reply {
        let location = from.header("location").unwrap_or_else(|| panic!("{from:?}"));
        let path = location.strip_prefix(&format!("http://{host}")).unwrap_or_else(|| panic!("{location}")).to_owned();
        self.get(host, &path).await
    }

    /// Logs in at the provider, as somebody; what the host that deals with it answers who comes back.
    async fn log_in(&mut self, from: &Reply, name: &str, central: &str) -> Reply {
        let mut browser = Browser::default();
        let form = browser.visit(from.header("location").unwrap()).await;
        let fields = [("prompt", "login"), ("login", name), ("password", "x")];
        let mut page = browser.send(Method::POST, form.action().as_str(), Some(&fields)).await;
        loop {
            let next = page.location().unwrap_or_else(|| panic!("{page:#?}"));
            if next.host_str() == Some(central) {
                return self.get(central, &format!("{}?{}", next.path(), next.query().unwrap())).await;
            }
            page = browser.get(next.as_str()).await;
        }
    }

    /// The session that it has at a host.
    fn session(&self, host: &str) -> Option<&str> {
        let own = self.jar.iter().filter(|(at, _)| at == host);
        own.map(|(_, cookie)| &**cookie).find(|cookie| cookie.contains("ambassador_session."))
    }
}

#[tokio::test]
async fn one_host_logs_in_for_all_previews_and_none_for_another() {
    let shop = Shop::new().await;
    let callback = format!("http://{CENTRAL}/.ambassador/oauth2/redirection-endpoint");
    let provider = Provider::start(&[callback], &json!({})).await;
    let login = json!({"OAuth2": {
        "authorizationURL": provider.issuer, "clientID": "edge", "secretName": "login",
        "protectedOrigins": [{"origin": format!("http://{CENTRAL}"), "includeSubdomains": true}],
        "injectRequestHeaders": [{"name": "X-User", "value": "{{ .idToken.Claims.sub }}"}],
    }});
    let mut policy = policy();
    policy["spec"]["access"] = json!(["Authenticated"]);
    policy["spec"]["filters"] = json!([{"name": "login"}]);
    let mut objects = vec![
        policy,
        object("Filter", "login", login),
        text_secret("login", "oauth2-client-secret", "edge-secret"),
        nuncio_e2e::yaml::host("central", CENTRAL),
    ];
    for name in ["pr-42", "hostile"] {
        let mut preview = preview(name, &shop.cart, &shop.branch);
        preview["spec"]["access"]["mode"] = json!("Authenticated");
        objects.push(preview);
    }
    shop.site.write("policy.yaml", documents(&objects));
    let gateway = Gateway::start(&shop.site).await;
    let (host, other) = (host_of(&shop, &gateway, "pr-42").await, host_of(&shop, &gateway, "hostile").await);

    let mut ann = Visitor { shop: &shop, jar: Vec::new() };
    let start = ann.get(&host, "/cart/1").await;
    let to_provider = ann.led(&start, CENTRAL).await;
    let back = ann.log_in(&to_provider, "ann", CENTRAL).await;
    let handed = ann.led(&back, &host).await;
    let seen = ann.led(&handed, &host).await;
    assert_eq!((seen.by().as_str(), seen.echo().unwrap().header("x-user")), ("branch", Some("ann")));
    assert!(seen.echo().unwrap().header("cookie").is_none_or(|cookie| !cookie.contains("ambassador_session")));
    // At another preview nobody asks for a password again.
    let start = ann.get(&other, "/cart/").await;
    let handed = ann.led(&start, CENTRAL).await;
    let back = ann.led(&handed, &other).await;
    assert_eq!(ann.led(&back, &other).await.echo().unwrap().header("x-user"), Some("ann"));

    // Somebody hands his login on to who has not begun it: it is completed by nobody.
    let mut mallory = Visitor { shop: &shop, jar: Vec::new() };
    let start = mallory.get(&host, "/cart/").await;
    let to_provider = mallory.led(&start, CENTRAL).await;
    let back = mallory.log_in(&to_provider, "mallory", CENTRAL).await;
    let mut victim = Visitor { shop: &shop, jar: Vec::new() };
    victim.get(&host, "/cart/").await;
    let refused = victim.led(&back, &host).await;
    assert_eq!((refused.status, victim.session(&host)), (400, None), "{}", refused.text());
    mallory.led(&back, &host).await;
    assert!(mallory.session(&host).is_some());
    assert_eq!(mallory.led(&back, &host).await.status, 400, "good once");
    gateway.stop().await;
}

/// No host of the preview domain deals with the provider: the login is the site's, at its own host.
#[tokio::test]
async fn a_login_of_the_site_holds_in_a_preview_as_soon_as_it_is_for_that() {
    let shop = Shop::new().await;
    let callback = format!("http://{SHOP}/.ambassador/oauth2/redirection-endpoint");
    let provider = Provider::start(&[callback], &json!({})).await;
    let login = |origins: &serde_json::Value| {
        let login = json!({"OAuth2": {
            "authorizationURL": provider.issuer, "clientID": "edge", "secretName": "login", "protectedOrigins": origins,
            "injectRequestHeaders": [{"name": "X-User", "value": "{{ .idToken.Claims.sub }}"}],
        }});
        documents(&[object("Filter", "login", login)])
    };
    let own = json!({"origin": format!("http://{SHOP}")});
    shop.site.write("login.yaml", login(&json!([own])));
    let rules = json!({"rules": [{"host": SHOP, "path": "/cart/*", "filters": [{"name": "login"}]}]});
    let secret = text_secret("login", "oauth2-client-secret", "edge-secret");
    shop.site.write("rules.yaml", documents(&[object("FilterPolicy", "cart", rules), secret]));
    shop.create("pr-42");
    let gateway = Gateway::start(&shop.site).await;
    let host = host_of(&shop, &gateway, "pr-42").await;

    gateway
        .admin
        .problem(&["previews", "spec.domain", r#"{origin: \"http://preview.example\", includeSubdomains: true}"#])
        .await;
    let mut ann = Visitor { shop: &shop, jar: Vec::new() };
    let refused = ann.get(&host, "/cart/1").await;
    let text = refused.text();
    assert!(refused.status == 403 && text.contains("this host is none that the login is for"), "{text}");
    assert!(text.contains("Who runs the gateway can change that") && !text.contains(SHOP), "{text}");

    // What the policy says, done.
    let previews = json!({"origin": format!("http://{CENTRAL}"), "includeSubdomains": true});
    shop.site.write("login.yaml", login(&json!([own, previews])));
    eventually("the login at the preview", async || {
        let reply = shop.client().ask(&get(&host, "/cart/1").with("accept", "text/html")).await;
        if reply.status == 302 { Ok(()) } else { Err(format!("{reply:?}")) }
    })
    .await;
    gateway.admin.no_problem(&["NoMatchingOrigin"]).await;
    let start = ann.get(&host, "/cart/1").await;
    let to_provider = ann.led(&start, SHOP).await;
    let back = ann.log_in(&to_provider, "ann", SHOP).await;
    let handed = ann.led(&back, &host).await;
    let seen = ann.led(&handed, &host).await;
    assert_eq!((seen.by().as_str(), seen.echo().unwrap().header("x-user")), ("branch", Some("ann")));
    assert!(ann.session(&host).is_some());
    // At the site itself the same browser is logged in by that.
    assert_eq!(ann.get(SHOP, "/cart/").await.echo().unwrap().header("x-user"), Some("ann"));
    gateway.stop().await;
}
