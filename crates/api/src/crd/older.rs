//! The schemas of `v1` and `v2`, which are alike: those of `v3alpha1` in the older spelling.
//!
//! They matter even to those who write none of it: unless asked for a version, `kubectl get` and `kubectl explain` take
//! the highest, and an alpha comes after every other.

use serde_json::{Map, Value};

use super::gateway::rename;
use super::structural::anything;
use crate::convert::{FILTER, RULE};

/// Fields with another name, as [`crate::convert`] renames them: new, old.
const RENAMED: [(&str, &str); 4] = [
    ("stats_name", "v3StatsName"),
    ("health_checks", "v3health_checks"),
    ("crl_secret", "v3CRLSecret"),
    ("mappingSelector", "selector"),
];

/// Fields that took values of more types.
const LOOSER: [&str; 6] =
    ["tls", "headers", "query_parameters", "add_request_headers", "add_response_headers", "labels"];

/// The older form of a spec's schema.
pub(super) fn schema(kind: &str, spec: &Value) -> Value {
    let mut schema = spec.clone();
    let Some(fields) = schema.as_object_mut() else { return schema };
    fields.insert("x-kubernetes-preserve-unknown-fields".to_owned(), Value::Bool(true));
    match kind {
        "Filter" => filter(&mut schema),
        "FilterPolicy" => {
            if let Some(rule) = schema.pointer_mut("/properties/rules/items") {
                rename(rule, RULE.1, RULE.0);
            }
        }
        _ => {}
    }
    let Some(fields) = schema.as_object_mut() else { return schema };
    if let Some(Value::Object(properties)) = fields.get_mut("properties") {
        spell(kind, properties);
    }
    schema
}

fn filter(schema: &mut Value) {
    for (within, old, new) in FILTER {
        let within = within.map_or_else(String::new, |kind| format!("/properties/{kind}"));
        if let Some(fields) = schema.pointer_mut(&within) {
            rename(fields, new, old);
        }
    }
}

fn spell(kind: &str, properties: &mut Map<String, Value>) {
    properties.retain(|name, _| !name.starts_with("v2"));
    for (new, old) in RENAMED {
        if let Some(property) = properties.remove(new) {
            properties.insert(old.to_owned(), property);
        }
    }
    match kind {
        "Mapping" => {
            properties.remove("hostname");
            loosen(properties);
            if let Some(host) = properties.get_mut("host").and_then(Value::as_object_mut) {
                let text = "Hosts, as a glob with one star at either end; by `host_regex` an expression; default `*`.";
                host.insert("description".to_owned(), text.into());
            }
        }
        "TCPMapping" => loosen(properties),
        "RateLimitService" => {
            loosen(properties);
            if let Some(grpc) = properties.remove("grpc") {
                properties.insert("v3GRPC".to_owned(), grpc);
            }
        }
        "AuthService" => {
            loosen(properties);
            if let Some(breakers) = properties.remove("circuit_breakers") {
                properties.insert("v3CircuitBreakers".to_owned(), breakers);
            }
        }
        "Host" => {
            if let Some(Value::Object(tls)) = properties.get_mut("tls").and_then(|tls| tls.get_mut("properties")) {
                spell("", tls);
            }
        }
        _ => {}
    }
}

/// Lets everything through, with its description.
fn loosen(properties: &mut Map<String, Value>) {
    for name in LOOSER {
        let Some(property) = properties.get_mut(name) else { continue };
        let mut any = anything();
        if let Some(description) = property.get("description") {
            any.insert("description".to_owned(), description.clone());
        }
        *property = Value::Object(any);
    }
}
