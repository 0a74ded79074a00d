//! Mappings.

use serde_json::{Value, json};

use super::{Fields, labels};

/// A `v2` Mapping without a host is for every host. One that is for none, as a `v3alpha1` Mapping without one is unless a
/// Host selects it by labels, says so by this; the original's name.
pub(crate) const NO_HOST: &str = "_skip_mapping_with_empty_host_";

/// `v2` to `v3alpha1`.
pub(super) fn up(spec: &mut Fields) {
    switches_up(spec, "headers", "regex_headers", "v2BoolHeaders");
    switches_up(spec, "query_parameters", "regex_query_parameters", "v2BoolQueryParameters");
    for key in ["add_request_headers", "add_response_headers"] {
        added_up(spec, key);
    }
    for key in ["remove_request_headers", "remove_response_headers"] {
        if let Some(Value::String(name)) = spec.get(key) {
            let list = json!([name]);
            spec.insert(key.to_owned(), list);
        }
    }
    if let Some(Value::Object(cors)) = spec.get_mut("cors") {
        cors_up(cors);
    }
    if let Some(labels) = spec.get_mut("labels") {
        labels::each(labels, labels::up);
    }
    host_up(spec);
}

/// `v3alpha1` to `v2`.
pub(super) fn down(spec: &mut Fields) {
    host_down(spec);
    switches_down(spec, "headers", "regex_headers", "v2BoolHeaders");
    switches_down(spec, "query_parameters", "regex_query_parameters", "v2BoolQueryParameters");
    for key in ["add_request_headers", "add_response_headers"] {
        added_down(spec, key);
    }
    if let Some(Value::Object(cors)) = spec.get_mut("cors") {
        cors_down(cors);
    }
    if let Some(labels) = spec.get_mut("labels") {
        labels::each(labels, labels::down);
    }
}

/// Whether a field is there and says something.
fn said(spec: &Fields, key: &str) -> bool {
    match spec.get(key) {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(_) => true,
    }
}

fn by_authority(spec: &Fields) -> bool {
    spec.get("headers").is_some_and(|headers| headers.get(":authority").is_some())
}

/// `host` is a glob in `v2`, unless it is an expression.
fn host_up(spec: &mut Fields) {
    if said(spec, "hostname") {
        return;
    }
    let regex = spec.get("host_regex") == Some(&json!(true));
    match spec.get("host") {
        _ if regex && said(spec, "host") => {}
        Some(Value::String(host)) if host == NO_HOST => {
            spec.remove("host");
        }
        Some(Value::String(host)) if !host.is_empty() => {
            let host = json!(host);
            spec.remove("host");
            spec.insert("hostname".to_owned(), host);
        }
        _ if !said(spec, "host") && !by_authority(spec) => {
            spec.remove("host");
            spec.insert("hostname".to_owned(), json!("*"));
        }
        _ => {}
    }
}

fn host_down(spec: &mut Fields) {
    if !said(spec, "hostname") {
        spec.remove("hostname");
        if !said(spec, "host") && !by_authority(spec) {
            spec.insert("host".to_owned(), json!(NO_HOST));
        }
        return;
    }
    // The older fields have no effect beside it.
    spec.remove("host");
    if spec.get("host_regex") == Some(&json!(true)) {
        spec.remove("host_regex");
    }
    let hostname = spec.remove("hostname");
    if let Some(hostname) = hostname.filter(|hostname| hostname != "*" || by_authority(spec)) {
        spec.insert("host".to_owned(), hostname);
    }
}

/// `true` for a value asks only that there is one, `false` asks nothing.
fn switches_up(spec: &mut Fields, exact: &str, regex: &str, noted: &str) {
    let Some(Value::Object(matches)) = spec.get_mut(exact) else { return };
    let (switches, texts): (Fields, Fields) =
        std::mem::take(matches).into_iter().partition(|(_, value)| value.is_boolean());
    if switches.is_empty() {
        *matches = texts;
        return;
    }
    if texts.is_empty() {
        spec.remove(exact);
    } else {
        *matches = texts;
    }
    let on: Vec<_> = switches.into_iter().filter(|(_, on)| *on == json!(true)).map(|(name, _)| name).collect();
    if on.is_empty() {
        return;
    }
    if spec.get(regex).is_none_or(Value::is_null) {
        spec.insert(regex.to_owned(), json!({}));
    }
    if let Some(Value::Object(expressions)) = spec.get_mut(regex) {
        for name in &on {
            expressions.entry(name).or_insert_with(|| json!(".*"));
        }
    }
    spec.insert(noted.to_owned(), json!(on));
}

fn switches_down(spec: &mut Fields, exact: &str, regex: &str, noted: &str) {
    let Some(Value::Array(names)) = spec.remove(noted) else { return };
    let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
    for name in names {
        let Some(Value::Object(expressions)) = spec.get_mut(regex) else { return };
        // One that is an expression now stays one.
        if expressions.get(name) != Some(&json!(".*")) {
            continue;
        }
        let taken = expressions.remove(name);
        let empty = expressions.is_empty();
        let texts = spec.entry(exact).or_insert_with(|| json!({}));
        match texts.as_object_mut() {
            Some(texts) if !texts.contains_key(name) => {
                texts.insert(name.to_owned(), json!(true));
                if empty {
                    spec.remove(regex);
                }
            }
            _ => {
                if let (Some(taken), Some(Value::Object(expressions))) = (taken, spec.get_mut(regex)) {
                    expressions.insert(name.to_owned(), taken);
                }
            }
        }
    }
}

/// How a header that is added was spelled.
pub(super) const REPRESENTATION: &str = "v2Representation";

/// A header could be given by its value alone; one without a value is none.
fn added_up(spec: &mut Fields, key: &str) {
    let Some(Value::Object(headers)) = spec.get_mut(key) else { return };
    headers.retain(|_, header| !header.is_null());
    for header in headers.values_mut().filter(|header| header.is_string()) {
        let value = header.take();
        *header = json!({ "value": value, REPRESENTATION: "string" });
    }
}

fn added_down(spec: &mut Fields, key: &str) {
    let Some(Value::Object(headers)) = spec.get_mut(key) else { return };
    for header in headers.values_mut() {
        let Value::Object(fields) = header else { continue };
        match fields.remove(REPRESENTATION).as_ref().and_then(Value::as_str) {
            // As soon as it says more than its value it needs the long form.
            Some("string") if fields.len() == 1 && fields.get("value").is_some_and(Value::is_string) => {
                let value = fields.remove("value").unwrap_or_default();
                *header = value;
            }
            Some("null") if fields.iter().all(|(name, value)| name == "value" && value == "") => *header = Value::Null,
            _ => {}
        }
    }
}

/// Whether origins were one text.
pub(super) const COMMAS: &str = "v2CommaSeparatedOrigins";

/// Lists could be one text with commas.
fn cors_up(cors: &mut Fields) {
    for key in ["origins", "methods", "headers", "exposed_headers"] {
        let Some(Value::String(text)) = cors.get(key) else { continue };
        let items: Vec<_> = text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect();
        let items = json!(items);
        cors.insert(key.to_owned(), items);
        if key == "origins" {
            cors.insert(COMMAS.to_owned(), json!(true));
        }
    }
}

fn cors_down(cors: &mut Fields) {
    if cors.remove(COMMAS) != Some(json!(true)) {
        return;
    }
    let Some(Value::Array(origins)) = cors.get("origins") else { return };
    if let Some(origins) = origins.iter().map(Value::as_str).collect::<Option<Vec<_>>>() {
        let text = json!(origins.join(","));
        cors.insert("origins".to_owned(), text);
    }
}
