//! What goes on to the services behind a preview, and what comes back to its visitors.

use nuncio_e2e::backend::{Backend, Echo};
use nuncio_e2e::yaml::{documents, host, listener, mapping, mapping_on};
use nuncio_e2e::{Ask, Client, Gateway, Site, get};
use serde_json::json;

use super::{SHOP, Shop, host_of, policy};

/// Where services call each other.
pub(crate) const INTERNAL: u16 = 7081;

pub(crate) fn internal_listener(site: &Site) -> serde_json::Value {
    let mut listener = listener("internal", site.at(INTERNAL).port(), "HTTP");
    listener["spec"]["internal"] = json!(true);
    listener
}

/// Every value of a header, as services see them.
fn values<'e>(echo: &'e Echo, name: &str) -> Vec<&'e str> {
    echo.headers.iter().filter(|(other, _)| other == name).map(|(_, value)| &**value).collect()
}

#[tokio::test]
async fn services_are_told_the_key_and_nothing_that_a_client_says_of_it() {
    let shop = Shop::new().await;
    let mut policy = policy();
    policy["spec"]["headers"] = json!(["X-Branch"]);
    shop.site.write("policy.yaml", documents(&[policy]));
    shop.create("pr-42");
    let gateway = Gateway::start(&shop.site).await;
    let (client, host) = (shop.client(), host_of(&shop, &gateway, "pr-42").await);
    let key = shop.key_at(&host).await;
    assert!(key.starts_with("npk") && key.len() == 29, "128 random bits");
    let forged = "npkaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let ask = |host: &str| {
        let ask = get(host, "/cart/").with("x-nuncio-preview", "").with("x-nuncio-preview", forged);
        let ask = ask.with("x-branch", forged).with("x-nuncio-select", forged).with("x-nuncio-baggage", forged);
        ask.with(
            "baggage",
            &format!(" user=ann;p=1 , nuncio-preview={forged};q=2,nuncio-preview = {forged},plan=a%20b"),
        )
    };
    let seen = client.ask(&ask(&host)).await.echo().unwrap();
    assert_eq!(seen.backend, "branch");
    assert_eq!(values(&seen, "x-nuncio-preview"), [&*key]);
    assert_eq!(values(&seen, "x-branch"), [&*key]);
    assert_eq!(values(&seen, "baggage"), [format!("nuncio-preview={key},user=ann;p=1,plan=a%20b")]);
    assert_eq!(values(&seen, "x-nuncio-select").len() + values(&seen, "x-nuncio-baggage").len(), 0);
    // The baseline is told of no preview, and the rest stays.
    let seen = client.ask(&ask(SHOP)).await.echo().unwrap();
    assert_eq!(seen.backend, "cart");
    assert_eq!(values(&seen, "baggage"), ["user=ann;p=1,plan=a%20b"]);
    assert!(!serde_json::to_string(&seen).unwrap().contains(forged), "{seen:?}");
    // Nor does what is hidden behind an empty line get through.
    let hidden = get(SHOP, "/cart/").with("baggage", "").with("baggage", &format!("nuncio-preview={key}"));
    let seen = client.ask(&hidden).await.echo().unwrap();
    assert!(!serde_json::to_string(&seen).unwrap().contains(&key), "{seen:?}");
    assert_eq!(
        client.ask(&get(&host, "/")).await.echo().unwrap().header("x-nuncio-preview"),
        Some(&*key),
        "the rest too"
    );
    gateway.stop().await;
}

