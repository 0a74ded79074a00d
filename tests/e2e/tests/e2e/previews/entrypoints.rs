//! Previews of an application that has several hosts: what leads from one to another stays within the preview.

use nuncio_e2e::yaml::{documents, mapping_on, object};
use nuncio_e2e::{Client, Gateway, Reply, get};
use serde_json::json;

use super::{SHOP, Shop, host_of, policy, preview};

const API: &str = "api.example";
/// A page of somebody else.
const FOREIGN: &str = "https://evil.example";

/// A shop with an API of its own host, which its pages may use, and previews of both; the hosts of the first and the second.
async fn start(shop: &Shop) -> (Gateway<'_>, [String; 2]) {
    let mut policy = policy();
    policy["spec"]["hosts"] = json!([SHOP, API]);
    let mut api = mapping_on(API, "api", "/", shop.cart.address());
    api["spec"]["cors"] = json!({"origins": [format!("http://{SHOP}")], "methods": ["PUT"], "credentials": true});
    let redirect = json!({"hostname": SHOP, "prefix": "/old/", "service": API, "host_redirect": true});
    let silent = mapping_on(API, "silent", "/silent/", shop.cart.address());
    shop.site.write("policy.yaml", documents(&[policy, api, silent, object("Mapping", "old", redirect)]));
    for name in ["pr-42", "other"] {
        let mut preview = preview(name, &shop.cart, &shop.branch);
        let entrypoint = json!({"name": "api", "host": API});
        preview["spec"]["entrypoints"].as_array_mut().unwrap().push(entrypoint);
        shop.site.write(&format!("{name}.yaml"), documents(&[preview]));
    }
    let gateway = Gateway::start(&shop.site).await;
    let web = host_of(shop, &gateway, "pr-42").await;
    let (web, api) = web.split_once("/\nhttp://").expect("two URLs");
    let hosts = [web, api].map(str::to_owned);
    (gateway, hosts)
}

#[tokio::test]
async fn what_leads_to_another_host_of_the_application_leads_to_that_of_the_preview() {
    let shop = Shop::new().await;
    let (gateway, [web, api]) = start(&shop).await;
    let client = shop.client();
    let answered = async |host: &str, header: &str, value: &str| {
        let ask = get(host, "/cart/").with("x-echo-header", &format!("{header}={value}"));
        client.ask(&ask).await.header(header).unwrap().to_owned()
    };
    for header in ["location", "content-location"] {
        for (said, expected) in [
            (format!("https://{API}/x?y#z"), format!("http://{api}/x?y#z")),
            (format!("//{API}"), format!("http://{api}")),
            (format!("https://{SHOP}/"), format!("http://{web}/")),
            ("/x".to_owned(), "/x".to_owned()),
            (format!("https://{API}@evil.example/"), format!("https://{API}@evil.example/")),
            (format!("https://{API}.evil.example/"), format!("https://{API}.evil.example/")),
            (format!("https:\\\\{API}/"), format!("https:\\\\{API}/")),
            (format!("{FOREIGN}/?to=https://{API}/"), format!("{FOREIGN}/?to=https://{API}/")),
        ] {
            assert_eq!(answered(&web, header, &said).await, expected, "{header}: {said}");
            assert_eq!(answered(SHOP, header, &said).await, said, "the baseline's are its own");
        }
    }
    for (said, expected) in [
        (format!("5; url=https://{API}/x"), format!("5; url=http://{api}/x")),
        (format!("0;URL='https://{API}/x'"), format!("0;URL='http://{api}/x'")),
        (format!("0; url=\"https://{API}\" ; x"), format!("0; url=\"http://{api}\" ; x")),
        (format!("0, https://{SHOP}"), format!("0, http://{web}")),
        ("5".to_owned(), "5".to_owned()),
        (format!("5; url={FOREIGN}/?https://{API}/"), format!("5; url={FOREIGN}/?https://{API}/")),
    ] {
        assert_eq!(answered(&web, "refresh", &said).await, expected, "{said}");
    }
    // From the other one too, and where the gateway redirects by itself.
    assert_eq!(answered(&api, "location", &format!("https://{SHOP}/")).await, format!("http://{web}/"));
    let redirected = client.ask(&get(&web, "/old/x?y")).await;
    assert_eq!((redirected.status, redirected.header("location")), (301, Some(&*format!("http://{api}/old/x?y"))));
    assert_eq!(answered(&web, "set-cookie", &format!("a=b; Domain={API}")).await, "a=b");
    gateway.stop().await;
}

