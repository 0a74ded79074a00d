//! Previews for who has a link to them.

use std::process::Output;

use nuncio_e2e::yaml::documents;
use nuncio_e2e::{Ask, Gateway, Reply, get};
use nuncio_test_support::keep_secret;
use serde_json::{Value, json};

use super::{Shop, host_of, own, policy, preview};

/// A Preview whose links are those of a generation.
fn shared(shop: &Shop, name: &str, generation: u32) -> Value {
    let mut preview = preview(name, &shop.cart, &shop.branch);
    preview["spec"]["access"] = json!({"mode": "ShareLink", "generation": generation});
    preview
}

/// A shop with two such previews, whose log has whole paths.
async fn shop() -> Shop {
    let shop = Shop::new().await;
    let mut policy = policy();
    policy["spec"]["access"] = json!(["ShareLink", "Public"]);
    let config =
        json!({"envoy_log_path": "/dev/stdout", "envoy_log_format": "%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE%\n"});
    let mut module = own("Module", "ambassador", &json!({"config": config}));
    module["apiVersion"] = json!("getambassador.io/v3alpha1");
    shop.site.write("policy.yaml", documents(&[policy, module]));
    for name in ["pr-42", "other"] {
        shop.site.write(&format!("{name}.yaml"), documents(&[shared(&shop, name, 1)]));
    }
    shop
}

async fn start(shop: &Shop) -> Gateway<'_> {
    Gateway::start_with(&shop.site, |command| _ = command.arg("--allow-previews")).await
}

async fn share(shop: &Shop, args: &[&str]) -> Output {
    let admin = shop.site.admin().to_string();
    let mut command = shop.site.nuncio(&[&["preview", "share", "--admin", &admin], args].concat());
    tokio::task::spawn_blocking(move || command.output().expect("nuncio runs")).await.unwrap()
}

/// What makes a URL a link, as the command line says it.
pub(super) async fn link(shop: &Shop, args: &[&str]) -> String {
    let output = share(shop, args).await;
    let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    let link = told.trim_end().split_once("/?").unwrap_or_else(|| panic!("{told}")).1.to_owned();
    keep_secret(link.split_once('=').unwrap().1);
    link
}

fn by_browser(ask: Ask) -> Ask {
    ask.with("accept", "text/html").with("sec-fetch-mode", "navigate")
}

/// The cookie that an answer sets.
fn cookie(reply: &Reply) -> &str {
    let set = reply.header("set-cookie").unwrap_or_else(|| panic!("{reply:?}"));
    set.split(';').next().unwrap()
}

#[tokio::test]
async fn who_follows_a_link_is_let_in_until_it_is_withdrawn() {
    let shop = shop().await;
    let gateway = start(&shop).await;
    let (client, host) = (shop.client(), host_of(&shop, &gateway, "pr-42").await);
    let closed = client.ask(&by_browser(get(&host, "/cart/"))).await;
    assert!(closed.status == 403 && closed.text().contains("for those who have a link"), "{}", closed.text());

    let link = link(&shop, &["pr-42"]).await;
    let followed = client.ask(&by_browser(get(&host, &format!("/cart/?a=1&{link}&b=2")))).await;
    assert_eq!(followed.status, 302, "{}", followed.text());
    assert_eq!(followed.header("location"), Some("/cart/?a=1&b=2"));
    let set = followed.header("set-cookie").unwrap();
    assert!(
        set.contains("; HttpOnly; SameSite=Lax") && set.contains("; Max-Age=86") && !set.contains("Domain"),
        "{set}"
    );

    // However the preview's routes are found.
    let other_shapes = [
        get(&host, &format!("/cart/?{link}")).with("baggage", "a=b"),
        get(&host.to_uppercase(), &format!("/cart/?{link}")),
    ];
    for ask in other_shapes {
        let followed = client.ask(&by_browser(ask)).await;
        assert_eq!(
            (followed.status, followed.header("location").is_some_and(|to| to.ends_with("/cart/"))),
            (302, true)
        );
    }

    let cookie = cookie(&followed);
    let seen = client.ask(&get(&host, "/cart/?a=1&b=2").with("cookie", &format!("x=1; {cookie}; y=2"))).await;
    assert_eq!(seen.by(), "branch");
    let echo = seen.echo().unwrap();
    assert_eq!((echo.header("cookie"), echo.header("x-nuncio-share")), (Some("x=1; y=2"), None));

    shop.site.write("pr-42.yaml", documents(&[shared(&shop, "pr-42", 2)]));
    gateway.line(&["Preview default/pr-42", "changed"]).await;
    nuncio_e2e::eventually("the link is withdrawn", async || {
        let reply = client.ask(&get(&host, "/cart/").with("cookie", cookie)).await;
        if reply.status == 403 && reply.text().contains("withdrawn") { Ok(()) } else { Err(reply.text()) }
    })
    .await;
    let again = client.ask(&by_browser(get(&host, &format!("/cart/?{link}")))).await;
    assert!(again.status == 403 && again.text().contains("withdrawn"), "{}", again.text());
    assert_eq!(shop.branch.requests(), 1);

    // Where all are let in no service sees who was let in before by what.
    let mut open = shared(&shop, "pr-42", 2);
    open["spec"]["access"]["mode"] = json!("Public");
    shop.site.write("pr-42.yaml", documents(&[open]));
    let ask = get(&host, "/cart/").with("cookie", &format!("x=1; __Host-{cookie}; {cookie}; y=2"));
    let echo = client.until_status(&ask, 200).await.echo().unwrap();
    assert_eq!(echo.header("cookie"), Some("x=1; y=2"));
    // What the gateway and its Envoy write is looked at as it ends.
    gateway.stop().await;
}

