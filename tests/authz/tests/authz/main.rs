//! The authentication service, as a process of its own, behind a real Envoy.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod attacks;
mod browsers;
mod evil;
mod faults;
mod keycloak;
mod keys;
mod login;
mod logout;
mod native;
mod proxies;
mod replicas;
mod rig;
mod stop;
mod table;
mod tokens;

use serde_json::{Value, json};

/// One rule for all paths, of these filters.
fn rules(filters: &[Value]) -> Value {
    let named: Vec<Value> = filters.iter().map(|filter| json!({ "filter": filter["id"] })).collect();
    rules_of(&json!([{ "origin": "policy.default#0", "path": "*", "filters": named }]), filters)
}

/// Rules and filters.
fn rules_of(rules: &Value, filters: &[Value]) -> Value {
    json!({ "rule_sets": [{ "id": "s", "rules": rules }], "filters": filters })
}
