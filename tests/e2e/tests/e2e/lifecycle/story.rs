//! What previews are for, from the pull request to its end: everybody in it is real, and the shop is under load all the while.

use nuncio_e2e::{Load, Process};

use super::*;
use crate::portal::browser::told_with;
use crate::portal::{HOST, provider};
use crate::previews::{internal_listener, start};

const DOMAIN: &str = "preview.localhost";
const BASELINE: u64 = 1_250;
const SALE: u64 = 1_125;

/// The shop, each service in a process of its own, and the branch's version of two of them.
async fn services(site: &Site) -> [Process; 5] {
    let services = [("web", "v1"), ("catalog", "v1"), ("cart", "v1"), ("catalog", "v2"), ("cart", "v2")];
    let mut running = Vec::new();
    for (port, (service, version)) in (9101..).zip(services) {
        running.push(start(site, service, version, port).await);
    }
    running.try_into().unwrap()
}

/// Ann's cart, in both versions of the service; each asks the catalog for what she puts in.
async fn fill_carts(site: &Site) {
    for cart in [9103, 9105] {
        let line = get("cart", "/carts/ann/lines/bell").method("PUT").with("content-type", "application/json");
        let put = Client::http(site.at(cart)).ask(&line.body(r#"{"quantity": 2}"#)).await;
        assert_eq!(put.status, 200, "{}", put.text());
    }
}

fn mapping_as_it_is(site: &Site, hostname: &str, name: &str, prefix: &str, port: u16) -> Value {
    let mut mapping = mapping_on(hostname, name, prefix, site.at(port));
    mapping["spec"]["rewrite"] = json!("");
    // While a browser starts nobody is quick.
    mapping["spec"]["timeout_ms"] = json!(20_000);
    mapping
}

/// What is there before the pull request: the shop, and a gate for its previews that takes a login, or a token.
fn manifests(site: &Site, issuer: &Issuer) -> Vec<Value> {
    let inside = site.ip().to_string();
    let at = |port: u16| site.at(port).to_string();
    let login = json!({"OAuth2": {
        "authorizationURL": format!("http://{}", site.at(9200)), "clientID": "previews", "secretName": "previews-client",
        "protectedOrigins": [{"origin": format!("http://{DOMAIN}:{}", site.http().port()), "includeSubdomains": true}]}});
    let preview = json!({
        "name": "shop-pr-{number}",
        "services": [{"baseline": at(9102), "backend": at(9104)}, {"baseline": at(9103), "backend": at(9105)}],
        "entrypoints": [{"name": "web", "host": HOST}],
        "access": {"mode": "Authenticated"},
    });
    let policy = json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": "PreviewPolicy", "metadata": {"name": "previews"},
        "spec": {"domain": DOMAIN, "namespaces": ["default"], "hosts": [HOST], "access": ["Authenticated"], "backends": "Any",
            "scheme": "http", "port": site.http().port(),
            "filters": [
                {"name": "token", "ifRequestHeader": {"name": "Authorization"}, "onAllow": "break"},
                {"name": "login"},
            ],
            "repositories": [{"provider": "GitHub", "name": "acme/cart", "namespace": "default", "secretName": "cart-forge",
                "preview": preview}]}});
    vec![
        listener("http", site.http().port(), "HTTP"),
        internal_listener(site),
        host("any", "*"),
        host("previews", &format!("*.{DOMAIN}")),
        host("previews-login", DOMAIN),
        mapping_as_it_is(site, HOST, "web", "/", 9101),
        mapping_as_it_is(site, &inside, "catalog", "/products", 9102),
        mapping_as_it_is(site, &inside, "cart", "/carts/", 9103),
        mapping_as_it_is(site, PORTAL, "portal", "/webhooks/", 8088),
        object("Filter", "login", login),
        object("Filter", "token", json!({"JWT": {"jwksURI": issuer.jwks_uri}})),
        text_secret("cart-forge", "webhook", KEY),
        policy,
    ]
}

/// What the front page tells: the price of a bell in the catalog's list and in the cart, and the total, which is the branch's.
fn seen(page: &Value) -> (&Value, &Value, &Value) {
    (&page["products"][0]["price_cents"], &page["cart"]["lines"][0]["price_cents"], &page["cart"]["total_cents"])
}

fn of_the_shop(page: &Value) -> bool {
    seen(page) == (&json!(BASELINE), &json!(BASELINE), &Value::Null)
}

fn of_the_branch(page: &Value) -> bool {
    seen(page) == (&json!(SALE), &json!(SALE), &json!(2 * SALE))
}