/// Each with what is said of it.
#[tokio::test]
async fn no_other_link_lets_anybody_in() {
    let shop = shop().await;
    let gateway = start(&shop).await;
    let (client, host) = (shop.client(), host_of(&shop, &gateway, "pr-42").await);
    let other_host = host_of(&shop, &gateway, "other").await;
    let (good, other) = (link(&shop, &["pr-42"]).await, link(&shop, &["default/other"]).await);
    let short = link(&shop, &["pr-42", "--ttl", "1s"]).await;
    let exchanged = client.ask(&get(&other_host, &format!("/?{other}"))).await;
    let others_cookie = cookie(&exchanged).to_owned();
    let (generation, rest) = good.split_once('=').unwrap().1.split_once('.').unwrap();
    let (expires, code) = rest.split_once('.').unwrap();
    let later = expires.parse::<u64>().unwrap() + 1;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;

    let none = "no link to this preview";
    for (link, why) in [
        (other.as_str(), none),
        ("nuncio-share=", none),
        ("nuncio-share=1.99999999999.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", none),
        (&format!("nuncio-share={generation}.{later}.{code}"), none),
        (&format!("nuncio-share={}.{expires}.{code}", "2"), none),
        (&short, "time of this link is over"),
        ("NUNCIO-SHARE=x", "for those who have a link"),
    ] {
        let reply = client.ask(&by_browser(get(&host, &format!("/cart/?{link}")))).await;
        assert!(reply.status == 403 && reply.text().contains(why), "{link}: {}", reply.text());
        assert_eq!(reply.header("set-cookie"), None, "{link}");
    }
    // Another preview's cookie, under its name and under that of this one; and a link as a cookie.
    let own_name =
        |value: &str| format!("nuncio_share.{}={value}", host.split("--").nth(1).unwrap().split('.').next().unwrap());
    let others_value = others_cookie.split_once('=').unwrap().1;
    for cookie in [others_cookie.clone(), own_name(others_value), own_name(good.split_once('=').unwrap().1)] {
        let reply = client.ask(&get(&host, "/cart/").with("cookie", &cookie)).await;
        assert_eq!(reply.status, 403, "{cookie}");
    }
    // Nor does the question whether a script may ask get to a service.
    let preflight = get(&host, "/cart/").method("OPTIONS").with("origin", "https://other.example");
    let reply = client.ask(&preflight.with("access-control-request-method", "GET")).await;
    assert_eq!((reply.status, reply.text().as_str()), (403, ""));
    // Nobody is led elsewhere by it.
    let away = client.ask(&get(&host, &format!("//evil.example/?{good}"))).await;
    let is_path = |to: &str| to.starts_with('/') && !to[1..].starts_with(['/', '\\']);
    assert!(away.header("location").is_none_or(is_path), "{away:?}");
    assert_eq!(shop.branch.requests() + shop.cart.requests() + shop.web.requests(), 0);
    gateway.stop().await;
}

#[tokio::test]
async fn no_log_has_a_link_to_a_preview_that_there_is_no_more() {
    let shop = shop().await;
    let gateway = start(&shop).await;
    let (client, host) = (shop.client(), host_of(&shop, &gateway, "pr-42").await);
    let link = link(&shop, &["pr-42"]).await;
    shop.site.remove("pr-42.yaml");
    gateway.line(&["Preview default/pr-42 removed", "live on 1 Envoy"]).await;
    let nobody = "web--nobody-aaaaaaaaaaaaaaaa.preview.example";
    for (path, host, status) in [
        ("/a", &*host, 410),
        ("/b", &host.to_uppercase(), 410),
        ("/c", nobody, 404),
        ("/d", "Web--X.Preview.example", 404),
    ] {
        assert_eq!(client.ask(&get(host, &format!("{path}?x=1&{link}"))).await.status, status, "{host}");
        gateway.line(&[&format!("GET {path}?x=1 {status}")]).await;
    }
    // What it has written is searched for the link as it ends.
    gateway.stop().await;
}

#[tokio::test]
async fn links_are_made_for_previews_that_they_let_somebody_into() {
    let shop = shop().await;
    let gateway = start(&shop).await;
    host_of(&shop, &gateway, "pr-42").await;
    for (args, why) in [
        (&["pr-42", "--ttl", "721h"][..], "not between"),
        (&["pr-42", "--ttl", "soon"], "expected a duration"),
        (&["nobody"], "there is no Preview"),
    ] {
        let output = share(&shop, args).await;
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains(why), "{args:?}: {told}");
    }
    let mut open = policy();
    open["spec"]["access"] = json!(["ShareLink", "Public"]);
    shop.site.write("open.yaml", documents(&[preview("open", &shop.cart, &shop.branch), open]));
    gateway.line(&["Preview default/open added"]).await;
    let output = share(&shop, &["open"]).await;
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && told.contains("needs no link: whoever knows its URL sees it"), "{told}");
    gateway.stop().await;
}
