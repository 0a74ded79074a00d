//! Previews whose backends are Services, which is what a policy lets them be that says nothing of it.

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{self, documents, host, listener, object};
use nuncio_e2e::{Client, Gateway, Site, eventually, get};
use serde_json::{Value, json};

use super::{SHOP, own, policy};

/// A Service whose one endpoint is a backend.
fn service(namespace: &str, name: &str, backend: &Backend) -> [Value; 2] {
    yaml::service(name, Some(backend.address())).map(|mut object| {
        object["metadata"]["namespace"] = json!(namespace);
        object
    })
}

fn preview(name: &str, backend: &str) -> Value {
    let spec = json!({
        "services": [{"baseline": "cart", "backend": backend}],
        "entrypoints": [{"name": "web", "host": SHOP}], "access": {"mode": "Public"},
    });
    own("Preview", name, &spec)
}

#[tokio::test]
async fn services_of_its_own_namespace_stand_in_and_nothing_else() {
    let (site, cart, branch, foreign) =
        (Site::new(), Backend::start("cart").await, Backend::start("branch").await, Backend::start("foreign").await);
    let mut policy = policy();
    policy["spec"].as_object_mut().unwrap().remove("backends");
    let external =
        json!({"type": "ExternalName", "externalName": "localhost", "ports": [{"port": foreign.address().port()}]});
    let external = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "external"}, "spec": external});
    let others = [
        ("address", branch.address().to_string()),
        ("elsewhere", "cart.team".to_owned()),
        ("outside", format!("external:{}", foreign.address().port())),
        ("name", "localhost".to_owned()),
    ];
    let mut objects = vec![
        listener("http", site.http().port(), "HTTP"),
        host("any", "*"),
        object("Mapping", "cart", json!({"hostname": SHOP, "prefix": "/cart/", "service": "cart"})),
        policy,
        external,
        preview("pr-42", "cart-42"),
    ];
    objects.extend(service("default", "cart", &cart));
    objects.extend(service("team", "cart", &foreign));
    objects.extend(others.iter().map(|(name, backend)| preview(name, backend)));
    site.write("all.yaml", documents(&objects));
    site.write("branch.yaml", documents(&service("default", "cart-42", &branch)));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let at = async |name: &str| {
        gateway.admin.state("Preview", name, "acked").await;
        let shown = gateway.admin.list(&format!("previews?name={name}")).await;
        let url = shown[0]["urls"][0]["url"].as_str().unwrap_or_else(|| panic!("{shown:?}")).to_owned();
        url.trim_start_matches("http://").trim_end_matches('/').to_owned()
    };
    let own = at("pr-42").await;
    let reply = client.ask(&get(&own, "/cart/")).await;
    assert_eq!((reply.by().as_str(), reply.header("x-nuncio-served-by")), ("branch", Some("preview")));
    assert_eq!(client.ask(&get(SHOP, "/cart/")).await.by(), "cart");
    for (name, _) in &others {
        assert_eq!(client.ask(&get(&at(name).await, "/cart/")).await.status, 503, "{name}");
        gateway.admin.problem(&[name, "NotAllowed"]).await;
    }
    // Its endpoints are followed.
    let other = Backend::start("other").await;
    site.write("branch.yaml", documents(&service("default", "cart-42", &other)));
    eventually("the new endpoint answers", async || match client.ask(&get(&own, "/cart/")).await.by().as_str() {
        "other" => Ok(()),
        by => Err(by.to_owned()),
    })
    .await;
    assert_eq!(foreign.requests(), 0);
    gateway.stop().await;
}
