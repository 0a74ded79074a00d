//! Rate-limit labels: in each domain a list of groups, each a name and its specifiers. Only these are spelled differently.

use serde_json::{Value, json};

/// Changes each specifier.
pub(super) fn each(labels: &mut Value, change: fn(&mut Value)) {
    let domains = labels.as_object_mut().into_iter().flat_map(|domains| domains.values_mut());
    let groups = domains.filter_map(Value::as_array_mut).flatten();
    let named = groups.filter_map(Value::as_object_mut).flat_map(|group| group.values_mut());
    named.filter_map(Value::as_array_mut).flatten().for_each(change);
}

const SHORTHAND: &str = "v2Shorthand";

/// What `v2` says by a word.
const WORDS: [&str; 3] = ["source_cluster", "destination_cluster", "remote_address"];

/// `v2` to `v3alpha1`.
pub(super) fn up(specifier: &mut Value) {
    let new = match specifier {
        Value::String(word) if WORDS.contains(&word.as_str()) => json!({ word.as_str(): { "key": word } }),
        Value::String(text) => json!({ "generic_key": { "value": text, SHORTHAND: true } }),
        Value::Object(fields) => match (fields.get("generic_key"), fields.get("v3Key")) {
            (Some(value @ Value::String(_)), None) if fields.len() == 1 => json!({ "generic_key": { "value": value } }),
            (Some(value @ Value::String(_)), Some(key @ Value::String(_))) if fields.len() == 2 => {
                json!({ "generic_key": { "value": value, "key": key } })
            }
            _ => match header(fields) {
                Some(new) => new,
                None => return,
            },
        },
        _ => return,
    };
    *specifier = new;
}

/// `{key: {header: name}}`.
fn header(fields: &super::Fields) -> Option<Value> {
    let (key, source) = fields.iter().next().filter(|_| fields.len() == 1)?;
    let source = source.as_object()?;
    let name = source.get("header").filter(|name| name.is_string())?;
    let mut request = json!({ "key": key, "header_name": name });
    if let Some(omit) = source.get("omit_if_not_present") {
        request["omit_if_not_present"] = omit.clone();
    }
    Some(json!({ "request_headers": request }))
}

/// `v3alpha1` to `v2`.
pub(super) fn down(specifier: &mut Value) {
    let Some((kind, of)) = specifier.as_object().filter(|fields| fields.len() == 1).and_then(|one| one.iter().next())
    else {
        return;
    };
    let field = |name: &str| of.get(name).filter(|value| value.is_string());
    let new = match kind.as_str() {
        "generic_key" => match (field("value"), field("key")) {
            (Some(value), None) if of.get(SHORTHAND) == Some(&json!(true)) => value.clone(),
            (Some(value), None) => json!({ "generic_key": value }),
            (Some(value), Some(key)) => json!({ "generic_key": value, "v3Key": key }),
            (None, _) => return,
        },
        "request_headers" => match (of.get("key").and_then(Value::as_str), field("header_name")) {
            (Some(key), Some(name)) => {
                let mut source = json!({ "header": name });
                if let Some(omit) = of.get("omit_if_not_present") {
                    source["omit_if_not_present"] = omit.clone();
                }
                json!({ key: source })
            }
            _ => return,
        },
        word if WORDS.contains(&word) => match field("key") {
            Some(key) => key.clone(),
            None => return,
        },
        _ => return,
    };
    *specifier = new;
}
