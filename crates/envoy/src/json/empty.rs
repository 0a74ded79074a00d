//! `Any` messages without a type, which Envoy gives a meaning (a `FilterConfig` with one switches its filter on).
//! Their canonical JSON is `{}`; prost-reflect has none for them, so they go by another name meanwhile.

use envoy_types::pb::google::protobuf::Any;
use prost::Message;
use prost_reflect::{DynamicMessage, ReflectMessage, Value as Field};
use serde_json::{Value, json};

use super::decode;

const ANY: &str = "google.protobuf.Any";

/// What stands for nothing until all is JSON; nothing of Envoy's holds it.
const STAND_IN: &str = "type.googleapis.com/google.protobuf.Empty";

/// Names each `Any` that has no type, at any depth. What cannot be read stays, for the caller to report.
pub(super) fn name(message: &mut DynamicMessage) {
    if message.descriptor().full_name() == ANY {
        return name_any(message);
    }
    for (_, field) in message.fields_mut() {
        match field {
            Field::Message(message) => name(message),
            Field::List(values) => values.iter_mut().filter_map(Field::as_message_mut).for_each(name),
            Field::Map(values) => values.values_mut().filter_map(Field::as_message_mut).for_each(name),
            _ => {}
        }
    }
}

fn name_any(any: &mut DynamicMessage) {
    let Ok(held) = any.transcode_to::<Any>() else { return };
    if held.type_url.is_empty() {
        any.set_field_by_name("type_url", Field::String(STAND_IN.to_owned()));
    } else if let Ok(mut message) = decode(&held.type_url, &held.value) {
        name(&mut message);
        any.set_field_by_name("value", Field::Bytes(message.encode_to_vec().into()));
    }
}

/// Takes the names away again.
pub(super) fn unname(value: &mut Value) {
    match value {
        Value::Object(fields) if fields.get("@type").is_some_and(|name| name == STAND_IN) => *value = json!({}),
        Value::Object(fields) => fields.values_mut().for_each(unname),
        Value::Array(values) => values.iter_mut().for_each(unname),
        _ => {}
    }
}
