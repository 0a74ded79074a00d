//! Trees from JSON, as an API server sends it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::build::DEPTH;
use super::node::{Entry, Mark, Node, Value};

/// The tree of a JSON value, which has no places, and whether it is all of it: what is nested deeper than is read is not there.
pub(crate) fn from_json(value: &serde_json::Value) -> (Node<'_>, bool) {
    let mut whole = true;
    let node = convert(value, DEPTH, &mut whole);
    (node, whole)
}

fn convert<'v>(value: &'v serde_json::Value, depth: usize, whole: &mut bool) -> Node<'v> {
    let mark = Mark::NOWHERE;
    let mut below = |value: &'v serde_json::Value| match depth.checked_sub(1) {
        Some(depth) => convert(value, depth, whole),
        None => Node::null(mark),
    };
    match value {
        serde_json::Value::Null => Node::null(mark),
        serde_json::Value::Bool(value) => Node::plain(mark, if *value { "true" } else { "false" }),
        serde_json::Value::Number(number) => Node::plain(mark, number.to_string()),
        serde_json::Value::String(text) => Node::text(mark, text.as_str()),
        serde_json::Value::Array(_) | serde_json::Value::Object(_) if depth == 0 => {
            *whole = false;
            Node::null(mark)
        }
        serde_json::Value::Array(items) => Node { mark, value: Value::List(items.iter().map(below).collect()) },
        serde_json::Value::Object(fields) => {
            let entries =
                fields.iter().map(|(key, value)| Entry { key: Cow::Borrowed(key.as_str()), mark, node: below(value) });
            Node { mark, value: Value::Map(entries.collect()) }
        }
    }
}

/// Reads JSON however deep it is nested: of what is deeper than `from_json` reads, there is no more than that it was there.
///
/// # Errors
/// If it is no JSON.
pub fn read_json(text: &[u8]) -> Result<serde_json::Value, serde_json::Error> {
    // The usual case, and the fastest; it fails at a depth of its own.
    serde_json::from_slice(text).or_else(|_| Ok(prune(serde_json::from_slice(text)?, DEPTH + 1)))
}

fn prune(raw: &RawValue, depth: usize) -> serde_json::Value {
    let text = raw.get();
    let is_nested = text.starts_with(['{', '[']);
    let Some(below) = depth.checked_sub(1).filter(|_| is_nested) else {
        return if is_nested { serde_json::Value::Null } else { serde_json::from_str(text).unwrap_or_default() };
    };
    if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(text) {
        return items.into_iter().map(|item| prune(item, below)).collect();
    }
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap_or_default();
    fields.into_iter().map(|(key, value)| (key, prune(value, below))).collect()
}
