//! Requests and replies in the JSON of protobuf: `lowerCamelCase`, names of enums, 64-bit numbers as text, defaults left
//! out. Requests may use the names of the `.proto` file too.

use envoy_types::pb::envoy::extensions::common::ratelimit::v3::RateLimitDescriptor;
use envoy_types::pb::envoy::extensions::common::ratelimit::v3::rate_limit_descriptor::{Entry, RateLimitOverride};
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_response::{
    Code, DescriptorStatus, RateLimit, rate_limit,
};
use envoy_types::pb::envoy::service::ratelimit::v3::{RateLimitRequest, RateLimitResponse};
use envoy_types::pb::envoy::r#type::v3::RateLimitUnit;
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Struct, UInt64Value, Value as ProtoValue};
use serde_json::{Map, Value, json};

/// Why a request is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum JsonError {
    #[error("no JSON: {0}")]
    Syntax(String),
    #[error("unknown field {0:?}")]
    Unknown(String),
    #[error("invalid value for {0}")]
    Invalid(&'static str),
}

/// Reads a request.
pub(super) fn request(body: &[u8]) -> Result<RateLimitRequest, JsonError> {
    let value: Value = serde_json::from_slice(body).map_err(|error| JsonError::Syntax(error.to_string()))?;
    let mut request = RateLimitRequest::default();
    for (name, value) in object(&value, "the request")? {
        match name.as_str() {
            "domain" => request.domain = text(value, "domain")?,
            "descriptors" => request.descriptors = list(value, "descriptors", descriptor)?,
            "hitsAddend" | "hits_addend" => {
                let hits = number(value, "hitsAddend")?;
                request.hits_addend = u32::try_from(hits).map_err(|_| JsonError::Invalid("hitsAddend"))?;
            }
            _ => return Err(JsonError::Unknown(name.clone())),
        }
    }
    Ok(request)
}

fn descriptor(value: &Value) -> Result<RateLimitDescriptor, JsonError> {
    let mut descriptor = RateLimitDescriptor::default();
    for (name, value) in object(value, "descriptors")? {
        match name.as_str() {
            "entries" => descriptor.entries = list(value, "entries", entry)?,
            "limit" if value.is_null() => {}
            "limit" => descriptor.limit = Some(limit(value)?),
            "hitsAddend" | "hits_addend" if value.is_null() => {}
            "hitsAddend" | "hits_addend" => {
                descriptor.hits_addend = Some(UInt64Value { value: number(value, "hitsAddend")? });
            }
            "isNegativeHits" | "is_negative_hits" => {
                descriptor.is_negative_hits = match value {
                    Value::Null => false,
                    Value::Bool(value) => *value,
                    _ => return Err(JsonError::Invalid("isNegativeHits")),
                }
            }
            _ => return Err(JsonError::Unknown(name.clone())),
        }
    }
    Ok(descriptor)
}

fn entry(value: &Value) -> Result<Entry, JsonError> {
    let mut entry = Entry::default();
    for (name, value) in object(value, "entries")? {
        match name.as_str() {
            "key" => entry.key = text(value, "key")?,
            "value" => entry.value = text(value, "value")?,
            _ => return Err(JsonError::Unknown(name.clone())),
        }
    }
    Ok(entry)
}

fn limit(value: &Value) -> Result<RateLimitOverride, JsonError> {
    let mut limit = RateLimitOverride::default();
    for (name, value) in object(value, "limit")? {
        match name.as_str() {
            "requestsPerUnit" | "requests_per_unit" => {
                let count = number(value, "requestsPerUnit")?;
                limit.requests_per_unit = u32::try_from(count).map_err(|_| JsonError::Invalid("requestsPerUnit"))?;
            }
            "unit" => limit.unit = unit(value)?,
            _ => return Err(JsonError::Unknown(name.clone())),
        }
    }
    Ok(limit)
}

fn unit(value: &Value) -> Result<i32, JsonError> {
    let found = match value {
        Value::Null => Some(0),
        Value::String(name) => RateLimitUnit::from_str_name(name).map(i32::from),
        Value::Number(number) => number.as_i64().and_then(|number| i32::try_from(number).ok()),
        _ => None,
    };
    found.ok_or(JsonError::Invalid("unit"))
}

fn object<'v>(value: &'v Value, what: &'static str) -> Result<&'v Map<String, Value>, JsonError> {
    value.as_object().ok_or(JsonError::Invalid(what))
}

