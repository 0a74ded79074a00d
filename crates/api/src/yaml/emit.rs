//! Writes JSON as YAML.

use serde_json::Value;

/// `value` as a YAML document in block style, keys in order of their letters.
#[must_use]
pub fn to_yaml(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(fields) if !fields.is_empty() => mapping(fields, 0, &mut text),
        Value::Array(items) if !items.is_empty() => list(items, 0, &mut text),
        scalar => {
            text.push_str(&flow(scalar));
            text.push('\n');
        }
    }
    text
}

fn mapping(fields: &serde_json::Map<String, Value>, indent: usize, text: &mut String) {
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_unstable_by_key(|(key, _)| *key);
    for (index, (key, value)) in fields.into_iter().enumerate() {
        // The first key of a list's item stands behind the dash.
        if index > 0 || !text.ends_with("- ") {
            text.extend(std::iter::repeat_n(' ', indent));
        }
        text.push_str(&scalar(key));
        text.push(':');
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                text.push('\n');
                mapping(fields, indent + 2, text);
            }
            Value::Array(items) if !items.is_empty() => {
                text.push('\n');
                list(items, indent, text);
            }
            value => {
                text.push(' ');
                text.push_str(&flow(value));
                text.push('\n');
            }
        }
    }
}

fn list(items: &[Value], indent: usize, text: &mut String) {
    for item in items {
        text.extend(std::iter::repeat_n(' ', indent));
        text.push_str("- ");
        match item {
            Value::Object(fields) if !fields.is_empty() => mapping(fields, indent + 2, text),
            // A list in a list is JSON: none of the definitions has one.
            item => {
                text.push_str(&flow(item));
                text.push('\n');
            }
        }
    }
}

fn flow(value: &Value) -> String {
    match value {
        Value::String(value) => scalar(value),
        other => other.to_string(),
    }
}

/// Text as it is where nothing could take it for something else, and as in JSON elsewhere.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./ (),".contains(c))
        && !text.ends_with(' ')
        && !reserved(text);
    if plain { text.to_owned() } else { Value::from(text).to_string() }
}

/// Words that YAML 1.1 reads as booleans or null.
fn reserved(text: &str) -> bool {
    ["y", "n", "yes", "no", "on", "off", "true", "false", "null"].iter().any(|word| word.eq_ignore_ascii_case(text))
}
