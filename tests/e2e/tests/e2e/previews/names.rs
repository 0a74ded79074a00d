//! Names of previews, whatever their objects are called, and how many of them there may be.

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::documents;
use nuncio_e2e::{DEADLINE, Gateway, Load, get, within};
use serde_json::{Value, json};

use super::{SHOP, Shop, by_cart, policy, preview};

/// The hosts of all previews that are shown, by namespace and name.
async fn hosts(gateway: &Gateway<'_>) -> Vec<(String, String)> {
    let shown = gateway.admin.list("previews?limit=20").await;
    let host = |preview: &Value| {
        let url = preview["urls"][0]["url"].as_str()?.strip_prefix("http://")?.trim_end_matches('/').to_owned();
        Some((format!("{}/{}", preview["namespace"].as_str()?, preview["name"].as_str()?), url))
    };
    shown.iter().filter_map(host).collect()
}

#[tokio::test]
async fn every_name_makes_a_host_that_dns_allows_and_leads_to_its_own_preview() {
    let shop = Shop::new().await;
    // As long as a domain may be: with a label of 63 before it, 253 in all.
    let domain = format!("{}.{}.{}.example", "a".repeat(60), "b".repeat(60), "c".repeat(59));
    let mut policy = policy();
    policy["spec"]["namespaces"] = json!(["*"]);
    policy["spec"]["domain"] = json!(domain);
    assert_eq!(domain.len(), 189);
    let names = ["xn--bcher-kva", "feature--x", "fix.tax", "fix-tax", &"long-".repeat(50), "a"];
    let entrypoint = "e".repeat(16);
    let mut objects = vec![policy];
    let mut backends = Vec::new();
    for (name, namespace, slug) in names.iter().map(|name| (*name, "default", None)).chain([
        // Of another namespace, and with the slug of another.
        ("fix-tax", "team", None),
        ("other", "team", Some("fix-tax")),
        ("longest", "team", Some("s234567890123456789012345678")),
    ]) {
        let backend = Backend::start(&format!("{namespace}/{name}")).await;
        let mut preview = preview(name, &shop.cart, &backend);
        preview["metadata"]["namespace"] = json!(namespace);
        preview["spec"]["slug"] = json!(slug);
        preview["spec"]["entrypoints"][0]["name"] = json!(entrypoint);
        objects.push(preview);
        backends.push(backend);
    }
    shop.site.write("policy.yaml", documents(&objects));
    let gateway = Gateway::start(&shop.site).await;
    gateway.admin.state("Preview", "longest", "acked").await;
    let hosts = hosts(&gateway).await;
    assert_eq!(hosts.len(), backends.len(), "{hosts:#?}");
    let client = shop.client();
    for (id, host) in &hosts {
        let label = host.strip_suffix(&format!(".{domain}")).unwrap();
        assert!(label.len() <= 63 && host.len() <= 253 && !label.contains('.'), "{host}");
        assert_eq!(label.split_once("--").unwrap().0, entrypoint, "one pair of dashes: {host}");
        assert_eq!(client.ask(&get(host, "/cart/")).await.by(), *id, "{host}");
    }
    assert!(hosts.iter().any(|(_, host)| host.len() == 253), "{hosts:#?}");
    gateway.stop().await;
}

