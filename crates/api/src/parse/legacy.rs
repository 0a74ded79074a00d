//! Brings objects of `v1` and `v2` into the form of `v3alpha1`.

use std::borrow::Cow;

use crate::yaml::{Entry, Mark, Node, Scalar, Value, resolve};
use crate::{Kind, Problem, convert};

/// Rewrites the `spec` of an object in place. What the old form allows and the new one cannot say goes to `notes`.
pub(super) fn upgrade(kind: Kind, node: &mut Node<'_>, notes: &mut Vec<(Mark, Problem)>) {
    if kind == Kind::Listener {
        let message = "a Listener exists in getambassador.io/v3alpha1 alone";
        notes.push((node.mark, Problem::error("UnknownVersion", "apiVersion", message)));
        return;
    }
    let Some(spec) = node.get_mut("spec") else { return };
    shown_instances(spec);
    match kind {
        Kind::Mapping => mapping(spec),
        Kind::TCPMapping => {
            explicit_tls(spec, "service");
            rename(spec, "v3StatsName", "stats_name");
        }
        Kind::RateLimitService => {
            explicit_tls(spec, "service");
            rename(spec, "v3StatsName", "stats_name");
            rename(spec, "v3GRPC", "grpc");
        }
        Kind::AuthService => {
            explicit_tls(spec, "auth_service");
            rename(spec, "v3StatsName", "stats_name");
            rename(spec, "v3CircuitBreakers", "circuit_breakers");
        }
        Kind::TLSContext => rename(spec, "v3CRLSecret", "crl_secret"),
        Kind::Host => {
            if let Some(tls) = spec.get_mut("tls") {
                rename(tls, "v3CRLSecret", "crl_secret");
            }
        }
        Kind::Filter => {
            for (within, old, new) in convert::FILTER {
                match within {
                    Some(kind) => spec.get_mut(kind).into_iter().for_each(|kind| rename(kind, old, new)),
                    None => rename(spec, old, new),
                }
            }
        }
        Kind::FilterPolicy => {
            let rules = spec.get_mut("rules").map(|rules| &mut rules.value);
            let Some(Value::List(rules)) = rules else { return };
            rules.iter_mut().for_each(|rule| rename(rule, convert::RULE.0, convert::RULE.1));
        }
        _ => {}
    }
}

/// The original shows the instances of an object that was written as `v3alpha1` with a mark in front, for those that
/// read `v2` to pass it over.
fn shown_instances(spec: &mut Node<'_>) {
    let Some(ids) = spec.get_mut("ambassador_id") else { return };
    let shown = |id: &mut Node<'_>| {
        if let Some(hidden) = id.as_text().and_then(|text| text.strip_prefix(convert::HIDDEN)) {
            *id = Node::text(id.mark, hidden.to_owned());
        }
    };
    match &mut ids.value {
        Value::List(items) => items.iter_mut().for_each(shown),
        _ => shown(ids),
    }
}

fn mapping(spec: &mut Node<'_>) {
    let mark = spec.mark;
    explicit_tls(spec, "service");
    added_headers(spec);
    rename(spec, "v3StatsName", "stats_name");
    rename(spec, "v3health_checks", "health_checks");
    boolean_matches(spec, "headers", "regex_headers");
    boolean_matches(spec, "query_parameters", "regex_query_parameters");
    let is_regex = spec.get("host_regex").and_then(Node::as_bool).unwrap_or(false);
    let glob = spec.get("host").and_then(Node::as_text).is_some_and(|host| host.contains('*'));
    if glob && !is_regex {
        rename(spec, "host", "hostname");
    }
    if spec.get("host").and_then(Node::as_text) == Some(convert::NO_HOST) {
        spec.remove("host");
        return;
    }
    let by_header = spec.get("headers").is_some_and(|headers| headers.get(":authority").is_some());
    if !by_header && !["host", "hostname"].iter().any(|key| spec.get(key).is_some_and(Node::is_set)) {
        spec.remove("hostname");
        spec.insert("hostname", mark, Node::text(mark, "*"));
    }
}

