//! A real Keycloak, as a second provider that is written independently of the first.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use http::Method;
use nuncio_test_support::{Process, within};
use reqwest::{Client, Response};
use serde_json::{Value, json};

use crate::browser::with_form;
use crate::{Browser, Page, free_address, keep_secret};

/// It takes half a minute on a quiet machine.
const START: Duration = Duration::from_secs(180);

/// A running Keycloak with the realm `shop`, in which ann has the password `pw`.
#[derive(Debug)]
pub struct Keycloak {
    /// The realm's issuer.
    pub issuer: String,
    address: String,
    client: Client,
    _process: Process,
}

impl Keycloak {
    /// Starts one whose client `edge`, with the password `edge-secret`, is of the gateway at this origin. Access tokens live
    /// for so many seconds, and a refresh token is good once.
    pub async fn start(origin: &str, callback: &str, token_life: u32) -> Self {
        let address = free_address();
        let process = launch(&address);
        let issuer = format!("http://{address}/realms/shop");
        let keycloak = Self { issuer, address, client: Client::new(), _process: process };
        within(START, "Keycloak answers", async || keycloak.try_administrator().await).await;
        let realm = realm(origin, callback, token_life);
        keycloak.administer(Method::POST, "", &realm).await;
        keycloak
    }

    /// What its token endpoint gives ann for her password: both tokens.
    pub async fn tokens_of_ann(&self) -> (String, String) {
        let form = [
            ("grant_type", "password"),
            ("username", "ann"),
            ("password", "pw"),
            ("scope", "openid"),
            ("client_id", "edge"),
            ("client_secret", "edge-secret"),
        ];
        let tokens = self.try_tokens(&self.issuer, &form).await.unwrap();
        let token = |name: &str| tokens[name].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned();
        (token("access_token"), token("id_token"))
    }

    /// Ends all sessions of ann, as an administrator does in its console; clients learn of it by the back channel.
    pub async fn log_ann_out(&self) {
        let found: Value =
            self.administer(Method::GET, "/shop/users?username=ann", &json!(null)).await.json().await.unwrap();
        let id = found[0]["id"].as_str().unwrap();
        self.administer(Method::POST, &format!("/shop/users/{id}/logout"), &json!({})).await;
    }

    /// Has it sign with another key from now on.
    pub async fn rotate(&self) {
        let key = json!({ "name": "newer", "providerId": "rsa-generated", "providerType": "org.keycloak.keys.KeyProvider",
            "config": { "priority": ["1000"], "algorithm": ["RS256"] } });
        self.administer(Method::POST, "/shop/components", &key).await;
    }

    /// Ann logs in at its page.
    pub async fn fill_in(&self, browser: &mut Browser, form: &Page) -> Page {
        let ann = [("username", "ann"), ("password", "pw"), ("credentialId", "")];
        let page = browser.send(Method::POST, form.action().as_str(), Some(&ann)).await;
        browser.follow(page).await
    }

    async fn administer(&self, method: Method, path: &str, body: &Value) -> Response {
        let token = self.try_administrator().await.unwrap();
        let request = self.client.request(method, format!("http://{}/admin/realms{path}", self.address));
        let answer = request.bearer_auth(token).json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {} {:?}", answer.status(), answer.text().await);
        answer
    }

    async fn try_administrator(&self) -> Result<String, String> {
        let master = format!("http://{}/realms/master", self.address);
        let tokens = self.try_tokens(&master, &ADMINISTRATOR).await?;
        tokens["access_token"].as_str().map(str::to_owned).ok_or_else(|| tokens.to_string())
    }

    async fn try_tokens(&self, issuer: &str, form: &[(&str, &str)]) -> Result<Value, String> {
        let request = self.client.post(format!("{issuer}/protocol/openid-connect/token"));
        let answer = with_form(request, form).send().await.map_err(|error| error.to_string())?;
        answer.json().await.map_err(|error| error.to_string())
    }
}

/// Who may do everything: named in its environment.
const ADMINISTRATOR: [(&str, &str); 4] =
    [("grant_type", "password"), ("client_id", "admin-cli"), ("username", "admin"), ("password", "admin-pw")];

/// Its script would leave a shell in between, which does not pass on the signal to end.
fn launch(address: &str) -> Process {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/keycloak");
    let home =
        home.canonicalize().unwrap_or_else(|_| panic!("{} is missing: scripts/setup.sh keycloak", home.display()));
    let (host, port) = address.rsplit_once(':').unwrap();
    let open = |package: &str| format!("--add-opens=java.base/{package}=ALL-UNNAMED");
    keep_secret("edge-secret");
    Process::spawn(
        Command::new("java")
            .args(["-Xmx512m", &open("java.util"), &open("java.util.concurrent"), &open("java.security")])
            .arg("-Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory")
            .arg(format!("-Dkc.home.dir={}", home.display()))
            .arg("-cp")
            .arg(home.join("lib/quarkus-run.jar"))
            .args(["io.quarkus.bootstrap.runner.QuarkusEntryPoint", "start", "--optimized"])
            .args(["--http-enabled=true", "--hostname-strict=false"])
            .args([format!("--http-host={host}"), format!("--http-port={port}"), "--cache=local".to_owned()])
            .env("KC_BOOTSTRAP_ADMIN_USERNAME", "admin")
            .env("KC_BOOTSTRAP_ADMIN_PASSWORD", "admin-pw"),
    )
}

fn realm(origin: &str, callback: &str, token_life: u32) -> Value {
    let at = |path: &str| format!("{origin}/.ambassador/oauth2/{path}");
    json!({
        "realm": "shop", "enabled": true, "sslRequired": "none",
        "accessTokenLifespan": token_life, "revokeRefreshToken": true, "refreshTokenMaxReuse": 0,
        "users": [{ "username": "ann", "enabled": true, "email": "ann@corp.test", "emailVerified": true,
            "firstName": "Ann", "lastName": "A", "credentials": [{ "type": "password", "value": "pw" }] }],
        "clients": [{ "clientId": "edge", "secret": "edge-secret", "redirectUris": [callback],
            "standardFlowEnabled": true, "directAccessGrantsEnabled": true, "serviceAccountsEnabled": true,
            "attributes": { "pkce.code.challenge.method": "S256",
                "post.logout.redirect.uris": at("post-logout-redirect"),
                "backchannel.logout.url": at("backchannel-logout"), "backchannel.logout.session.required": "true" } }],
    })
}
