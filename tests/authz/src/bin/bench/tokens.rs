//! A bearer token: our JWT filter, Envoy's own, and a server that lets everything through.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nuncio_authz_tests::{Gateway, Issuer, Service, Upstream};
use nuncio_test_support::Process;
use serde_json::json;

use crate::contender::Contender;
use crate::direct::{Asked, By};
use crate::{check, only_ok, place};

/// Both, with one issuer and one upstream.
pub(crate) struct Pair {
    service: Service,
    ours: Gateway,
    theirs: Gateway,
    upstream: Upstream,
    header: String,
    only_ok: (Process, String),
    _issuer: Issuer,
}

impl Pair {
    /// Ours, and what only says OK, to be asked without an Envoy.
    pub(crate) fn asked(&self) -> [Asked<'_>; 2] {
        let message = check::message(&self.ours.address, "s", self.header.split_once(": ").unwrap());
        let by = |address: &str| By::Grpc(address.to_owned(), check::always(message.clone()));
        [
            Asked { process: self.service.running(), by: by(&self.service.grpc) },
            Asked { process: &self.only_ok.0, by: by(&self.only_ok.1) },
        ]
    }

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
    let rules = json!({
        "rule_sets": [{ "id": "s", "rules": [{ "origin": "bench", "path": "*", "filters": [{ "filter": "token" }] }] }],
        "filters": [{ "id": "token", "kind": { "jwt": { "jwks_uri": issuer.jwks_uri, "issuer": "bench" } } }],
    });
    let service = place::measured(Service::start_as_operators_do(&rules, &[])).await;
    let only_ok = place::measured(only_ok::start()).await;
    let ours = Gateway::start_bare(&service, &upstream).await;
    let provider = json!({ "issuer": "bench", "local_jwks": { "inline_string": issuer.key_set() }, "forward": true,
        "jwt_cache_config": { "jwt_cache_size": 100 } });
    let theirs = Gateway::start_with_jwt_authn(&provider, &upstream).await;
    let end = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(3_600);
    let token = issuer.token(&json!({ "iss": "bench", "sub": "ann", "exp": end.as_secs() }));
    let header = format!("Authorization: Bearer {token}");
    Pair { service, ours, theirs, upstream, header, only_ok, _issuer: issuer }
}
