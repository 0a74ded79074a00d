//! Dynamic metadata of Envoy, which says of a request what no header does: as JSON, and back.

use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{ListValue, Struct, Value};
use serde_json::{Map, Value as Json};

/// A message as JSON.
pub(crate) fn json(fields: Struct) -> Json {
    fields.fields.into_iter().map(|(name, value)| (name, json_value(value))).collect()
}

fn json_value(value: Value) -> Json {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Json::Null,
        Some(Kind::NumberValue(number)) => number.into(),
        Some(Kind::StringValue(text)) => text.into(),
        Some(Kind::BoolValue(truth)) => truth.into(),
        Some(Kind::StructValue(fields)) => json(fields),
        Some(Kind::ListValue(list)) => list.values.into_iter().map(json_value).collect(),
    }
}

/// JSON as a message.
pub(crate) fn fields(fields: Map<String, Json>) -> Struct {
    Struct { fields: fields.into_iter().map(|(name, value)| (name, message(value))).collect() }
}

fn message(value: Json) -> Value {
    let kind = match value {
        Json::Null => Kind::NullValue(0),
        Json::Bool(truth) => Kind::BoolValue(truth),
        Json::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Json::String(text) => Kind::StringValue(text),
        Json::Array(list) => Kind::ListValue(ListValue { values: list.into_iter().map(message).collect() }),
        Json::Object(of) => Kind::StructValue(fields(of)),
    };
    Value { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_is_lost_on_the_way_there_and_back() {
        let Json::Object(all) = json!({ "a": null, "b": [true, 1.5, { "c": "d" }] }) else { panic!() };
        assert_eq!(json(fields(all.clone())), Json::Object(all));
    }
}
