//! Previews: a branch's version of one service inside the whole, at a host of its own.

mod context;
mod cookie;
mod doors;
mod entrypoints;
mod explained;
mod hostile;
mod includes;
mod languages;
mod life;
mod login;
mod mesh;
mod missing;
mod names;
mod narrow;
mod of_cluster;
mod peers;
mod question;
mod selectors;
mod services;
mod share;
mod without_policy;

pub(crate) use context::{INTERNAL, internal_listener};
pub(crate) use services::{caller, start};

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, host, listener, mapping, mapping_on, object, text_secret};
use nuncio_e2e::{Client, Gateway, Load, Reply, Site, eventually, get};
use serde_json::{Value, json};

const SHOP: &str = "shop.example";

fn own(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

fn policy() -> Value {
    let spec = json!({
        "domain": "preview.example", "namespaces": ["default"], "hosts": [SHOP], "access": ["Public"],
        "backends": "Any", "scheme": "http",
    });
    own("PreviewPolicy", "previews", &spec)
}

fn preview(name: &str, baseline: &Backend, backend: &Backend) -> Value {
    let services = json!([{"baseline": baseline.address().to_string(), "backend": backend.address().to_string()}]);
    let spec = json!({
        "services": services, "entrypoints": [{"name": "web", "host": SHOP}], "access": {"mode": "Public"},
    });
    own("Preview", name, &spec)
}

/// The shop: a cart, and what is everywhere else.
struct Shop {
    site: Site,
    cart: Backend,
    web: Backend,
    branch: Backend,
}

impl Shop {
    async fn new() -> Self {
        let [cart, web, branch] = ["cart", "web", "branch"].map(Backend::start);
        let (site, cart, web, branch) = (Site::new(), cart.await, web.await, branch.await);
        let objects = [
            listener("http", site.http().port(), "HTTP"),
            host("any", "*"),
            mapping_on(SHOP, "cart", "/cart/", cart.address()),
            // For every host: a preview has it too.
            mapping("web", "/", web.address()),
        ];
        site.write("shop.yaml", documents(&objects));
        site.write("policy.yaml", documents(&[policy()]));
        Self { site, cart, web, branch }
    }

    fn client(&self) -> Client {
        Client::http(self.site.http())
    }

    /// The key that services are told of the preview at this host.
    async fn key_at(&self, host: &str) -> String {
        let seen = self.client().ask(&get(host, "/cart/")).await.echo().unwrap();
        seen.header("x-nuncio-preview").unwrap().to_owned()
    }

    fn create(&self, name: &str) {
        self.site.write(&format!("{name}.yaml"), documents(&[preview(name, &self.cart, &self.branch)]));
    }
}

/// The host of a preview, once every Envoy has it.
async fn host_of(shop: &Shop, gateway: &Gateway<'_>, name: &str) -> String {
    gateway.admin.state("Preview", name, "acked").await;
    let admin = shop.site.admin().to_string();
    let output = shop.site.nuncio(&["preview", "url", name, "--admin", &admin]).output().expect("nuncio runs");
    let url = String::from_utf8(output.stdout).expect("text");
    url.strip_prefix("http://").expect("a URL").trim_end().trim_end_matches('/').to_owned()
}

fn by_cart(reply: &Reply) -> bool {
    reply.by() == "cart"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preview_comes_and_goes_and_the_baseline_does_not_notice() {
    let shop = Shop::new().await;
    let gateway = Gateway::start(&shop.site).await;
    let client = shop.client();
    let load = Load::kept(&client, vec![get(SHOP, "/cart/"); 2], by_cart);
    load.more(50).await;
    shop.create("pr-42");
    let host = host_of(&shop, &gateway, "pr-42").await;

    let reply = client.ask(&get(&host, "/cart/")).await;
    assert_eq!((reply.by().as_str(), reply.header("x-nuncio-served-by")), ("branch", Some("preview")));
    assert_eq!(reply.header("x-robots-tag"), Some("noindex"));
    assert_eq!(reply.header("cache-control"), Some("private"));
    assert_eq!(reply.echo().unwrap().host, SHOP, "services know their own host alone");
    let reply = client.ask(&get(&host, "/")).await;
    assert_eq!((reply.by().as_str(), reply.header("x-nuncio-served-by")), ("web", Some("baseline")));
    assert_eq!(client.ask(&get(&host.to_uppercase(), "/cart/")).await.by(), "branch");
    assert_eq!(client.ask(&get(SHOP, "/cart/")).await.header("x-nuncio-served-by"), None);

    // What the baseline gets the preview has too.
    shop.site.write("new.yaml", documents(&[mapping_on(SHOP, "new", "/new/", shop.cart.address())]));
    gateway.line(&["Mapping default/new added", "live on 1 Envoy"]).await;
    assert_eq!(client.ask(&get(&host, "/new/")).await.by(), "branch");

    shop.site.remove("pr-42.yaml");
    gateway.line(&["Preview default/pr-42 removed", "live on 1 Envoy"]).await;
    let reply = client.ask(&get(&host, "/cart/")).await;
    assert_eq!((reply.status, reply.text().contains("This preview has ended")), (410, true));
    assert!(reply.text().contains("It was deleted"), "{}", reply.text());
    load.more(50).await;
    load.stop().await.assert_nothing_lost(100);
    assert_eq!(shop.branch.requests(), 3, "nobody but the preview's own visitors got there");
    gateway.stop().await;
}

#[tokio::test]
async fn no_name_of_previews_is_ever_the_baseline() {
    let shop = Shop::new().await;
    shop.create("pr-42");
    let gateway = Gateway::start(&shop.site).await;
    let client = shop.client();
    for guess in ["web--pr-42-aaaaaaaaaaaaaaaa", "web--pr-42", "pr-42", "x", "web--", "WEB--PR-42"] {
        let reply = client.ask(&get(&format!("{guess}.preview.example"), "/")).await;
        assert_eq!(reply.status, 404, "{guess}");
        assert!(String::from_utf8_lossy(&reply.body).contains("no such preview"), "{guess}: {reply:?}");
        assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"), "{guess}");
    }
    assert_eq!(shop.web.requests() + shop.cart.requests() + shop.branch.requests(), 0);
    // Nor does a header choose one, where the policy does not say so.
    for value in ["pr-42", "default/pr-42"] {
        assert_eq!(client.ask(&get(SHOP, "/cart/").with("x-nuncio-preview", value)).await.by(), "cart", "{value}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_preview_that_may_not_be_is_told_and_serves_nothing() {
    let shop = Shop::new().await;
    let mut elsewhere = preview("elsewhere", &shop.cart, &shop.branch);
    elsewhere["metadata"]["namespace"] = json!("team");
    let mut private = preview("private", &shop.cart, &shop.branch);
    private["spec"]["entrypoints"][0]["host"] = json!("admin.example");
    shop.site.write("bad.yaml", documents(&[elsewhere, private]));
    let gateway = Gateway::start(&shop.site).await;
    gateway.line(&["Preview team/elsewhere", "no previews in the namespace team"]).await;
    gateway.line(&["Preview default/private", "no previews of admin.example"]).await;
    eventually("the baseline answers", async || match shop.client().ask(&get(SHOP, "/cart/")).await.by().as_str() {
        "cart" => Ok(()),
        other => Err(other.to_owned()),
    })
    .await;
    assert_eq!(shop.branch.requests(), 0);
    gateway.stop().await;
}

#[tokio::test]
async fn nobody_gets_past_the_gate_of_a_preview_without_what_it_asks_for() {
    let shop = Shop::new().await;
    let mut policy = policy();
    policy["spec"]["access"] = json!(["Authenticated"]);
    policy["spec"]["filters"] = json!([{"name": "visitors"}]);
    let mut private = preview("pr-42", &shop.cart, &shop.branch);
    private["spec"]["access"]["mode"] = json!("Authenticated");
    let filter = |name: &str| object("Filter", name, json!({"APIKey": {"keys": [{"secretName": name}]}}));
    // What protects the baseline protects its previews too.
    let rule = json!({"host": SHOP, "path": "/cart/admin/*", "filters": [{"name": "admins"}]});
    let objects = [
        policy,
        private,
        filter("visitors"),
        text_secret("visitors", "ann", "visitor-key"),
        filter("admins"),
        text_secret("admins", "bob", "admin-key"),
        object("FilterPolicy", "admin", json!({"rules": [rule]})),
    ];
    shop.site.write("policy.yaml", documents(&objects));
    let gateway = Gateway::start(&shop.site).await;
    let (client, host) = (shop.client(), host_of(&shop, &gateway, "pr-42").await);
    let by = async |host: &str, path: &str, keys: &[&str]| {
        let ask = keys.iter().fold(get(host, path), |ask, key| ask.with("x-api-key", key));
        client.ask(&ask).await.by()
    };
    assert_eq!(by(&host, "/cart/", &["visitor-key"]).await, "branch");
    assert_eq!(by(&host, "/", &["visitor-key"]).await, "web");
    for path in ["/cart/", "/", "/cart/admin/x", "/nowhere"] {
        assert_eq!(by(&host, path, &[]).await, "401", "{path}");
        assert_eq!(by(&host, path, &["admin-key"]).await, "401", "{path}");
        assert_eq!(by(&host.to_uppercase(), path, &[]).await, "401", "{path}");
    }
    assert_eq!(by(&host, "/cart/admin/x", &["visitor-key"]).await, "401", "the baseline's rule asks for more");
    assert_eq!(by(SHOP, "/cart/", &[]).await, "cart", "the baseline has no gate");
    assert_eq!(by(SHOP, "/cart/admin/x", &["admin-key"]).await, "cart");
    assert_eq!(shop.branch.requests(), 1);
    gateway.stop().await;
}