/// `tls` could be a boolean: `true` says what `https://` in front of the service says, whatever else stands there.
fn explicit_tls(spec: &mut Node<'_>, service: &str) {
    let Some(tls) = spec.get("tls").and_then(Node::as_bool) else { return };
    spec.remove("tls");
    let Some(service) = spec.get_mut(service).filter(|_| tls) else { return };
    let Some(text) = service.as_text().filter(|text| !text.is_empty()) else { return };
    let clear = "http://";
    let bare = match text.get(..clear.len()) {
        Some(scheme) if scheme.eq_ignore_ascii_case(clear) => &text[clear.len()..],
        _ => text,
    };
    if !bare.contains("://") {
        *service = Node::text(service.mark, format!("https://{bare}"));
    }
}

/// What Mappings have by default may stand in `defaults` itself, where it counts less than what is in its class. Headers that
/// are added could be given by their value alone, and in the Module still can, in every version.
pub(super) fn module_defaults(node: &mut Node<'_>) {
    let mut defaults = Some(node);
    for key in ["spec", "config", "defaults"] {
        defaults = defaults.and_then(|node| node.get_mut(key));
    }
    let Some(defaults) = defaults else { return };
    let of_any: Vec<_> = MAPPING_DEFAULTS.into_iter().filter_map(|key| Some((key, defaults.remove(key)?))).collect();
    if !of_any.is_empty() {
        let mark = defaults.mark;
        defaults.insert(MAPPING_CLASS, mark, Node::map(mark));
    }
    let Some(class) = defaults.get_mut(MAPPING_CLASS) else { return };
    for (key, Entry { mark, node, .. }) in of_any {
        class.insert(key, mark, node);
    }
    added_headers(class);
}

/// Where the Module has defaults for Mappings alone.
const MAPPING_CLASS: &str = "httpmapping";

/// What of a Mapping the Module can have a default for.
const MAPPING_DEFAULTS: [&str; 5] =
    ["add_request_headers", "add_response_headers", "remove_request_headers", "remove_response_headers", "stats_name"];

fn added_headers(spec: &mut Node<'_>) {
    for key in ["add_request_headers", "add_response_headers"] {
        let Some(headers) = spec.get_mut(key).and_then(Node::entries_mut) else { continue };
        headers.retain(|entry| !entry.node.is_null());
        for Entry { node, mark, .. } in headers {
            if !matches!(node.value, Value::Map(_)) {
                let header = Node::map(node.mark);
                let value = std::mem::replace(node, header);
                node.insert("value", *mark, value);
            }
        }
    }
}

fn rename(spec: &mut Node<'_>, old: &str, new: &'static str) {
    if let Some(Entry { mark, node, .. }) = spec.remove(old) {
        spec.insert(new, mark, node);
    }
}

/// `true` for a header's value asks only that it is there; `false` asks nothing.
fn boolean_matches(spec: &mut Node<'_>, exact: &str, regex: &'static str) {
    let mark = spec.mark;
    let Some(entries) = spec.get_mut(exact).and_then(Node::entries_mut) else { return };
    let boolean = |entry: &Entry<'_>| match &entry.node.value {
        Value::Plain(raw) => match resolve(raw) {
            Scalar::Bool(value) => Some(value),
            _ => None,
        },
        _ => None,
    };
    let (booleans, texts): (Vec<_>, Vec<_>) = std::mem::take(entries).into_iter().partition(|e| boolean(e).is_some());
    *entries = texts;
    let present = booleans.into_iter().filter(|entry| boolean(entry) == Some(true));
    let present: Vec<_> =
        present.map(|entry| Entry { node: Node::text(entry.node.mark, Cow::Borrowed(".*")), ..entry }).collect();
    if present.is_empty() {
        return;
    }
    if !spec.get(regex).is_some_and(Node::is_set) {
        spec.remove(regex);
        spec.insert(regex, mark, Node::map(mark));
    }
    if let Some(entries) = spec.get_mut(regex).and_then(Node::entries_mut) {
        // An expression that is there already says more.
        let known: Vec<_> = entries.iter().map(|entry| entry.key.clone()).collect();
        entries.extend(present.into_iter().filter(|entry| !known.contains(&entry.key)));
    }
}
