//! A real identity provider: the npm package `oidc-provider`, which is certified for OpenID Connect.

use std::path::Path;
use std::process::Command;

use http::Method;
use nuncio_test_support::{DEADLINE, Process, eventually, within};
use reqwest::Url;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{Browser, free_address, keep_secret};

/// A running provider.
#[derive(Debug)]
pub struct Provider {
    /// Its name and address.
    pub issuer: String,
    settings: Value,
    process: Process,
}

impl Provider {
    /// Starts one with a client `edge` whose password is `edge-secret`, which is sent back to these addresses.
    pub async fn start(redirect_uris: &[String], more: &Value) -> Self {
        let address = free_address();
        let issuer = format!("http://{address}");
        let origins: Vec<String> =
            redirect_uris.iter().map(|uri| uri.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")).collect();
        let after: Vec<String> =
            origins.iter().map(|origin| format!("{origin}/.ambassador/oauth2/post-logout-redirect")).collect();
        let mut client = json!({
            "client_id": "edge", "client_secret": "edge-secret",
            "grant_types": ["authorization_code", "refresh_token", "client_credentials", "password"],
            "redirect_uris": redirect_uris, "post_logout_redirect_uris": after,
        });
        if let Some(changes) = more.get("client").and_then(Value::as_object) {
            for (name, value) in changes {
                client[name] = value.clone();
            }
        }
        let settings = json!({
            "address": address, "issuer": issuer, "clients": [client],
            "ttl": more.get("ttl").cloned().unwrap_or(json!({})),
            "features": more.get("features").cloned().unwrap_or(json!({})),
            "jwt": more.get("jwt").cloned().unwrap_or(json!(false)),
        });
        keep_secret("edge-secret");
        let process = launch(&settings).await;
        Self { issuer, settings, process }
    }

    /// How many events of this kind there were: `grant authorization_code`, `grant refresh_token`, `error …`.
    #[must_use]
    pub fn events(&self, event: &str) -> usize {
        self.process.stdout().iter().filter(|line| line.starts_with(event)).count()
    }

    /// Waits for an event of this kind; how many there are then.
    pub async fn event(&self, event: &str) -> usize {
        self.event_times(event, 1).await
    }

    /// Waits until there were at least so many events of this kind; how many there are then.
    pub async fn event_times(&self, event: &str, least: usize) -> usize {
        let look = async || Some(self.events(event)).filter(|count| *count >= least).ok_or("not so often");
        eventually(event, look).await
    }

    /// What the client is given when a user has logged in and was sent back to this address.
    pub async fn tokens_of(&self, user: &str, redirect_uri: &str) -> Value {
        let asked =
            [("client_id", "edge"), ("response_type", "code"), ("scope", "openid"), ("redirect_uri", redirect_uri)];
        let url = Url::parse_with_params(&format!("{}/auth", self.issuer), asked).unwrap();
        let page = Browser::default().log_in(url.as_str(), user).await;
        let (_, code) = page.url.query_pairs().find(|(name, _)| name == "code").unwrap_or_else(|| panic!("{page:#?}"));
        let form = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", redirect_uri)];
        // edge:edge-secret
        let mut edge = Browser::api().with("authorization", "Basic ZWRnZTplZGdlLXNlY3JldA==");
        edge.send(Method::POST, &format!("{}/token", self.issuer), Some(&form)).await.json()
    }

    /// Has it take what it is asked, and not answer.
    pub fn hang(&self) {
        self.process.signal(Signal::STOP);
    }

    /// Has it answer again.
    pub fn go_on(&self) {
        self.process.signal(Signal::CONT);
    }

    /// Ends it.
    pub fn stop(&mut self) {
        self.process.end();
    }

    /// Starts it again, with other keys and without memory.
    pub async fn restart(&mut self) {
        self.process.end();
        self.process = launch(&self.settings).await;
    }
}

async fn launch(settings: &Value) -> Process {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let package = root.join(".tools/oidc-provider/node_modules/oidc-provider");
    assert!(package.is_dir(), "{} is missing: scripts/setup.sh authz", package.display());
    let process = Process::spawn_confidant(
        Command::new("node")
            .arg("--no-warnings")
            .arg(root.join("tests/authz/provider/provider.mjs"))
            .arg(package.join("lib/index.js"))
            .arg(settings.to_string()),
    );
    let address = settings["address"].as_str().unwrap().to_owned();
    within(3 * DEADLINE, "the provider listens", async || tokio::net::TcpStream::connect(&address).await).await;
    process
}
