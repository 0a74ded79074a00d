//! Choosing a preview at the host of the baseline.

use nuncio_e2e::yaml::{documents, mapping_on, object, text_secret};
use nuncio_e2e::{Gateway, get};
use serde_json::json;

use super::{SHOP, Shop, host_of, policy, preview};

/// What a preview is called, as its URL shows.
pub(super) fn selector(host: &str) -> &str {
    host.split_once("--").unwrap().1.split_once('.').unwrap().0
}

#[tokio::test]
async fn a_header_chooses_a_preview_where_the_policy_lets_it_and_behind_the_gate() {
    let shop = Shop::new().await;
    let mut policy = policy();
    policy["spec"]["selectors"] = json!(["Header"]);
    policy["spec"]["access"] = json!(["Public", "Authenticated"]);
    policy["spec"]["filters"] = json!([{"name": "visitors"}]);
    let mut private = preview("private", &shop.cart, &shop.branch);
    private["spec"]["access"]["mode"] = json!("Authenticated");
    let objects = [
        policy,
        private,
        object("Filter", "visitors", json!({"APIKey": {"keys": [{"secretName": "visitors"}]}})),
        text_secret("visitors", "ann", "visitor-key"),
        mapping_on("other.example", "other", "/cart/", shop.cart.address()),
    ];
    shop.site.write("policy.yaml", documents(&objects));
    shop.create("pr-42");
    let gateway = Gateway::start(&shop.site).await;
    let client = shop.client();
    let (public, private) = (host_of(&shop, &gateway, "pr-42").await, host_of(&shop, &gateway, "private").await);
    let choosing = |host: &str, preview: &str| get(host, "/cart/").with("x-nuncio-preview", preview);
    let reply = client.ask(&choosing(SHOP, selector(&public)).with("baggage", "a=b,nuncio-preview=npkx")).await;
    assert_eq!((reply.by().as_str(), reply.header("x-nuncio-served-by")), ("branch", Some("preview")));
    let seen = reply.echo().unwrap();
    let key = seen.header("x-nuncio-preview").unwrap();
    assert_eq!((seen.host.as_str(), seen.header("baggage")), (SHOP, Some(&*format!("nuncio-preview={key},a=b"))));
    assert_eq!(client.ask(&choosing("SHOP.Example", selector(&public))).await.by(), "branch");
    assert_eq!(client.ask(&get(SHOP, "/cart/")).await.by(), "cart");
    // Whoever knows the baseline's host alone stays there.
    let moved = format!("https://{SHOP}/login");
    let ask = choosing(SHOP, selector(&public)).with("x-echo-header", &format!("location={moved}"));
    assert_eq!(client.ask(&ask).await.header("location"), Some(&*moved));
    // The gate is the same.
    assert_eq!(client.ask(&choosing(SHOP, selector(&private))).await.status, 401);
    assert_eq!(client.ask(&choosing(SHOP, selector(&private)).with("x-api-key", "visitor-key")).await.by(), "branch");
    // Whatever names none is told so, and is not the baseline: a key is no name either.
    let said = ["pr-42", "default/pr-42", "=x", "|", "x|y", &format!("={}", selector(&public)), key, &public];
    for wrong in said {
        let reply = client.ask(&choosing(SHOP, wrong)).await;
        assert_eq!(reply.status, 404, "{wrong}");
        assert!(reply.text().contains("no such preview"), "{wrong}");
    }
    // Elsewhere it says nothing, and goes no further: at hosts that the policy does not name, and at a preview's own.
    for wrong in [selector(&public), "pr-42"] {
        let seen = client.ask(&choosing("other.example", wrong)).await.echo().unwrap();
        assert_eq!((&*seen.backend, seen.header("x-nuncio-preview")), ("cart", None), "{wrong}");
        assert_eq!(client.ask(&choosing("wild.example", wrong)).await.by(), "web", "{wrong}");
        assert_eq!(client.ask(&choosing(&public, wrong)).await.by(), "branch", "the host has chosen: {wrong}");
    }
    assert_eq!(client.ask(&choosing(&private, selector(&public))).await.status, 401, "and whose gate it is");
    gateway.stop().await;
}