#[tokio::test]
async fn no_third_party_is_told_the_key_unless_the_policy_names_it() {
    let shop = Shop::new().await;
    let (away, copies) = (Backend::start("away").await, Backend::start("copies").await);
    // A name in DNS that is none of a cluster.
    let elsewhere = |name: &str, prefix: &str, backend: &Backend| {
        let mut mapping = mapping_on(SHOP, name, prefix, backend.address());
        mapping["spec"]["service"] = json!(format!("{name}.localhost:{}", backend.address().port()));
        mapping
    };
    let mut shadow = elsewhere("copies", "/cart/", &copies);
    shadow["spec"]["shadow"] = json!(true);
    let (mut baseline, mut wild) = (elsewhere("third", "/", &away), elsewhere("any", "/any/", &away));
    baseline["spec"]["hostname"] = json!("third.internal");
    wild["spec"]["hostname"] = json!("*");
    let others = [internal_listener(&shop.site), elsewhere("away", "/away/", &away), shadow, baseline, wild];
    shop.site.write("away.yaml", documents(&others));
    shop.create("pr-42");
    let gateway = Gateway::start(&shop.site).await;
    let (client, host) = (shop.client(), host_of(&shop, &gateway, "pr-42").await);
    let key = shop.key_at(&host).await;
    let inside = Client::http(shop.site.at(INTERNAL));
    let handed_on = |host: &str, path: &str| get(host, path).with("baggage", &format!("user=ann,nuncio-preview={key}"));
    for (client, ask) in [
        (&client, get(&host, "/away/").with("baggage", "user=ann")),
        (&inside, handed_on(SHOP, "/away/")),
        (&inside, handed_on(SHOP, "/away/").with("x-nuncio-preview", &key)),
        // Where the preview has nothing of its own.
        (&inside, handed_on("third.internal", "/").with("x-nuncio-preview", &key)),
        (&inside, handed_on("elsewhere.internal", "/any/")),
    ] {
        let seen = client.ask(&ask).await.echo().unwrap();
        assert_eq!((&*seen.backend, values(&seen, "baggage")), ("away", vec!["user=ann"]), "{ask:?}");
        assert!(!serde_json::to_string(&seen).unwrap().contains(&key), "{seen:?}");
    }
    assert_eq!(inside.ask(&get(SHOP, "/cart/").with("x-nuncio-preview", &key)).await.by(), "branch");
    // The baseline's requests are copied, and of the preview's none was.
    assert_eq!(client.ask(&get(SHOP, "/cart/")).await.by(), "cart");
    let one = async || if copies.requests() == 1 { Ok(()) } else { Err(copies.requests()) };
    nuncio_e2e::eventually("the copy is there", one).await;

    let mut policy = policy();
    policy["spec"]["trustedUpstreams"] = json!(["away.localhost"]);
    shop.site.write("policy.yaml", documents(&[policy]));
    gateway.line(&["PreviewPolicy default/previews changed", "live on 1 Envoy"]).await;
    let seen = client.ask(&get(&host, "/away/").with("baggage", "user=ann")).await.echo().unwrap();
    assert_eq!(values(&seen, "baggage"), [format!("nuncio-preview={key},user=ann")]);
    assert_eq!(values(&seen, "x-nuncio-preview"), [&*key]);
    assert_eq!(copies.requests(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn no_mapping_shows_visitors_a_key() {
    let shop = Shop::new().await;
    let mut policy = policy();
    policy["spec"]["headers"] = json!(["X-Branch"]);
    let mut telling = mapping_on(SHOP, "telling", "/telling/", shop.cart.address());
    let formats = [("x-a", "%REQ(baggage)%"), ("x-b", "<%REQ(X-Nuncio-Preview?x-id)%>"), ("x-c", "%REQ(x-branch)%")];
    for (name, value) in formats.into_iter().chain([("x-d", "%REQ(:path)%")]) {
        telling["spec"]["add_response_headers"][name] = json!({"value": value});
        telling["spec"]["add_request_headers"][name] = json!({"value": value});
    }
    shop.site.write("policy.yaml", documents(&[policy, telling, internal_listener(&shop.site)]));
    shop.create("pr-42");
    let gateway = Gateway::start(&shop.site).await;
    let host = host_of(&shop, &gateway, "pr-42").await;
    let reply = shop.client().ask(&get(&host, "/telling/")).await;
    let seen = reply.echo().unwrap();
    let key = seen.header("x-nuncio-preview").unwrap();
    assert_eq!((&*seen.backend, seen.header("x-a"), seen.header("x-b")), ("branch", None, None));
    let told = ["x-a", "x-b", "x-c", "x-d"].map(|name| reply.header(name));
    assert_eq!(told, [None, None, None, Some("/")]);
    assert!(reply.headers.values().all(|value| !value.to_str().unwrap().contains(key)), "{:?}", reply.headers);
    // The baseline's Mapping is in force otherwise, and says what is left out.
    let reply = shop.client().ask(&get(SHOP, "/telling/").with("baggage", "user=ann")).await;
    assert_eq!((reply.by().as_str(), reply.header("x-a"), reply.header("x-d")), ("cart", None, Some("/")));
    let problems = gateway.admin.list("problems").await;
    let of_telling = problems.iter().filter(|problem| problem["object"]["name"] == "telling");
    let mut fields: Vec<_> = of_telling.map(|problem| problem["field"].as_str().unwrap()).collect();
    fields.sort_unstable();
    let expected = [
        "spec.add_request_headers.x-a.value",
        "spec.add_request_headers.x-b.value",
        "spec.add_response_headers.x-a.value",
        "spec.add_response_headers.x-b.value",
        "spec.add_response_headers.x-c.value",
    ];
    assert_eq!(fields, expected, "{problems:#?}");
    gateway.stop().await;
}

#[tokio::test]
async fn redirects_and_cookies_of_the_baseline_stay_within_the_preview() {
    let shop = Shop::new().await;
    shop.create("pr-42");
    let gateway = Gateway::start(&shop.site).await;
    let (client, host) = (shop.client(), host_of(&shop, &gateway, "pr-42").await);
    let answered = async |ask: Ask, header: &str, value: &str| {
        let reply = client.ask(&ask.with("x-echo-header", &format!("{header}={value}"))).await;
        reply.header(header).map(str::to_owned)
    };
    // However the preview's routes are found: at once, or where there seemed to be none.
    let shapes =
        || [get(&host, "/cart/"), get(&host, "/cart/").with("baggage", "a=b"), get(&host.to_uppercase(), "/cart/")];
    let baseline = || get(SHOP, "/cart/");
    let within = format!("http://{host}");
    for (said, expected) in [
        ("https://shop.example/login?a=b#c", format!("{within}/login?a=b#c")),
        ("http://SHOP.example:8443/", format!("{within}/")),
        ("//shop.example/x", format!("{within}/x")),
        ("https://shop.example", within.clone()),
        ("/cart/2", "/cart/2".to_owned()),
        ("https://id.example/?next=https://shop.example/", "https://id.example/?next=https://shop.example/".to_owned()),
        ("https://shop.example.evil.example/", "https://shop.example.evil.example/".to_owned()),
    ] {
        for ask in shapes() {
            assert_eq!(answered(ask, "location", said).await.as_deref(), Some(&*expected), "{said}");
        }
        assert_eq!(answered(baseline(), "location", said).await.as_deref(), Some(said), "the baseline's are its own");
        let with_baggage = baseline().with("baggage", "a=b");
        assert_eq!(answered(with_baggage, "location", said).await.as_deref(), Some(said));
    }
    for (said, expected) in [
        ("a=b; Domain=shop.example; Path=/; Secure", "a=b; Path=/; Secure"),
        // What would reach the cookies of other previews.
        ("a=b; path=/; DOMAIN = .preview.example", "a=b; path=/"),
        ("domain=b; Path=/", "domain=b; Path=/"),
        ("a=b", "a=b"),
    ] {
        for ask in shapes() {
            assert_eq!(answered(ask, "set-cookie", said).await.as_deref(), Some(expected), "{said}");
        }
        assert_eq!(answered(baseline(), "set-cookie", said).await.as_deref(), Some(said));
    }
    gateway.stop().await;
}

/// Whether a text has anything that could be a key.
fn has_key(text: &str) -> bool {
    let is_of_key = |byte: &u8| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(byte);
    text.match_indices("npk").any(|(at, word)| text.bytes().skip(at + word.len()).take_while(is_of_key).count() >= 26)
}

#[tokio::test]
async fn no_key_shows_in_logs_statuses_or_diagnostics() {
    let shop = Shop::new().await;
    shop.site.write("internal.yaml", documents(&[internal_listener(&shop.site)]));
    shop.create("pr-42");
    let gateway = Gateway::start(&shop.site).await;
    let host = host_of(&shop, &gateway, "pr-42").await;
    let key = shop.key_at(&host).await;
    let admin = &gateway.admin;
    let mut shown = String::new();
    for list in ["previews", "objects", "routes", "hosts", "envoys", "problems", "topology"] {
        shown += &admin.text(&format!("/api/v1/{list}")).await;
    }
    for args in [&["check", "manifests"][..], &["preview", "list", "manifests", "-o", "json"]] {
        let output = shop.site.nuncio(args).output().unwrap();
        shown += &String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    }
    // Of each process the keys are others, and all of this shape.
    assert!(has_key(&key) && shown.contains("pr-42") && !has_key(&shown), "{shown}");
    let shown = admin.list("previews").await;
    assert_eq!(shown[0]["key_fingerprint"].as_str().map(str::len), Some(8), "{shown:?}");
    // What the gateway and its Envoy write is looked at as it ends.
    gateway.stop().await;
}

#[tokio::test]
async fn who_hands_on_the_key_among_services_reaches_the_preview_of_the_next() {
    let shop = Shop::new().await;
    let mut policy = policy();
    policy["spec"]["headers"] = json!(["X-Branch"]);
    shop.site.write("policy.yaml", documents(&[policy]));
    let inner = [
        internal_listener(&shop.site),
        mapping_on("cart.internal", "inner-cart", "/", shop.cart.address()),
        mapping_on("web.internal", "inner-web", "/", shop.web.address()),
        mapping("any-cart", "/any/", shop.cart.address()),
        host("inner", "cart.internal"),
    ];
    shop.site.write("internal.yaml", documents(&inner));
    shop.create("pr-42");
    let gateway = Gateway::start(&shop.site).await;
    let host = host_of(&shop, &gateway, "pr-42").await;
    let key = shop.key_at(&host).await;
    let inside = Client::http(shop.site.at(INTERNAL));
    let baggage = format!("user=ann,nuncio-preview={key},plan=free");
    let kept = format!("nuncio-preview={key},user=ann,plan=free");
    for (host, path, by) in [
        ("cart.internal", "/", "branch"),
        ("CART.internal", "/", "branch"),
        (SHOP, "/cart/", "branch"),
        (SHOP, "/", "web"),
        // By a Mapping for every host.
        ("elsewhere.internal", "/any/", "branch"),
        ("web.internal", "/", "web"),
        ("elsewhere.internal", "/", "web"),
    ] {
        for ask in [
            get(host, path).with("baggage", &baggage),
            get(host, path).with("baggage", "user=ann").with("baggage", &format!("plan=free,nuncio-preview={key}")),
        ] {
            let seen = inside.ask(&ask).await.echo().unwrap_or_else(|| panic!("{host}{path}"));
            assert_eq!((&*seen.backend, values(&seen, "baggage")), (by, vec![&*kept]), "{host}{path}");
            assert_eq!(values(&seen, "x-nuncio-preview"), [&*key], "{host}{path}");
            assert_eq!(values(&seen, "x-branch"), [&*key], "{host}{path}");
            assert!(seen.host.eq_ignore_ascii_case(host));
        }
        for header in ["x-nuncio-preview", "x-branch"] {
            let seen = inside.ask(&get(host, path).with(header, &key)).await;
            assert_eq!(seen.by(), by, "{host}{path} by {header}");
        }
    }
    assert_eq!(inside.ask(&get("cart.internal", "/")).await.by(), "cart", "no key");
    assert_eq!(inside.ask(&get("cart.internal", "/").with("baggage", "user=ann")).await.by(), "cart", "no key");
    // One that is no longer, or that never was, is never the baseline.
    let last = if key.ends_with('a') { "b" } else { "a" };
    for wrong in [format!("{}{last}", &key[..28]), "x".to_owned(), "npkaaaaaaaaaaaaaaaaaaaaaaaaaa".to_owned()] {
        let reply = inside.ask(&get("cart.internal", "/").with("x-nuncio-preview", &wrong)).await;
        assert_eq!(reply.status, 404, "{wrong}");
        assert!(reply.text().contains("no such preview"), "{wrong}");
    }
    // From outside the key is worth nothing.
    let asked = [get(SHOP, "/cart/").with("baggage", &baggage), get(SHOP, "/cart/").with("x-nuncio-preview", &key)];
    for ask in asked {
        assert_eq!(shop.client().ask(&ask).await.by(), "cart", "{ask:?}");
    }
    // A new way to the cart is seen at once, and one that leads there no more.
    shop.site.write("moved.yaml", documents(&[mapping_on("two.internal", "second", "/", shop.cart.address())]));
    gateway.line(&["Mapping default/second added", "live on 1 Envoy"]).await;
    assert_eq!(inside.ask(&get("two.internal", "/").with("x-nuncio-preview", &key)).await.by(), "branch");
    shop.site.remove("pr-42.yaml");
    gateway.line(&["Preview default/pr-42 removed", "live on 1 Envoy"]).await;
    let reply = inside.ask(&get("cart.internal", "/").with("baggage", &baggage)).await;
    assert_eq!(reply.status, 404, "{}", reply.text());
    gateway.stop().await;
}
