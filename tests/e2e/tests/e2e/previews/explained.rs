//! `nuncio explain` follows a request into the preview that it is for.

use nuncio_e2e::yaml::documents;
use nuncio_e2e::{Ask, Client, Gateway, get};

use super::context::{INTERNAL, internal_listener};
use super::selectors::selector;
use super::{SHOP, Shop, host_of, policy};

/// What is said of a request that is sent as well, so that both can be held against each other.
async fn explained(shop: &Shop, port: u16, host: &str, headers: &[(&str, &str)]) -> String {
    let url = format!("http://{host}:{port}/cart/");
    let admin = shop.site.admin().to_string();
    let mut args = vec!["explain".to_owned(), url, "--admin".to_owned(), admin];
    args.extend(headers.iter().flat_map(|(name, value)| ["-H".to_owned(), format!("{name}: {value}")]));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut command = shop.site.nuncio(&args);
    let output = tokio::task::spawn_blocking(move || command.output().expect("nuncio runs")).await.unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[tokio::test]
async fn explain_follows_a_request_into_the_preview_that_it_is_for() {
    let shop = Shop::new().await;
    let mut policy = policy();
    policy["spec"]["selectors"] = serde_json::json!(["Header", "Cookie"]);
    shop.site.write("policy.yaml", documents(&[policy]));
    shop.site.write("internal.yaml", documents(&[internal_listener(&shop.site)]));
    shop.create("pr-42");
    let gateway = Gateway::start(&shop.site).await;
    let host = host_of(&shop, &gateway, "pr-42").await;
    let key = shop.key_at(&host).await;
    let (public, inside) = (shop.site.http(), shop.site.at(INTERNAL));
    let name = selector(&host);
    let (cookie, baggage) = (format!("a=b; nuncio_preview={name}"), format!("a=b,nuncio-preview={key}"));
    let branch = format!("{}-", shop.branch.address());
    let cart = format!("{}-", shop.cart.address());
    let none = "there is no such preview of this host".to_owned();
    for (at, host, headers, by, told) in [
        (public, host.as_str(), &[][..], "branch", [&branch, ""]),
        (public, SHOP, &[("x-nuncio-preview", name)], "branch", [&branch, "in a preview that a header chooses"]),
        (public, SHOP, &[("cookie", &*cookie)], "branch", [&branch, "in a preview that a cookie chooses"]),
        (public, SHOP, &[("cookie", "a=b"), ("baggage", &*baggage)], "cart", [&cart, ""]),
        (public, SHOP, &[("x-nuncio-preview", "nobody")], "404", [&none, ""]),
        (public, SHOP, &[("cookie", "nuncio_preview=nobody")], "404", [&none, ""]),
        (inside, SHOP, &[("baggage", &*baggage)], "branch", [&branch, "that the key of a service chooses"]),
        (inside, SHOP, &[("x-nuncio-preview", "npknobody")], "404", [&none, ""]),
        (inside, SHOP, &[], "cart", [&cart, ""]),
    ] {
        let ask = headers.iter().fold(get(host, "/cart/"), |ask: Ask, (name, value)| ask.with(name, value));
        assert_eq!(Client::http(at).ask(&ask).await.by(), by, "{host} {headers:?}");
        let text = explained(&shop, at.port(), host, headers).await;
        told.iter().for_each(|part| assert!(text.contains(part), "{host} {headers:?}: {part}: {text}"));
        assert!(!text.contains(&key), "{text}");
    }
    gateway.stop().await;
}