#[tokio::test]
async fn what_dns_does_not_allow_is_told_and_serves_nothing() {
    let shop = Shop::new().await;
    let spoilt = |name: &str, field: &str, value: &str| {
        let mut preview = preview(name, &shop.cart, &shop.branch);
        match field {
            "slug" => preview["spec"]["slug"] = json!(value),
            field => preview["spec"]["entrypoints"][0][field] = json!(value),
        }
        preview
    };
    let objects = [
        // What begins like an internationalized name is none of ours.
        spoilt("two", "name", "xn"),
        spoilt("dashes", "name", "a--b"),
        spoilt("upper", "name", "Web"),
        spoilt("dot", "name", "web.evil"),
        spoilt("long", "name", &"e".repeat(17)),
        spoilt("slug", "slug", "a--b"),
        spoilt("slug-long", "slug", &"s".repeat(29)),
        spoilt("slug-dot", "slug", "x.evil"),
        // Nor is a preview one of previews.
        spoilt("below", "host", "web--x.preview.example"),
    ];
    shop.site.write("bad.yaml", documents(&objects));
    let gateway = Gateway::start(&shop.site).await;
    let problems = gateway.admin.list("problems").await;
    for object in &objects {
        let name = &object["metadata"]["name"];
        let told = problems.iter().any(|problem| problem["object"]["name"] == *name && problem["severity"] == "error");
        assert!(told, "{name}: {problems:#?}");
    }
    assert_eq!(hosts(&gateway).await, []);
    assert_eq!(shop.client().ask(&get(SHOP, "/cart/")).await.by(), "cart");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_previews_of_one_namespace_are_as_many_as_it_may_have() {
    let shop = Shop::new().await;
    let mut policy = policy();
    policy["spec"]["maxPreviews"] = json!(5);
    shop.site.write("policy.yaml", documents(&[policy]));
    let gateway = Gateway::start(&shop.site).await;
    let load = Load::kept(&shop.client(), vec![get(SHOP, "/cart/"); 2], by_cart);
    load.more(50).await;
    for hundred in 0..100 {
        let names = (0..100).map(|at| format!("p{:05}", 100 * hundred + at));
        let some: Vec<_> = names.map(|name| preview(&name, &shop.cart, &shop.branch)).collect();
        shop.site.write(&format!("many-{hundred:02}.yaml"), documents(&some));
    }
    let told = "Preview default/p09999: metadata.namespace: the namespace default has as many previews";
    within(3 * DEADLINE, "the last is told that there is no room", async || {
        if gateway.stdout().iter().any(|line| line.contains(told)) { Ok(()) } else { Err("it is not") }
    })
    .await;
    gateway.admin.state("Preview", "p00004", "acked").await;
    let hosts = hosts(&gateway).await;
    let expected: Vec<_> = (0..5).map(|at| format!("default/p{at:05}")).collect();
    assert_eq!(hosts.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>(), expected);
    assert_eq!(shop.client().ask(&get(&hosts[4].1, "/cart/")).await.by(), "branch");
    load.more(50).await;
    load.stop().await.assert_nothing_lost(100);
    gateway.stop().await;
}

#[tokio::test]
async fn no_request_to_production_is_a_previews_whatever_it_says_of_one() {
    let shop = Shop::new().await;
    shop.create("pr-42");
    let gateway = Gateway::start(&shop.site).await;
    let client = shop.client();
    gateway.admin.state("Preview", "pr-42", "acked").await;
    let host = hosts(&gateway).await.remove(0).1;
    let selector = host.split_once("--").unwrap().1.split('.').next().unwrap().to_owned();
    let key = shop.key_at(&host).await;
    for (name, value) in [
        ("x-nuncio-preview", key.clone()),
        ("x-nuncio-preview", selector.clone()),
        ("x-nuncio-select", format!("={selector}")),
        ("x-nuncio-scope", format!("{host}|")),
        ("x-nuncio-baggage", format!(",nuncio-preview={key}")),
        ("baggage", format!("nuncio-preview={key}")),
        ("cookie", format!("nuncio_preview={selector}; __Host-nuncio_preview={selector}")),
        ("x-forwarded-host", host.clone()),
        ("forwarded", format!("host={host}")),
        ("x-original-url", format!("http://{host}/cart/")),
        ("x-envoy-original-path", format!("http://{host}/cart/")),
    ] {
        let reply = client.ask(&get(SHOP, "/cart/").with(name, &value)).await;
        assert_eq!((reply.by().as_str(), reply.header("x-nuncio-served-by")), ("cart", None), "{name}: {value}");
    }
    assert_eq!(shop.branch.requests(), 1, "that by which the key was learnt");
    gateway.stop().await;
}