/// What services see of where a request is from.
async fn seen(client: &Client, host: &str, path: &str, header: &str, value: &str) -> Option<String> {
    let reply = client.ask(&get(host, path).method("POST").with(header, value)).await;
    let echo = reply.echo().unwrap_or_else(|| panic!("{reply:?}"));
    assert!([SHOP, API].contains(&&*echo.host));
    echo.header(header).map(str::to_owned)
}

#[tokio::test]
async fn services_see_the_same_origin_where_it_is_the_same_and_another_where_it_is_another() {
    let shop = Shop::new().await;
    let (gateway, [web, api]) = start(&shop).await;
    let client = shop.client();
    let (known, own) = (|host: &str| format!("http://{host}"), |host: &str| format!("http://{host}"));
    let shown = gateway.admin.list("previews?name=other").await;
    let other = shown[0]["urls"][0]["url"].as_str().unwrap().trim_end_matches('/').to_owned();
    for (host, origin, expected) in [
        (&web, own(&web), Some(known(SHOP))),
        (&web, own(&api), Some(known(API))),
        (&api, own(&web), Some(known(SHOP))),
        // In clear text is not by TLS, and another port is another origin.
        (&web, own(&web).replace("http:", "https:"), Some(own(&web).replace("http:", "https:"))),
        (&web, own(&web) + ":8443", Some(own(&web) + ":8443")),
        (&web, FOREIGN.to_owned(), Some(FOREIGN.to_owned())),
        (&web, other.clone(), Some(other.clone())),
        (&web, own(&web) + ".evil.example", Some(own(&web) + ".evil.example")),
        (&web, "null".to_owned(), Some("null".to_owned())),
        // The baseline's pages are others than the preview's, and would look the same.
        (&web, format!("https://{SHOP}"), Some("null".to_owned())),
        (&web, format!("http://{SHOP}:8080"), Some("null".to_owned())),
        (&api, known(SHOP), Some(known(SHOP))),
    ] {
        assert_eq!(seen(&client, host, "/cart/", "origin", &origin).await, expected, "{host}: {origin}");
    }
    for (host, referer, expected) in [
        (&web, own(&web) + "/x?y", Some(known(SHOP) + "/x?y")),
        (&web, own(&api), Some(known(API))),
        (&web, format!("{FOREIGN}/{}", own(&web)), Some(format!("{FOREIGN}/{}", own(&web)))),
        (&web, known(SHOP) + "/x", None),
    ] {
        assert_eq!(seen(&client, host, "/cart/", "referer", &referer).await, expected, "{host}: {referer}");
    }
    // At the baseline all is as clients say it.
    for origin in [own(&web), known(SHOP)] {
        assert_eq!(seen(&client, SHOP, "/cart/", "origin", &origin).await, Some(origin));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_page_of_the_preview_may_use_what_a_page_of_the_baseline_may() {
    let shop = Shop::new().await;
    let (gateway, [web, api]) = start(&shop).await;
    let client = shop.client();
    let allowed = |reply: &Reply| reply.header("access-control-allow-origin").map(str::to_owned);
    let own = |host: &str| format!("http://{host}");
    // By the Mapping, which knows the baseline's page alone.
    for (host, origin, expected) in
        [(&api, own(&web), Some(own(&web))), (&api, FOREIGN.to_owned(), None), (&api, own(&api), None)]
    {
        let preflight = get(host, "/").method("OPTIONS").with("origin", &origin);
        let reply = client.ask(&preflight.with("access-control-request-method", "PUT")).await;
        assert_eq!(allowed(&reply), expected, "{origin}");
        let reply = client.ask(&get(host, "/").with("origin", &origin)).await;
        assert_eq!(allowed(&reply), expected, "{origin}");
    }
    // By the service.
    for (origin, said, expected) in [
        (own(&web), own(SHOP), own(&web)),
        (own(&web), own(SHOP) + ":3000", own(SHOP) + ":3000"),
        (own(&web), format!("https://{SHOP}"), format!("https://{SHOP}")),
        (own(&web), FOREIGN.to_owned(), FOREIGN.to_owned()),
        (own(&web), "*".to_owned(), "*".to_owned()),
        // Who is from the baseline itself is told what he may.
        (own(SHOP), own(SHOP), own(SHOP)),
    ] {
        let ask = get(&api, "/silent/").with("origin", &origin);
        let reply = client.ask(&ask.with("x-echo-header", &format!("access-control-allow-origin={said}"))).await;
        assert_eq!(allowed(&reply), Some(expected), "{origin}: {said}");
    }
    gateway.stop().await;
}
