//! The same service with another provider: what it does must not hang on the first one's ways.

use http::{Method, StatusCode};
use nuncio_authz_tests::{Browser, Gateway, Keycloak, Page, Service, Upstream};
use nuncio_test_support::eventually;
use serde_json::{Value, json};

use crate::rig::CALLBACK;
use crate::rules_of;

const LOGOUT: &str = "/.ambassador/oauth2/logout?realm=login.default";

/// Short enough to see a refresh.
const TOKEN_LIFE: u32 = 5;

struct Shop {
    keycloak: Keycloak,
    gateway: Gateway,
    service: Service,
    _upstream: Upstream,
}

/// It starts once for all of this: that alone takes half a minute.
#[tokio::test]
#[ignore = "make interop: Keycloak takes 160 MB to fetch and half a gigabyte to run"]
async fn keycloak_logs_users_in_and_out_and_its_tokens_are_taken() {
    let upstream = Upstream::start().await;
    let service = Service::start(&rules_of(&json!([]), &[])).await;
    let gateway = Gateway::start(&service, &upstream).await;
    let keycloak = Keycloak::start(&gateway.origin, &format!("{}{CALLBACK}", gateway.origin), TOKEN_LIFE).await;
    let shop = Shop { keycloak, gateway, service, _upstream: upstream };
    shop.service.write_rules(&shop.rules()).await;

    shop.a_session_is_kept_by_refreshes_and_ended_here().await;
    shop.a_session_is_ended_there().await;
    shop.bearer_tokens_are_taken_and_id_tokens_are_not().await;
    shop.machines_log_in().await;
    shop.a_new_key_is_found().await;
}

impl Shop {
    /// `/tokens` takes its tokens, `/asked` asks it about them, `/machines` logs machines in, everything else users.
    fn rules(&self) -> Value {
        let issuer = &self.keycloak.issuer;
        let user = json!([{ "name": "X-User", "value": "{{ .token.Claims.preferred_username }}" }]);
        let code = json!({ "client_id": "edge", "client_secret": "edge-secret", "pkce": true,
            "post_logout_redirect_uri": "/open/bye",
            "protected_origins": [self.gateway.protected_origin()] });
        let login = json!({ "issuer": issuer, "grant": { "authorization_code": code }, "inject_request_headers": [
            { "name": "X-User", "value": "{{ .idToken.Claims.preferred_username }}" }] });
        let endpoint = |name: &str| format!("{issuer}/protocol/openid-connect/{name}");
        let asked = json!({ "endpoint": endpoint("token/introspect"), "client_id": "edge", "client_secret": "edge-secret",
            "cache": { "secs": 0, "nanos": 0 }, "inject_request_headers": user });
        let tokens = json!({ "jwks_uri": endpoint("certs"), "issuer": issuer, "inject_request_headers": user });
        let filters = [
            json!({ "id": "login.default", "kind": { "oauth2": login } }),
            json!({ "id": "tokens.default", "kind": { "jwt": tokens } }),
            json!({ "id": "asked.default", "kind": { "introspection": asked } }),
            json!({ "id": "machines.default", "kind": { "oauth2": { "issuer": issuer, "grant": "client_credentials" } } }),
        ];
        let rule =
            |path: &str, filter: &str| json!({ "origin": path, "path": path, "filters": [{ "filter": filter }] });
        let list = json!([
            rule("/tokens", "tokens.default"),
            rule("/asked", "asked.default"),
            rule("/machines", "machines.default"),
            rule("*", "login.default")
        ]);
        rules_of(&list, &filters)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.gateway.origin)
    }

    async fn logged_in(&self) -> Browser {
        let mut browser = Browser::default();
        let form = browser.visit(&self.url("/orders?page=2")).await;
        let page = self.keycloak.fill_in(&mut browser, &form).await;
        assert_eq!((page.status, page.sent("x-user").as_deref()), (StatusCode::OK, Some("ann")), "{page:#?}");
        assert_eq!(page.json()["path"], "/orders?page=2");
        browser
    }

    async fn with_token(&self, path: &str, token: &str) -> Page {
        Browser::api().with("authorization", &format!("Bearer {token}")).get(&self.url(path)).await
    }

    async fn a_session_is_kept_by_refreshes_and_ended_here(&self) {
        let mut browser = self.logged_in().await;
        let mut token = async || browser.get(&self.url("/x")).await.sent("authorization").unwrap();
        let mut seen = vec![token().await];
        // Twice: its refresh token is good once.
        while seen.len() < 3 {
            let last = seen.last().unwrap().clone();
            let next = eventually("a new access token", async || {
                let next = token().await;
                if next == last { Err("it is the same") } else { Ok(next) }
            });
            seen.push(next.await);
        }
        let host = self.gateway.address.split(':').next().unwrap();
        let xsrf = browser.cookies_like(host, "ambassador_xsrf.login.default")[0].1.clone();
        let thief = browser.clone();
        let left = browser.send(Method::POST, &self.url(LOGOUT), Some(&[("_xsrf", &xsrf)])).await;
        assert!(left.location().unwrap().as_str().starts_with(&self.keycloak.issuer), "{left:#?}");
        let page = browser.follow(left).await;
        assert_eq!(page.url.path(), "/open/bye", "it has nothing more to ask: {page:#?}");
        assert_eq!(Browser::api().with_cookies(&thief).get(&self.url("/x")).await.status, StatusCode::UNAUTHORIZED);
        let form = browser.visit(&self.url("/x")).await;
        assert!(form.body.contains("name=\"password\""), "it asks for the password again: {form:#?}");
    }

    async fn a_session_is_ended_there(&self) {
        let browser = self.logged_in().await;
        self.keycloak.log_ann_out().await;
        let mut api = Browser::api().with_cookies(&browser);
        eventually("the session is over", async || match api.get(&self.url("/x")).await.status {
            StatusCode::UNAUTHORIZED => Ok(()),
            other => Err(other),
        })
        .await;
    }

    async fn bearer_tokens_are_taken_and_id_tokens_are_not(&self) {
        for path in ["/tokens", "/asked"] {
            let (access, id) = self.keycloak.tokens_of_ann().await;
            let page = self.with_token(path, &access).await;
            assert_eq!(page.status, StatusCode::OK, "{path}: {page:#?}");
            assert_eq!(page.sent("x-user").as_deref(), Some("ann"), "{path}");
            let refused = self.with_token(path, &id).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{path}: an ID token is not for an API: {refused:#?}");
        }
        let (access, _) = self.keycloak.tokens_of_ann().await;
        self.keycloak.log_ann_out().await;
        let page = self.with_token("/asked", &access).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "its session is over: {page:#?}");
    }

    async fn machines_log_in(&self) {
        let machine = |secret: &str| {
            Browser::api().with("x-ambassador-client-id", "edge").with("x-ambassador-client-secret", secret)
        };
        let url = self.url("/machines");
        let page = machine("edge-secret").get(&url).await;
        assert_eq!(page.status, StatusCode::OK, "{page:#?}");
        assert_eq!(machine("wrong").get(&url).await.status, StatusCode::UNAUTHORIZED);
    }

    async fn a_new_key_is_found(&self) {
        self.keycloak.rotate().await;
        nuncio_test_support::within(std::time::Duration::from_secs(60), "the new key is found", async || {
            let (access, _) = self.keycloak.tokens_of_ann().await;
            match self.with_token("/tokens", &access).await.status {
                StatusCode::OK => Ok(()),
                other => Err(other),
            }
        })
        .await;
    }
}
