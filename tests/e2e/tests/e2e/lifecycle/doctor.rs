//! Where the key of a preview is handed on: on its page, and by the command line.

use nuncio_authz_tests::Provider;

use super::*;
use crate::previews::{INTERNAL, caller, internal_listener};

/// A port at which nobody listens.
const NOBODY: u16 = 9399;

/// What the table of the page says of whom this names, from there to the end of its row.
fn row<'t>(page: &'t str, named: &str) -> &'t str {
    let after = page.split_once(&format!("<th scope=\"row\"><code>{named}</code>"));
    after.and_then(|(_, rest)| rest.split_once("</tr>")).unwrap_or_else(|| panic!("{named}: {page}")).0
}

#[tokio::test]
async fn a_page_shows_which_services_have_got_the_key_and_which_nobody_asked() {
    let team = Team::new().await;
    let [inner, stock, spare] = ["inner", "stock", "spare"].map(Backend::start);
    let (inner, stock, spare) = (inner.await, stock.await, spare.await);
    // The branch of the cart asks another service, and does not hand on what it was told of the preview.
    let (branch, _serving) = caller(team.site.at(INTERNAL), &["traceparent"]).await;
    let more = [
        internal_listener(&team.site),
        mapping_on("cart.internal", "inner", "/", inner.address()),
        mapping_on(SHOP, "stock", "/stock/", stock.address()),
    ];
    team.site.write("internal.yaml", documents(&more));
    let [cart, inner, stock] = [&team.cart, &inner, &stock].map(|it| it.address().to_string());
    let [other, spare] = [&team.branch, &spare].map(|it| it.address().to_string());
    let mut preview = team.manifest("tax");
    preview["spec"]["services"] = json!([
        {"baseline": cart, "backend": branch.to_string()},
        {"baseline": inner, "backend": other},
        {"baseline": stock, "backend": spare},
    ]);
    team.site.write("tax.yaml", documents(&[preview]));
    let gateway = team.gateway().await;
    gateway.admin.state("Preview", "tax", "acked").await;

    let form = get(PORTAL, "/docs/previews/default/tax/doctor").method("POST");
    let form = form.with("authorization", &team.person("team-cart"));
    let form = form.with("content-type", "application/x-www-form-urlencoded").body("path=%2Fcart%2F");
    let reply = team.client().ask(&form).await;
    let page = reply.text();
    assert_eq!(reply.status, 200, "{page}");
    assert!(page.contains(&format!("<code>GET {SHOP}/cart/</code>: 200.")), "{page}");
    for (service, backend, class, words) in [
        (&cart, &branch.to_string(), "current", "carried"),
        (&inner, &other, "missing", "lost"),
        (&stock, &spare, "stale", "not seen"),
    ] {
        let said = row(&page, service);
        let state = format!("<span class=\"state {class}\">{words}</span>");
        assert!(said.contains(&state) && said.contains(&format!("<code>{backend}</code>")), "{service}: {said}");
    }
    // The calls, of which the second came without the key and is the baseline's for that.
    for (asked, service, words, by) in [
        ("shop.example/cart/", &branch.to_string(), "carried", "preview"),
        ("cart.internal/inner", &inner, "lost", "baseline"),
    ] {
        let said = row(&page, asked);
        let [service, words] = [format!("<code>{service}</code>"), format!(">{words}</span>")];
        assert!(
            said.contains(&service) && said.contains(&words) && said.contains(&format!(">{by}<")),
            "{asked}: {said}"
        );
    }
    assert!(page.contains("OTEL_PROPAGATORS=tracecontext,baggage"), "{page}");

    // A path at which none of them is asked.
    let admin = team.site.admin().to_string();
    let mut command = team.site.nuncio(&["preview", "doctor", "tax", "--path", "/", "--admin", &admin]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let (told, why) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(1), "{told}{why}");
    assert!(why.contains("the key did not arrive everywhere"), "{why}");
    let (_, services) = told.split_once("REPLACED").unwrap_or_else(|| panic!("{told}"));
    for service in [&cart, &inner, &stock] {
        let line = services.lines().find(|line| line.starts_with(&**service));
        assert!(line.is_some_and(|line| line.ends_with("not seen")), "{service}: {told}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn what_stopped_a_request_is_said_beside_its_status() {
    let team = Team::new().await;
    let stock = Backend::start("stock").await;
    let callback = format!("http://{SHOP}/.ambassador/oauth2/redirection-endpoint");
    let provider = Provider::start(&[callback], &json!({})).await;
    // As the policy has it visitors come in clear text, so that is where the login is.
    let login = json!({"OAuth2": {
        "authorizationURL": provider.issuer, "clientID": "edge", "secretName": "login",
        "protectedOrigins": [{"origin": format!("http://{SHOP}")}]}});
    let far = json!({"auth_service": team.site.at(NOBODY).to_string(), "status_on_error": {"code": 503}});
    let rule = |path: &str, filter: &str| json!({"host": SHOP, "path": path, "filters": [{"name": filter}]});
    let rules = [rule("/stock/mine/*", "login"), rule("/stock/far/*", "far"), rule("/stock/*", "token")];
    let more = [
        internal_listener(&team.site),
        mapping_on(SHOP, "stock", "/stock/", stock.address()),
        object("Filter", "login", login),
        text_secret("login", "oauth2-client-secret", "edge-secret"),
        object("Filter", "far", json!({"External": far})),
        object("FilterPolicy", "stock", json!({"rules": rules})),
    ];
    team.site.write("internal.yaml", documents(&more));
    let shop: Vec<_> = team.shop().into_iter().filter(|it| it["metadata"]["name"] != "web").collect();
    team.site.write("shop.yaml", documents(&shop));
    team.site.write("tax.yaml", documents(&[team.manifest("tax")]));
    let gateway = team.gateway().await;
    gateway.admin.state("Preview", "tax", "acked").await;
    let form = get(PORTAL, "/docs/previews/default/tax/doctor").method("POST");
    let form = form.with("authorization", &team.person("team-cart"));
    let form = form.with("content-type", "application/x-www-form-urlencoded").body("path=%2Fstock%2F");
    let reply = team.client().ask(&form).await;
    let page = reply.text();
    assert_eq!(reply.status, 200, "{page}");
    let said = row(&page, "shop.example/stock/");
    let why = "the gateway refused it before any service";
    assert!(said.contains(">401 <span") && said.contains(why), "{said}");
    assert!(!page.contains("OTEL_PROPAGATORS"), "nothing was lost: {page}");

    let admin = team.site.admin().to_string();
    for (path, status, why) in [
        ("/stock/", "401", why),
        ("/stock/mine/", "302", "a login stopped it"),
        ("/stock/far/", "503", "undecided: what a Filter asks does not answer"),
        ("/nowhere", "404", "no Mapping takes it"),
        ("/cart/", "200", ""),
    ] {
        let mut command = team.site.nuncio(&["preview", "doctor", "tax", "--path", path, "--admin", &admin]);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        let asked = format!("{SHOP}{path} ");
        let line = told.lines().find(|line| line.contains(&asked)).unwrap_or_else(|| panic!("{path}: {told}"));
        let said = line.rsplit_once(status).map(|(_, said)| said.trim());
        assert_eq!(said, Some(why), "{path}: {told}");
    }
    gateway.stop().await;
}
