//! Rules for the service that counts: `RateLimitConfig`, which it is sent over the same server as Envoy its resources.
//!
//! What the message has no field for stands in the metadata of a descriptor, where our own service looks for it.

use envoy_types::pb::google::protobuf::{ListValue, Struct, Value, value::Kind};
use envoy_types::pb::ratelimit::config::ratelimit::v3::{
    RateLimitConfig, RateLimitDescriptor, RateLimitPolicy, RateLimitUnit,
};
use nuncio_ir::{LimitNode, LimitRule, LimitRules, LimitUnit};

use crate::Resource;

/// Where our own service looks in metadata.
const EXTENSION: &str = "nuncio.dev/ratelimit";

/// The rules of a domain, under its name.
#[must_use]
pub fn limits(rules: &LimitRules) -> Resource {
    let LimitRules { domain, nodes, origins: _ } = rules;
    let config = RateLimitConfig {
        name: domain.to_string(),
        domain: domain.to_string(),
        descriptors: nodes.iter().map(descriptor).collect(),
    };
    Resource::new(domain, nuncio_ir::version(&(domain, nodes)), &config)
}

fn descriptor(node: &LimitNode) -> RateLimitDescriptor {
    RateLimitDescriptor {
        key: node.key.clone(),
        value: node.value.clone().unwrap_or_default(),
        rate_limit: node.rule.as_deref().map(policy),
        descriptors: node.nodes.iter().map(descriptor).collect(),
        shadow_mode: node.rule.as_ref().is_some_and(|rule| rule.log_only),
        metadata: node.rule.as_deref().map(|rule| structure([(EXTENSION, extension(rule))])),
        ..Default::default()
    }
}

fn policy(rule: &LimitRule) -> RateLimitPolicy {
    let unit = match rule.unit {
        LimitUnit::Second => RateLimitUnit::Second,
        LimitUnit::Minute => RateLimitUnit::Minute,
        LimitUnit::Hour => RateLimitUnit::Hour,
        LimitUnit::Day => RateLimitUnit::Day,
    };
    RateLimitPolicy { unit: unit as i32, requests_per_unit: rule.rate, name: rule.name.clone(), ..Default::default() }
}

/// The fields are documented with the service.
fn extension(rule: &LimitRule) -> Value {
    let mut fields = vec![("prefix", value(Kind::BoolValue(true))), ("edge", edge(rule))];
    // Of nothing there is no burst.
    if let Some(factor) = rule.burst_factor.filter(|_| rule.rate > 0) {
        let burst = rule.rate.saturating_mul(factor).max(1);
        fields.push(("algorithm", text("gcra")));
        fields.push(("burst", value(Kind::NumberValue(f64::from(burst)))));
    }
    value(Kind::StructValue(structure(fields)))
}

/// What is done beyond counting.
fn edge(rule: &LimitRule) -> Value {
    let action = if rule.log_only { "LogOnly" } else { "Enforce" };
    let mut fields = vec![("origin", text(&rule.origin.to_string())), ("action", text(action))];
    if !rule.request_headers.is_empty() {
        fields.push(("request_headers", headers(&rule.request_headers)));
    }
    if !rule.response_headers.is_empty() {
        fields.push(("response_headers", headers(&rule.response_headers)));
    }
    if let Some(error) = &rule.error {
        let answer = structure([("headers", headers(&error.headers)), ("body", text(&error.body))]);
        fields.push(("error", value(Kind::StructValue(answer))));
    }
    value(Kind::StructValue(structure(fields)))
}

fn headers(headers: &[(String, String)]) -> Value {
    let one = |(name, template): &(String, String)| {
        value(Kind::StructValue(structure([("name", text(name)), ("value", text(template))])))
    };
    value(Kind::ListValue(ListValue { values: headers.iter().map(one).collect() }))
}

fn structure<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Struct {
    Struct { fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect() }
}

fn text(text: &str) -> Value {
    value(Kind::StringValue(text.to_owned()))
}

fn value(kind: Kind) -> Value {
    Value { kind: Some(kind) }
}
