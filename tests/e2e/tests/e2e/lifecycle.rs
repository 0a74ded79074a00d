//! Previews that come and go by requests: of forges, of CI jobs and of people, through the gateway to its portal.

mod api;
mod callers;
mod ci;
mod commands;
mod comments;
mod difference;
mod doctor;
mod fallback;
mod for_everybody;
mod hooks;
mod led_on;
mod meanwhile;
mod mistakes;
mod pages;
mod readers;
mod rights;
mod share;
mod story;
mod told;
mod tunnels;

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use jiff::Timestamp;
use nuncio_authz_tests::Issuer;
use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, host, listener, mapping, mapping_on, object, text_secret};
use nuncio_e2e::{Ask, Client, DEADLINE, Gateway, Reply, Site, eventually, get, within};
use serde_json::{Value, json};

const SHOP: &str = "shop.example";
/// Where the portal is, behind the gateway.
const PORTAL: &str = "portal.localhost";
const KEY: &str = "a test's own key";
/// The issuer of CI jobs' tokens.
const CI: &str = "https://ci.example";

/// A shop whose cart has branches, and a gateway whose portal takes previews.
struct Team {
    site: Site,
    cart: Backend,
    web: Backend,
    branch: Backend,
    issuer: Issuer,
}

impl Team {
    async fn new() -> Self {
        let [cart, web, branch] = ["cart", "web", "branch"].map(Backend::start);
        let (site, cart, web, branch) = (Site::new(), cart.await, web.await, branch.await);
        let team = Self { site, cart, web, branch, issuer: Issuer::start().await };
        team.site.write("shop.yaml", documents(&team.shop()));
        team.site.write("policy.yaml", documents(&[team.policy(|_| ())]));
        team
    }

    fn shop(&self) -> Vec<Value> {
        let rule = |path: &str, filters: Value| json!({"host": PORTAL, "path": path, "filters": filters});
        let rules = json!([rule("/webhooks/*", json!([])), rule("/*", json!([{"name": "token"}]))]);
        let mut portal = mapping_on(PORTAL, "portal", "/", self.site.at(8088));
        (portal["spec"]["rewrite"], portal["spec"]["timeout_ms"]) = (json!(""), json!(40_000));
        // What tests hold, and what is large, may take longer on a busy machine than the usual 3 s.
        let mut cart = mapping_on(SHOP, "cart", "/cart/", self.cart.address());
        cart["spec"]["timeout_ms"] = json!(60_000);
        vec![
            listener("http", self.site.http().port(), "HTTP"),
            host("any", "*"),
            cart,
            mapping("web", "/", self.web.address()),
            portal,
            object("Filter", "token", json!({"JWT": {"jwksURI": self.issuer.jwks_uri}})),
            object("FilterPolicy", "portal", json!({"rules": rules})),
            text_secret("cart-forge", "webhook", KEY),
        ]
    }

