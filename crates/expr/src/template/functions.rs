//! What templates can call.

use std::cmp::Ordering;

use super::eval::Stop;
use super::{Value, format};

const NAMES: [&str; 21] = [
    "and", "or", "not", "len", "index", "slice", "print", "printf", "println", "html", "js", "urlquery", "eq", "ne",
    "lt", "le", "gt", "ge", "hasKey", "doNotSet", "json",
];

/// Whether there is a function of that name.
pub(super) fn is_function(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Whether the arguments after this one do not matter.
pub(super) fn truncates(name: &str, argument: &Value) -> bool {
    match name {
        "and" => !argument.is_true(),
        "or" => argument.is_true(),
        _ => false,
    }
}

/// For text in HTML.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Calls a function.
pub(super) fn call(name: &str, arguments: &[Value]) -> Result<Value, Stop> {
    let wrong = || Stop::error(format!("{name} is not for these arguments"));
    match (name, arguments) {
        ("doNotSet", []) => Err(Stop::DoNotSet),
        ("and" | "or", [.., last]) => Ok(last.clone()),
        ("not", [value]) => Ok(Value::Bool(!value.is_true())),
        ("len", [value]) => length(value).ok_or_else(wrong),
        ("index", [value, keys @ ..]) => keys.iter().try_fold(value.clone(), |value, key| index(&value, key)),
        ("slice", [value, bounds @ ..]) => slice(value, bounds).ok_or_else(wrong),
        ("print", arguments) => Ok(Value::Text(print(arguments))),
        ("println", arguments) => {
            Ok(Value::Text(arguments.iter().map(format::plain).collect::<Vec<_>>().join(" ") + "\n"))
        }
        ("printf", [Value::Text(text), rest @ ..]) => format::printf(text, rest).map(Value::Text),
        ("html", arguments) => Ok(Value::Text(escape(&print(arguments)))),
        ("urlquery", arguments) => {
            Ok(Value::Text(form_urlencoded::byte_serialize(print(arguments).as_bytes()).collect()))
        }
        ("js", arguments) => Ok(Value::Text(script(&print(arguments)))),
        ("eq", [value, others @ ..]) if !others.is_empty() => {
            let equal = others.iter().map(|other| is_equal(value, other)).collect::<Option<Vec<_>>>();
            equal.map(|equal| Value::Bool(equal.contains(&true))).ok_or_else(wrong)
        }
        ("ne", [one, other]) => is_equal(one, other).map(|equal| Value::Bool(!equal)).ok_or_else(wrong),
        ("lt" | "le" | "gt" | "ge", [one, other]) => {
            let ordering = order(one, other).ok_or_else(wrong)?;
            Ok(Value::Bool(match name {
                "lt" => ordering.is_lt(),
                "le" => ordering.is_le(),
                "gt" => ordering.is_gt(),
                _ => ordering.is_ge(),
            }))
        }
        ("hasKey", [Value::Map(entries), Value::Text(key)]) => Ok(Value::Bool(entries.contains_key(key))),
        ("hasKey", [Value::Headers(entries), Value::Text(key)]) => Ok(Value::Bool(entries.contains_key(key))),
        ("hasKey", [Value::Null, Value::Text(_)]) => Ok(Value::Bool(false)),
        ("json", [Value::Text(indent), value]) => json(indent, value).ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

fn length(value: &Value) -> Option<Value> {
    let length = match value {
        Value::Text(text) => text.len(),
        Value::List(items) => items.len(),
        Value::Map(entries) => entries.len(),
        Value::Headers(entries) => entries.len(),
        _ => return None,
    };
    i64::try_from(length).ok().map(Value::Int)
}

fn index(value: &Value, key: &Value) -> Result<Value, Stop> {
    match (value, key) {
        (Value::Map(entries), Value::Text(key)) => Ok(entries.get(key).cloned().unwrap_or(Value::Null)),
        (Value::Headers(entries), Value::Text(key)) => {
            let values = entries.get(key).cloned().unwrap_or_default();
            Ok(Value::List(values.into_iter().map(Value::Text).collect()))
        }
        (Value::List(items), Value::Int(at)) => usize::try_from(*at)
            .ok()
            .and_then(|at| items.get(at))
            .cloned()
            .ok_or_else(|| Stop::error(format!("there is no item {at}"))),
        (value, _) => Err(Stop::error(format!("{} has no such index", format::kind(value)))),
    }
}

fn slice(value: &Value, bounds: &[Value]) -> Option<Value> {
    let bound = |at: usize| match bounds.get(at) {
        Some(Value::Int(number)) => usize::try_from(*number).ok().map(Some),
        Some(_) => None,
        None => Some(None),
    };
    let (start, end) = (bound(0)?.unwrap_or(0), bound(1)?);
    match value {
        Value::Text(text) => text.get(start..end.unwrap_or(text.len())).map(Value::from),
        Value::List(items) => items.get(start..end.unwrap_or(items.len())).map(|items| Value::List(items.to_vec())),
        _ => None,
    }
}

/// Spaces between operands where neither is a text.
fn print(arguments: &[Value]) -> String {
    let mut out = String::new();
    let mut before_is_text = true;
    for argument in arguments {
        let is_text = matches!(argument, Value::Text(_));
        if !is_text && !before_is_text {
            out.push(' ');
        }
        out.push_str(&format::plain(argument));
        before_is_text = is_text;
    }
    out
}

fn script(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' | '>' | '&' | '=' => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

#[expect(clippy::cast_precision_loss, reason = "numbers of JSON are doubles")]
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

fn order(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Int(one), Value::Int(other)) => Some(one.cmp(other)),
        (Value::Text(one), Value::Text(other)) => Some(one.cmp(other)),
        _ => number(one)?.partial_cmp(&number(other)?),
    }
}

/// `None` where the two cannot be compared. A value that is absent is equal to none.
fn is_equal(one: &Value, other: &Value) -> Option<bool> {
    match (one, other) {
        (Value::Null, Value::Null) => Some(true),
        (Value::Null, _) | (_, Value::Null) => Some(false),
        (Value::Bool(one), Value::Bool(other)) => Some(one == other),
        (Value::List(_) | Value::Map(_) | Value::Headers(_), _) => None,
        _ => order(one, other).map(Ordering::is_eq),
    }
}

/// JSON; indented unless `indent` is empty.
fn json(indent: &str, value: &Value) -> Option<Value> {
    use serde::Serialize;
    let value = value.to_json();
    if indent.is_empty() {
        return Some(Value::Text(value.to_string()));
    }
    let mut out = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, formatter)).ok()?;
    String::from_utf8(out).ok().map(Value::Text)
}
