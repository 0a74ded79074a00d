//! The service with a login, and all that it needs.

use http::StatusCode;
use nuncio_authz_tests::{Browser, Gateway, Issuer, Provider, Service, Upstream};
use serde_json::{Value, json};

use crate::rules_of;

/// The service with a login for the gateway's origin, and all that it needs.
pub(crate) struct Rig {
    pub(crate) provider: Provider,
    pub(crate) upstream: Upstream,
    pub(crate) service: Service,
    pub(crate) gateway: Gateway,
    pub(crate) rules: Value,
}

pub(crate) const CALLBACK: &str = "/.ambassador/oauth2/redirection-endpoint";

/// `filter` changes the filter, `arguments` those of its rule, `provider` the provider.
pub(crate) async fn rig(filter: &Value, arguments: &Value, provider: &Value, flags: &[&str]) -> Rig {
    let upstream = Upstream::start().await;
    let service = Service::start_with(&rules_of(&json!([]), &[]), flags).await;
    let gateway = Gateway::start(&service, &upstream).await;
    behind(gateway, service, upstream, filter, arguments, provider).await
}

/// The same with TLS, as browsers have it.
pub(crate) async fn secure_rig(filter: &Value, arguments: &Value) -> Rig {
    let upstream = Upstream::start().await;
    let service = Service::start(&rules_of(&json!([]), &[])).await;
    let gateway = Gateway::start_with_tls(&service, &upstream).await;
    behind(gateway, service, upstream, filter, arguments, &json!({})).await
}

/// What comes of these parts with a provider.
pub(crate) async fn behind(
    gateway: Gateway,
    service: Service,
    upstream: Upstream,
    filter: &Value,
    arguments: &Value,
    provider: &Value,
) -> Rig {
    let provider = Provider::start(&[format!("{}{CALLBACK}", gateway.origin)], provider).await;
    let mut code = json!({
        "client_id": "edge", "client_secret": "edge-secret", "protected_origins": [gateway.protected_origin()], "pkce": true,
    });
    for (name, value) in filter.as_object().unwrap() {
        code[name] = value.clone();
    }
    let rules = login_rules(&provider, &code, arguments);
    service.write_rules(&rules).await;
    Rig { provider, upstream, service, gateway, rules }
}

pub(crate) fn login_rules(provider: &Provider, code: &Value, arguments: &Value) -> Value {
    let filter = json!({ "id": "login.default", "kind": { "oauth2": {
        "issuer": provider.issuer, "grant": { "authorization_code": code }, "inject_request_headers": [
            { "name": "X-User", "value": "{{ .idToken.Claims.sub }}" } ] } } });
    let list = json!([{ "origin": "policy.default#0", "path": "*", "filters": [
        { "filter": "login.default", "arguments": arguments } ] }]);
    rules_of(&list, &[filter])
}

impl Rig {
    pub(crate) async fn simple() -> Self {
        rig(&json!({}), &json!({}), &json!({}), &[]).await
    }

    /// Has tokens of an issuer do for what is below `/token/`.
    pub(crate) async fn take_tokens(&self) -> Issuer {
        let issuer = Issuer::start().await;
        let mut rules = self.rules.clone();
        let tokens = json!({ "origin": "token", "path": "/token/*", "filters": [{ "filter": "token.default" }] });
        for set in &mut rules["rule_sets"].as_array_mut().unwrap()[..2] {
            set["rules"].as_array_mut().unwrap().insert(0, tokens.clone());
        }
        let filter = json!({ "id": "token.default", "kind": { "jwt": { "jwks_uri": issuer.jwks_uri } } });
        rules["filters"].as_array_mut().unwrap().push(filter);
        self.service.write_rules(&rules).await;
        // Its keys are fetched while nothing is wrong.
        let token = issuer.token(&json!({ "sub": "ann" }));
        let page = Browser::api().with("authorization", &format!("Bearer {token}")).get(&self.url("/token/x")).await;
        assert_eq!(page.status, StatusCode::OK, "{page:#?}");
        issuer
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.gateway.origin)
    }

    pub(crate) fn host(&self) -> &str {
        self.gateway.address.split(':').next().unwrap()
    }
}
