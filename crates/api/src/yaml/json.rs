//! Trees from JSON that was read elsewhere.

use std::borrow::Cow;

use super::node::{Entry, Mark, Node, Value};

/// How deep a tree may be; deeper JSON is cut off there.
const DEPTH: usize = 100;

/// The tree of a JSON value. It has no places.
pub(crate) fn from_json(value: &serde_json::Value) -> Node<'_> {
    convert(value, DEPTH)
}

fn convert(value: &serde_json::Value, depth: usize) -> Node<'_> {
    let mark = Mark::NOWHERE;
    let Some(below) = depth.checked_sub(1) else { return Node::null(mark) };
    match value {
        serde_json::Value::Null => Node::null(mark),
        serde_json::Value::Bool(value) => Node::plain(mark, if *value { "true" } else { "false" }),
        serde_json::Value::Number(number) => Node::plain(mark, number.to_string()),
        serde_json::Value::String(text) => Node::text(mark, text.as_str()),
        serde_json::Value::Array(items) => {
            Node { mark, value: Value::List(items.iter().map(|item| convert(item, below)).collect()) }
        }
        serde_json::Value::Object(fields) => {
            let entries = fields.iter().map(|(key, value)| Entry {
                key: Cow::Borrowed(key.as_str()),
                mark,
                node: convert(value, below),
            });
            Node { mark, value: Value::Map(entries.collect()) }
        }
    }
}
