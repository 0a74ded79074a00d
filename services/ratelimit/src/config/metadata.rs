//! `metadata` of a descriptor as a protobuf `Struct`.

use envoy_types::pb::google::protobuf::value::Kind as ProtoKind;
use envoy_types::pb::google::protobuf::{ListValue, Struct, Value as ProtoValue};

use super::yaml::{Kind, Node, Value};

/// The mapping with its keys as text, whatever they are.
pub(super) fn of_map(map: &[(Node, Node)]) -> Struct {
    Struct { fields: map.iter().map(|(key, value)| (key_text(key), of_node(value))).collect() }
}

fn of_node(node: &Node) -> ProtoValue {
    let kind = match &node.value {
        Value::Map(map) => ProtoKind::StructValue(of_map(map)),
        Value::List(items) => ProtoKind::ListValue(ListValue { values: items.iter().map(of_node).collect() }),
        Value::Scalar { text, kind } => match *kind {
            Kind::Null => ProtoKind::NullValue(0),
            Kind::Bool(value) => ProtoKind::BoolValue(value),
            Kind::Int(value) => ProtoKind::NumberValue(value as f64),
            Kind::Large(value) => ProtoKind::NumberValue(value as f64),
            Kind::Float(value) => ProtoKind::NumberValue(value),
            Kind::Merge | Kind::Text => ProtoKind::StringValue(text.to_string()),
        },
    };
    ProtoValue { kind: Some(kind) }
}

/// Keys such as `y` stay as written: YAML 1.1 would make `true` of it.
fn key_text(key: &Node) -> String {
    match &key.value {
        Value::Scalar { text, .. } => text.to_string(),
        other => other.tag().to_owned(),
    }
}