fn list<T>(
    value: &Value,
    what: &'static str,
    read: impl Fn(&Value) -> Result<T, JsonError>,
) -> Result<Vec<T>, JsonError> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => items.iter().map(read).collect(),
        _ => Err(JsonError::Invalid(what)),
    }
}

fn text(value: &Value, what: &'static str) -> Result<String, JsonError> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        _ => Err(JsonError::Invalid(what)),
    }
}

/// A number, or its text.
fn number(value: &Value, what: &'static str) -> Result<u64, JsonError> {
    let found = match value {
        Value::Null => Some(0),
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    found.ok_or(JsonError::Invalid(what))
}

/// Writes a reply.
pub(super) fn response(reply: &RateLimitResponse) -> Value {
    let mut fields = Map::new();
    put_code(&mut fields, "overallCode", reply.overall_code);
    if !reply.statuses.is_empty() {
        fields.insert("statuses".to_owned(), reply.statuses.iter().map(status).collect());
    }
    if !reply.response_headers_to_add.is_empty() {
        let headers = reply.response_headers_to_add.iter();
        let headers = headers.map(|header| json!({"key": header.key, "value": header.value})).collect();
        fields.insert("responseHeadersToAdd".to_owned(), headers);
    }
    if let Some(metadata) = &reply.dynamic_metadata {
        fields.insert("dynamicMetadata".to_owned(), structure(metadata));
    }
    Value::Object(fields)
}

fn put_code(fields: &mut Map<String, Value>, name: &str, code: i32) {
    if let Ok(code) = Code::try_from(code)
        && code != Code::Unknown
    {
        fields.insert(name.to_owned(), code.as_str_name().into());
    }
}

fn status(status: &DescriptorStatus) -> Value {
    let mut fields = Map::new();
    put_code(&mut fields, "code", status.code);
    if let Some(limit) = &status.current_limit {
        fields.insert("currentLimit".to_owned(), current_limit(limit));
    }
    if status.limit_remaining != 0 {
        fields.insert("limitRemaining".to_owned(), status.limit_remaining.into());
    }
    if let Some(reset) = &status.duration_until_reset {
        fields.insert("durationUntilReset".to_owned(), format!("{}s", reset.seconds).into());
    }
    Value::Object(fields)
}

fn current_limit(limit: &RateLimit) -> Value {
    let mut fields = Map::new();
    if !limit.name.is_empty() {
        fields.insert("name".to_owned(), limit.name.clone().into());
    }
    if limit.requests_per_unit != 0 {
        fields.insert("requestsPerUnit".to_owned(), limit.requests_per_unit.into());
    }
    if let Ok(unit) = rate_limit::Unit::try_from(limit.unit) {
        fields.insert("unit".to_owned(), unit.as_str_name().into());
    }
    Value::Object(fields)
}

fn structure(from: &Struct) -> Value {
    Value::Object(from.fields.iter().map(|(key, value)| (key.clone(), plain(value))).collect())
}

fn plain(value: &ProtoValue) -> Value {
    match &value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::NumberValue(number)) => json!(number),
        Some(Kind::StringValue(text)) => text.clone().into(),
        Some(Kind::BoolValue(value)) => (*value).into(),
        Some(Kind::StructValue(fields)) => structure(fields),
        Some(Kind::ListValue(list)) => list.values.iter().map(plain).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_in_both_spellings() {
        let body = br#"{"domain":"d","hits_addend":3,"descriptors":[{"entries":[{"key":"k","value":"v"}],
            "hitsAddend":"5","limit":{"requestsPerUnit":7,"unit":"MINUTE"}}]}"#;
        let request = request(body).unwrap();
        assert_eq!((request.domain.as_str(), request.hits_addend), ("d", 3));
        let descriptor = &request.descriptors[0];
        assert_eq!(descriptor.hits_addend.unwrap().value, 5);
        assert_eq!(descriptor.limit, Some(RateLimitOverride { requests_per_unit: 7, unit: 2 }));
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for body in ["", "[]", r#"{"x":1}"#, r#"{"domain":1}"#, r#"{"hitsAddend":-1}"#, r#"{"hitsAddend":4294967296}"#]
        {
            assert!(request(body.as_bytes()).is_err(), "{body}");
        }
    }
}
