//! What requests say of previews where there are none: there is no PreviewPolicy, or none that can be used.

use nuncio_e2e::yaml::documents;
use nuncio_e2e::{Client, Gateway, Reply, get};
use serde_json::json;

use super::context::INTERNAL;
use super::{SHOP, Shop, host_of, internal_listener, policy};

/// Of the shape of a key.
const KEY: &str = "npkaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Requests for the shop, for a host of the wildcard's, and for the shop in other letters; each with the service that has them.
const WAYS: [(&str, &str, &str); 3] =
    [(SHOP, "/cart/", "cart"), ("any.example", "/", "web"), ("SHOP.example", "/cart/", "cart")];

fn assert_no_preview(reply: &Reply, what: &str) {
    assert_eq!(reply.status, 404, "{what}: {reply:?}");
    assert!(reply.text().contains("no such preview"), "{what}: {reply:?}");
}

#[tokio::test]
async fn what_clients_say_of_previews_goes_no_further_where_there_are_none() {
    let shop = Shop::new().await;
    shop.site.remove("policy.yaml");
    let gateway = Gateway::start(&shop.site).await;
    let client = shop.client();
    for (host, path, by) in WAYS {
        let ask = get(host, path).with("x-nuncio-preview", KEY).with("x-nuncio-select", KEY).with("x-branch", KEY);
        let ask = ask.with("x-nuncio-baggage", KEY).with("baggage", "");
        let ask = ask.with("baggage", &format!("user=ann;p=1 , nuncio-preview = {KEY};q=2,plan=a%20b"));
        let seen = client.ask(&ask).await.echo().unwrap();
        assert_eq!(seen.backend, by, "{host}");
        // Of headers that a policy would name nobody knows.
        let held: Vec<_> = seen.headers.iter().filter(|(_, value)| value.contains(KEY)).map(|(name, _)| name).collect();
        assert_eq!(held, ["x-branch"], "{host}");
        let seen = client.ask(&get(host, path).with("baggage", "user=ann;p=1,plan=a%20b")).await.echo().unwrap();
        assert_eq!((&*seen.backend, seen.header("baggage")), (by, Some("user=ann;p=1,plan=a%20b")), "{host}");
        let much = vec!["a=b"; 5_000].join(",");
        let seen = client.ask(&get(host, path).with("baggage", &much)).await.echo().unwrap();
        assert_eq!((&*seen.backend, seen.header("baggage")), (by, Some(&much[..4 * 512 - 1])), "{host}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_key_is_never_the_baseline_where_there_are_no_previews() {
    let shop = Shop::new().await;
    shop.site.write("internal.yaml", documents(&[internal_listener(&shop.site)]));
    shop.create("pr-42");
    let gateway = Gateway::start(&shop.site).await;
    let host = host_of(&shop, &gateway, "pr-42").await;
    let key = shop.key_at(&host).await;
    shop.site.remove("policy.yaml");
    gateway.line(&["PreviewPolicy default/previews removed", "live on 1 Envoy"]).await;
    let inside = Client::http(shop.site.at(INTERNAL));
    let (web, cart) = (shop.web.requests(), shop.cart.requests());
    for (host, path, _) in WAYS {
        for key in [&*key, KEY, "x"] {
            let baggage = format!("user=ann,nuncio-preview={key}");
            for ask in [get(host, path).with("x-nuncio-preview", key), get(host, path).with("baggage", &baggage)] {
                assert_no_preview(&inside.ask(&ask).await, host);
            }
        }
    }
    assert_eq!((shop.web.requests(), shop.cart.requests()), (web, cart), "no service was asked");
    for (host, path, by) in WAYS {
        assert_eq!(inside.ask(&get(host, path)).await.by(), by, "{host}: no key");
        let seen = inside.ask(&get(host, path).with("baggage", "user=ann")).await.echo().unwrap();
        assert_eq!((&*seen.backend, seen.header("baggage")), (by, Some("user=ann")), "{host}: no key");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn headers_of_a_policy_that_cannot_be_used_hold_keys_too() {
    let shop = Shop::new().await;
    let mut policy = policy();
    policy["spec"]["headers"] = json!(["X-Branch"]);
    policy["spec"]["access"] = json!(["Everybody"]);
    shop.site.write("policy.yaml", documents(&[policy, internal_listener(&shop.site)]));
    let gateway = Gateway::start(&shop.site).await;
    let ask = get(SHOP, "/cart/").with("x-branch", KEY);
    let seen = shop.client().ask(&ask).await.echo().unwrap();
    assert_eq!((&*seen.backend, seen.header("x-branch")), ("cart", None));
    assert_no_preview(&Client::http(shop.site.at(INTERNAL)).ask(&ask).await, "a key");
    gateway.stop().await;
}
