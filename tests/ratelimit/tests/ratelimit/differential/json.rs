//! The same over `/json`.

use envoy_types::pb::envoy::extensions::common::ratelimit::v3::RateLimitDescriptor;
use envoy_types::pb::envoy::service::ratelimit::v3::RateLimitRequest;
use envoy_types::pb::envoy::r#type::v3::RateLimitUnit;
use serde_json::{Value, json};

/// A request as protobuf has it in JSON.
pub(super) fn of(request: &RateLimitRequest) -> String {
    let descriptors: Vec<_> = request.descriptors.iter().map(descriptor).collect();
    json!({"domain": request.domain, "descriptors": descriptors, "hitsAddend": request.hits_addend}).to_string()
}

fn descriptor(descriptor: &RateLimitDescriptor) -> Value {
    let entries: Vec<_> =
        descriptor.entries.iter().map(|entry| json!({"key": entry.key, "value": entry.value})).collect();
    let mut made = json!({"entries": entries});
    if let Some(hits) = descriptor.hits_addend {
        made["hitsAddend"] = json!(hits.value.to_string());
    }
    if let Some(limit) = descriptor.limit {
        let unit = RateLimitUnit::try_from(limit.unit).unwrap().as_str_name();
        made["limit"] = json!({"requestsPerUnit": limit.requests_per_unit, "unit": unit});
    }
    made
}

/// What two answers have in common: all but seconds until reset, which are compared over gRPC, and dynamic metadata, in whose
/// text the original leaves spaces to chance.
pub(super) fn comparable(answer: &str, reset: &str) -> (String, Value) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.lines().next().unwrap().to_owned();
    // Errors are plain text.
    let Ok(mut body) = serde_json::from_str::<Value>(body) else { return (status, body.into()) };
    body.as_object_mut().unwrap().remove("dynamicMetadata");
    for status in body["statuses"].as_array_mut().unwrap() {
        status.as_object_mut().unwrap().remove("durationUntilReset");
    }
    if let Some(headers) = body.get_mut("responseHeadersToAdd").and_then(Value::as_array_mut) {
        headers.retain(|header| header["key"] != reset);
    }
    (status, body)
}
