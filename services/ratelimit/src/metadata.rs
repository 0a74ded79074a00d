//! Dynamic metadata of replies.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use envoy_types::pb::envoy::extensions::common::ratelimit::v3::RateLimitDescriptor;
use envoy_types::pb::envoy::service::ratelimit::v3::RateLimitRequest;
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_response::{Code, DescriptorStatus};
use envoy_types::pb::envoy::r#type::v3::RateLimitUnit;
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{ListValue, Struct, Value};

use crate::plan::Plan;

/// `{domain, descriptors, hitsAddend, metadata}`: the request, and the metadata of the rules that are not over.
pub(crate) fn of_reply(request: &RateLimitRequest, plan: &Plan<'_>, statuses: &[DescriptorStatus]) -> Struct {
    let mut fields = HashMap::new();
    fields.insert("domain".to_owned(), text(request.domain.clone()));
    fields.insert("descriptors".to_owned(), list(request.descriptors.iter().map(descriptor)));
    if request.hits_addend != 0 {
        fields.insert("hitsAddend".to_owned(), number(f64::from(request.hits_addend)));
    }
    let mut passed = Struct::default();
    for (item, status) in plan.items.iter().zip(statuses) {
        if status.code != i32::from(Code::OverLimit)
            && let Some(metadata) = item.limit.as_ref().and_then(|limit| limit.rule?.metadata())
        {
            merge(&mut passed, metadata);
        }
    }
    if !passed.fields.is_empty() {
        fields.insert("metadata".to_owned(), value(Kind::StructValue(passed)));
    }
    Struct { fields }
}

/// Adds what is not there; structures are merged, and of other values the first stays.
fn merge(into: &mut Struct, from: &Struct) {
    for (key, value) in &from.fields {
        match into.fields.entry(key.clone()) {
            Entry::Vacant(place) => _ = place.insert(value.clone()),
            Entry::Occupied(mut place) => {
                if let (Some(Kind::StructValue(into)), Some(Kind::StructValue(from))) =
                    (&mut place.get_mut().kind, &value.kind)
                {
                    merge(into, from);
                }
            }
        }
    }
}

fn descriptor(descriptor: &RateLimitDescriptor) -> Value {
    let mut fields = HashMap::new();
    let entries = descriptor.entries.iter().map(|entry| text(format!("{}={}", entry.key, entry.value)));
    fields.insert("entries".to_owned(), list(entries));
    if let Some(limit) = descriptor.limit {
        let unit = RateLimitUnit::try_from(limit.unit)
            .map_or_else(|_| limit.unit.to_string(), |unit| unit.as_str_name().to_owned());
        // The text form of a message leaves out what is nothing.
        let requests = match limit.requests_per_unit {
            0 => String::new(),
            requests => format!("requests_per_unit:{requests} "),
        };
        fields.insert("limit".to_owned(), text(format!("{requests}unit:{unit}")));
    }
    if let Some(addend) = descriptor.hits_addend {
        // Exact up to 2^53, as any number in JSON.
        fields.insert("hitsAddend".to_owned(), number(addend.value as f64));
    }
    value(Kind::StructValue(Struct { fields }))
}

fn value(kind: Kind) -> Value {
    Value { kind: Some(kind) }
}

fn text(text: String) -> Value {
    value(Kind::StringValue(text))
}

fn number(number: f64) -> Value {
    value(Kind::NumberValue(number))
}

fn list(values: impl Iterator<Item = Value>) -> Value {
    value(Kind::ListValue(ListValue { values: values.collect() }))
}
