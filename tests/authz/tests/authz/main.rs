//! The authentication service, as a process of its own, behind a real Envoy.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod away;
mod browsers;
mod cookies;
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
mod started;
mod stop;
mod table;
mod tokens;
mod told;
mod traces;
mod troubles;
mod wrong;

use nuncio_authz_tests::rule_set;
use serde_json::{Value, json};

/// One rule for all paths, of these filters.
fn rules(filters: &[Value]) -> Value {
    let named: Vec<Value> = filters.iter().map(|filter| json!({ "filter": filter["id"] })).collect();
    rules_of(&json!([{ "origin": "policy.default#0", "path": "*", "filters": named }]), filters)
}

/// Rules and filters: by the name that routes of a gateway say, and by `s` for whoever is told another by the test.
fn rules_of(rules: &Value, filters: &[Value]) -> Value {
    let sets = [rule_set(), "s"].map(|id| json!({ "id": id, "rules": rules }));
    json!({ "rule_sets": sets, "filters": filters })
}