    /// What previews may do, changed in a test's way.
    fn policy(&self, change: impl FnOnce(&mut Value)) -> Value {
        let preview = json!({
            "name": "cart-pr-{number}",
            "services": [{"baseline": self.cart.address().to_string(), "backend": self.branch.address().to_string()}],
            "entrypoints": [{"name": "web", "host": SHOP}],
            "access": {"mode": "Public"},
        });
        let repository = |provider: &str| {
            json!({"provider": provider, "name": "acme/cart", "namespace": "default",
            "secretName": "cart-forge", "tokenIssuer": CI, "preview": preview})
        };
        let mut policy = json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": "PreviewPolicy", "metadata": {"name": "previews"},
            "spec": {"domain": "preview.example", "namespaces": ["default"], "hosts": [SHOP], "access": ["Public"],
            "backends": "Any", "scheme": "http", "repositories": [repository("GitHub"), repository("GitLab")],
            "creators": [{"groups": ["team-cart"], "namespaces": ["*"]}]}});
        change(&mut policy);
        policy
    }

    async fn gateway(&self) -> Gateway<'_> {
        let gateway = Gateway::start_with(&self.site, |command| {
            command.arg(format!("--portal={}", self.site.at(8088))).arg("--allow-previews");
            command.arg("--audit").arg(self.site.root().join("audit.log"));
        })
        .await;
        eventually("the portal", async || self.client().send(&get(PORTAL, "/webhooks/")).await).await;
        gateway
    }

    /// The portal behind the gateway for the command line: no name leads there from here, so its API is at the gateway's
    /// address as well.
    async fn server(&self, gateway: &Gateway<'_>) -> String {
        let mut portal = mapping_on("*", "portal-everywhere", "/api/v1/", self.site.at(8088));
        (portal["spec"]["rewrite"], portal["spec"]["timeout_ms"]) = (json!(""), json!(40_000));
        let rule = json!({"host": "*", "path": "/api/v1/*", "filters": [{"name": "token"}]});
        let policy = object("FilterPolicy", "portal-everywhere", json!({"rules": [rule]}));
        self.site.write("everywhere.yaml", documents(&[portal, policy]));
        gateway.line(&["Mapping default/portal-everywhere", "live on 1 Envoy"]).await;
        format!("http://{}", self.site.http())
    }

    fn client(&self) -> Client {
        Client::http(self.site.http())
    }

    /// A Preview's manifest.
    fn manifest(&self, name: &str) -> Value {
        let services =
            json!([{"baseline": self.cart.address().to_string(), "backend": self.branch.address().to_string()}]);
        json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": "Preview", "metadata": {"name": name}, "spec": {
            "services": services, "entrypoints": [{"name": "web", "host": SHOP}], "access": {"mode": "Public"}}})
    }

    /// A token of somebody in a group.
    fn person(&self, group: &str) -> String {
        self.token(&json!({"iss": "https://people.example", "sub": "ann", "groups": [group]}))
    }

    /// A token of a CI job.
    fn job(&self, repository: &str) -> String {
        self.token(&json!({"iss": CI, "sub": format!("repo:{repository}:ref:refs/heads/fix")}))
    }

    fn token(&self, claims: &Value) -> String {
        format!("Bearer {}", self.issuer.token(claims))
    }

    /// What is at a preview's URL, once the gateway has it.
    async fn at(&self, url: &str, path: &str, by: &str) -> Reply {
        let host = url.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
        eventually(&format!("{by} at {url}"), async || {
            let reply = self.client().ask(&get(&host, path)).await;
            if reply.by() == by { Ok(reply) } else { Err(reply.by()) }
        })
        .await
    }
}

fn json_of(reply: &Reply) -> Value {
    serde_json::from_str(&reply.text()).unwrap_or_else(|_| panic!("{} {}", reply.status, reply.text()))
}

/// So many minutes before the tests began, as forges tell the time.
fn ago(minutes: i64) -> String {
    static BEGUN: LazyLock<i64> = LazyLock::new(|| Timestamp::now().as_second());
    Timestamp::from_second(*BEGUN - 60 * minutes).unwrap().to_string()
}

/// What GitHub tells of a pull request of acme/cart, signed.
fn github(change: impl FnOnce(&mut Value)) -> Ask {
    github_signed(KEY, change)
}

fn github_signed(key: &str, change: impl FnOnce(&mut Value)) -> Ask {
    let repository = json!({"full_name": "acme/cart"});
    let mut event = json!({"action": "opened", "number": 42, "repository": repository, "pull_request": {
        "number": 42, "state": "open", "updated_at": ago(60), "labels": [],
        "head": {"ref": "fix/tax", "sha": "9f3c9f3c", "repo": repository}}});
    change(&mut event);
    let body = event.to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let tag: String = hmac::sign(&key, body.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let ask = get(PORTAL, "/webhooks/github").method("POST").with("content-type", "application/json");
    ask.with("x-github-event", "pull_request").with("x-hub-signature-256", &format!("sha256={tag}")).body(body)
}
