//! Headers that the gateway uses inside, and headers that say who a client is: none can be forged.

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{self, documents, host, listener, mapping, mapping_on, object};
use nuncio_e2e::{Authority, Client, Gateway, Site, Tls, get};
use serde_json::json;

const INTERNAL: [&str; 3] = ["x-nuncio-scope", "x-nuncio-chain", "x-nuncio-preview"];

#[tokio::test]
async fn internal_headers_have_no_effect_and_go_nowhere() {
    let (site, a, b) = (Site::new(), Backend::start("a").await, Backend::start("b").await);
    let routes = [
        listener("http", site.http().port(), "HTTP"),
        host("any", "*"),
        host("a", "a.example"),
        host("b", "b.example"),
        mapping_on("a.example", "a", "/", a.address()),
        mapping_on("b.example", "b", "/", b.address()),
        mapping("star", "/star/", b.address()),
    ];
    site.write("all.yaml", documents(&routes));
    let gateway = Gateway::start(&site).await;
    let values = ["b.example|", "b.example", "*", "b.example|b.example", "tls:b", ""];
    for client in [Client::http(site.http()), Client::http(site.http()).http2()] {
        for name in INTERNAL {
            for value in values {
                // Twice, and in capitals where the protocol allows it.
                let reply = client.ask(&get("a.example", "/x").with(name, value).with(name, "again")).await;
                let echo = reply.echo().unwrap_or_else(|| panic!("{name}: {value}: {reply:?}"));
                assert_eq!(echo.backend, "a", "{name}: {value}");
                assert!(!echo.headers.iter().any(|(name, _)| name.starts_with("x-nuncio")), "{:?}", echo.headers);
                assert!(!reply.headers.keys().any(|name| name.as_str().starts_with("x-nuncio")), "{:?}", reply.headers);
            }
        }
    }
    // A name without a table of its own, which goes the longer way.
    let reply = Client::http(site.http()).ask(&get("C.example", "/star/").with("x-nuncio-scope", "a.example|")).await;
    let echo = reply.echo().unwrap();
    assert_eq!(echo.backend, "b");
    assert!(!echo.headers.iter().any(|(name, _)| name.starts_with("x-nuncio")), "{:?}", echo.headers);
    gateway.stop().await;
}

#[tokio::test]
async fn a_forged_x_forwarded_proto_makes_no_request_secure() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let redirecting = object("Host", "a", json!({"hostname": "a.example"}));
    site.write("all.yaml", yaml::listeners(&site) + &documents(&[redirecting, mapping("x", "/x/", a.address())]));
    let gateway = Gateway::start(&site).await;
    for forged in ["https", "HTTPS", "https,http", "http,https"] {
        let ask = get("a.example", "/x/").with("x-forwarded-proto", forged);
        let reply = Client::http(site.http()).ask(&ask).await;
        assert_eq!((reply.status, reply.header("location")), (301, Some("https://a.example/x/")), "{forged}");
    }
    assert_eq!(a.requests(), 0);
    gateway.stop().await;
}

#[tokio::test]
async fn a_trusted_proxy_in_front_says_what_is_secure() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let mut behind = listener("http", site.http().port(), "HTTP");
    behind["spec"]["l7Depth"] = json!(1);
    let redirecting = object("Host", "a", json!({"hostname": "a.example"}));
    site.write("all.yaml", documents(&[behind, redirecting, mapping("x", "/x/", a.address())]));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let said = |scheme: &str| get("a.example", "/x/").with("x-forwarded-proto", scheme);
    assert_eq!(client.ask(&said("https")).await.by(), "a");
    assert_eq!(client.ask(&said("http")).await.status, 301);
    gateway.stop().await;
}

#[tokio::test]
async fn forwarded_headers_of_strangers_are_replaced() {
    let (site, a, authority) = (Site::new(), Backend::start("a").await, Authority::new("ca"));
    let secret = yaml::tls_secret("a", &authority.issue(&["a.example"]));
    let objects = [secret, yaml::tls_host("a", "a.example"), mapping("x", "/x/", a.address())];
    site.write("all.yaml", yaml::listeners(&site) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    let ask = get("a.example", "/x/")
        .with("x-forwarded-for", "10.1.2.3")
        .with("x-forwarded-proto", "http")
        .with("x-forwarded-client-cert", "Hash=00;Subject=\"CN=admin\"")
        .with("x-envoy-original-path", "/admin")
        .with("x-envoy-decorator-operation", "x")
        .with("x-envoy-upstream-rq-timeout-ms", "1")
        .with("x-envoy-internal", "true")
        .with("x-envoy-external-address", "10.1.2.3");
    let reply = Client::https(site.https(), Tls::to("a.example", &authority)).ask(&ask).await;
    let echo = reply.echo().unwrap_or_else(|| panic!("{reply:?}"));
    assert_eq!(echo.header("x-forwarded-proto"), Some("https"));
    assert_eq!(echo.header("x-forwarded-client-cert"), None);
    assert_ne!(echo.header("x-envoy-original-path"), Some("/admin"), "{:?}", echo.headers);
    assert_ne!(echo.header("x-envoy-internal"), Some("true"), "{:?}", echo.headers);
    assert_ne!(echo.header("x-envoy-external-address"), Some("10.1.2.3"), "{:?}", echo.headers);
    // What is believed is the last entry, which Envoy adds.
    let forwarded: Vec<&str> = echo.header("x-forwarded-for").unwrap().split(',').collect();
    assert!(forwarded.len() == 2 && forwarded[1] != "10.1.2.3", "{forwarded:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn suspicious_requests_are_refused() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let objects = [mapping("admin", "/admin/", a.address()), mapping("x", "/x/", a.address())];
    site.write("all.yaml", yaml::plain(&site) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    assert_eq!(client.ask(&get("a.example", "/x/").with("x_user", "admin")).await.status, 400, "underscore");
    assert_eq!(client.ask(&get("a.example|b.example", "/x/")).await.status, 400, "a bar in the host");
    let path = |reply: nuncio_e2e::Reply| reply.echo().map(|echo| echo.path);
    let up = client.ask(&get("a.example", "/x/../admin/y")).await;
    assert_eq!(path(up).as_deref(), Some("/y"), "dots are resolved before a route is chosen");
    let slashes = client.ask(&get("a.example", "//admin//y")).await;
    assert_eq!(path(slashes).as_deref(), Some("/y"), "slashes are merged before a route is chosen");
    for (escaped, location) in [("/x/..%2fadmin/y", "/admin/y"), ("/x%5cy", "/x/y")] {
        let reply = client.ask(&get("a.example", escaped)).await;
        assert_eq!((reply.status, reply.header("location")), (307, Some(location)), "{escaped}");
    }
    gateway.stop().await;
}