fn shop_answers(reply: &Reply) -> bool {
    serde_json::from_str(&reply.text()).is_ok_and(|page| of_the_shop(&page))
}

fn branch_answers(reply: &Reply) -> bool {
    serde_json::from_str(&reply.text()).is_ok_and(|page| of_the_branch(&page))
}

/// What is under way as it ends may find, where the front page asks other services, that its key is nobody's any more.
fn branch_answers_until_it_has_ended(reply: &Reply) -> bool {
    let comes_too_late = reply.status == 404 && reply.text().contains("there is no ");
    reply.status == 410 || comes_too_late || branch_answers(reply)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_request_is_seen_inside_the_shop_by_a_colleague_until_it_is_closed() {
    let (site, issuer) = (Site::new(), Issuer::start().await);
    let _services = services(&site).await;
    site.write("shop.yaml", documents(&manifests(&site, &issuer)));
    let callback = format!("http://{DOMAIN}:{}/.ambassador/oauth2/redirection-endpoint", site.http().port());
    let _accounts = provider(&site, "previews", &callback, None).await;
    let gateway = Gateway::start_with(&site, |command| {
        command.arg(format!("--portal={}", site.at(8088))).arg("--allow-previews");
    })
    .await;
    let client = Client::http(site.http());
    eventually("the portal", async || client.send(&get(PORTAL, "/webhooks/")).await).await;
    fill_carts(&site).await;
    let shop = Load::kept(&client, vec![get(HOST, "/?user=ann"); 2], shop_answers);
    shop.more(20).await;

    let told = json_of(&client.ask(&github(|_| ())).await);
    assert_eq!(told["outcome"], "created", "{told}");
    let url = told["preview"]["urls"][0]["url"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned();
    gateway.admin.state("Preview", "shop-pr-42", "acked").await;
    let preview = url.strip_prefix("http://").unwrap().trim_end_matches('/');
    let page = |path: &str| get(preview, path);
    let program = client.ask(&page("/?user=ann").with("accept", "application/json")).await;
    assert_eq!(program.status, 401, "it has no token");
    let token = format!("Bearer {}", issuer.token(&json!({"sub": "load"})));
    let with_token = |path: &str| page(path).with("authorization", &token);
    let branch = Load::kept(&client, vec![with_token("/?user=ann"); 2], branch_answers);
    branch.more(20).await;

    let origin = format!("http://{HOST}:{}", site.http().port());
    let hosts = json!({HOST: site.ip(), DOMAIN: site.ip(), preview.split(':').next().unwrap(): site.ip()});
    let told = told_with(&site, "colleague.mjs", &json!({"preview": url, "hosts": hosts, "origin": origin})).await;
    assert_eq!(told["asked"], site.at(9200).to_string(), "a real page of the provider: {told:#}");
    assert!(of_the_branch(&told["branch"]) && of_the_shop(&told["shop"]), "{told:#}");

    let stock =
        json!({"hostname": HOST, "prefix": "/stock/", "rewrite": "/products/", "service": site.at(9102).to_string()});
    site.write("stock.yaml", documents(&[object("Mapping", "stock", stock)]));
    gateway.line(&["Mapping default/stock added", "live on 1 Envoy"]).await;
    let price = async |ask: Ask| json_of(&client.ask(&ask).await)["price_cents"].clone();
    assert_eq!(price(get(HOST, "/stock/bell")).await, BASELINE);
    assert_eq!(price(with_token("/stock/bell")).await, SALE, "what the shop gets the preview has too");

    branch.more(20).await;
    branch.stop().await.assert_nothing_lost(60);
    // Over the end of it nobody gets anything but the branch, or that it has ended; and the shop's visitors the shop.
    let closing = Load::kept(&client, vec![with_token("/?user=ann")], branch_answers_until_it_has_ended);
    closing.more(20).await;
    let closed = json_of(&client.ask(&github(hooks::closed)).await);
    assert_eq!(closed["outcome"], "deleted", "{closed}");
    gateway.line(&["Preview default/shop-pr-42 changed", "live on 1 Envoy"]).await;
    let ended = client.ask(&page("/?user=ann")).await;
    assert_eq!((ended.status, ended.text().contains("This preview has ended")), (410, true));
    closing.more(20).await;
    closing.stop().await.assert_nothing_lost(40);
    shop.more(20).await;
    shop.stop().await.assert_nothing_lost(60);
    gateway.stop().await;
}
