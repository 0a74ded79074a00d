//! A bearer token: our JWT filter, and Envoy's own.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nuncio_authz_tests::{Gateway, Issuer, Service, Upstream};
use serde_json::json;

use crate::contender::Contender;

/// Both, with one issuer and one upstream.
pub(crate) struct Pair {
    service: Service,
    ours: Gateway,
    theirs: Gateway,
    upstream: Upstream,
    header: String,
    _issuer: Issuer,
}

impl Pair {
    pub(crate) fn contenders(&self) -> [Contender<'_>; 2] {
        let contender = |name, gateway, service| Contender {
            name,
            gateway,
            service,
            header: &self.header,
            upstream: &self.upstream,
            used: Vec::new(),
        };
        [contender("ours", &self.ours, Some(self.service.running())), contender("jwt_authn", &self.theirs, None)]
    }
}

pub(crate) async fn start() -> Pair {
    let (issuer, upstream) = (Issuer::start().await, Upstream::start().await);
    let service = Service::start_as_operators_do(&json!({
        "rule_sets": [{ "id": "s", "rules": [{ "origin": "bench", "path": "*", "filters": [{ "filter": "token" }] }] }],
        "filters": [{ "id": "token", "kind": { "jwt": { "jwks_uri": issuer.jwks_uri, "issuer": "bench" } } }],
    }))
    .await;
    let ours = Gateway::start_bare(&service, &upstream).await;
    let provider = json!({ "issuer": "bench", "local_jwks": { "inline_string": issuer.key_set() }, "forward": true,
        "jwt_cache_config": { "jwt_cache_size": 100 } });
    let theirs = Gateway::start_with_jwt_authn(&provider, &upstream).await;
    let end = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(3_600);
    let token = issuer.token(&json!({ "iss": "bench", "sub": "ann", "exp": end.as_secs() }));
    Pair { service, ours, theirs, upstream, header: format!("Authorization: Bearer {token}"), _issuer: issuer }
}
