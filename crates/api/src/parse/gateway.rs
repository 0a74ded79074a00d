//! Brings Filters and FilterPolicies of `gateway.getambassador.io` into the form of `getambassador.io/v3alpha1`.

use crate::yaml::{Entry, Mark, Node, Value};
use crate::{Kind, Problem};

/// Kinds of filters: as `type` says, and as the other group calls them.
pub(crate) const TYPES: [(&str, &str); 7] = [
    ("jwt", "JWT"),
    ("oauth2", "OAuth2"),
    ("apikey", "APIKey"),
    ("external", "External"),
    ("plugin", "Plugin"),
    ("basic", "Basic"),
    ("introspection", "Introspection"),
];

/// Fields of an external filter: here, and in the other group.
pub(crate) const EXTERNAL: [(&str, &str); 9] = [
    ("authServiceURL", "auth_service"),
    ("protocol", "proto"),
    ("protocolVersion", "protocol_version"),
    ("failureModeAllow", "failure_mode_allow"),
    ("pathPrefix", "path_prefix"),
    ("allowedRequestHeaders", "allowed_request_headers"),
    ("allowedAuthorizationHeaders", "allowed_authorization_headers"),
    ("addLinkerdHeaders", "add_linkerd_headers"),
    ("tls", "tlsConfig"),
];

/// What else is called otherwise: here, and in the other group.
const OTHERS: [(&str, &str); 7] = [
    ("filterRefs", "filters"),
    ("clientSecret", "secret"),
    ("sessionCookieSettings", "useSessionCookies"),
    ("maxBytes", "max_bytes"),
    ("allowPartial", "allow_partial"),
    ("statusOnError", "status_on_error"),
    ("value", "valueRegex"),
];

/// A dotted field of the other group as it is written in this one.
pub(crate) fn as_written(field: &str) -> String {
    let names = || TYPES.iter().chain(&EXTERNAL).chain(&OTHERS);
    let written = |part: &str| {
        let (name, index) = part.split_at(part.find('[').unwrap_or(part.len()));
        let here = names().find(|(_, other)| *other == name).map_or(name, |(here, _)| here);
        format!("{here}{index}")
    };
    field.split('.').map(written).collect::<Vec<_>>().join(".")
}

/// Rewrites the `spec` of an object in place. What cannot be said goes to `notes`.
pub(super) fn upgrade(kind: Kind, node: &mut Node<'_>, notes: &mut Vec<(Mark, Problem)>) {
    let Some(spec) = node.get_mut("spec") else { return };
    if let Some(selector) = spec.remove("ambassadorSelector")
        && let Some(ids) = selector.node.get("ambassadorIds")
    {
        spec.insert("ambassador_id", selector.mark, ids.clone());
    }
    match kind {
        Kind::GatewayFilter => filter(spec, notes),
        _ => policy(spec, notes),
    }
}

fn filter(spec: &mut Node<'_>, notes: &mut Vec<(Mark, Problem)>) {
    let (mark, named) = match spec.remove("type") {
        Some(entry) => (entry.node.mark, entry.node.as_text().map(str::to_owned)),
        None => (spec.mark, None),
    };
    let wanted = named.as_deref().and_then(|named| TYPES.into_iter().find(|(name, _)| *name == named));
    if wanted.is_none() {
        let message = "expected oauth2, jwt, apikey, external, plugin, basic or introspection";
        notes.push((mark, Problem::error("InvalidValue", "spec.type", message)));
    }
    for (name, other) in TYPES {
        let Some(Entry { mark, mut node, .. }) = spec.remove(name) else { continue };
        if wanted.is_some_and(|(wanted, _)| wanted != name) {
            let message = format!("without effect: the type is {}", named.as_deref().unwrap_or_default());
            notes.push((mark, Problem::warning("NoEffect", format!("spec.{name}"), message)));
            continue;
        }
        match name {
            "oauth2" => oauth2(&mut node, notes),
            "external" => external(&mut node),
            _ => {}
        }
        flatten(&mut node, "httpClientSettings");
        spec.insert(other, mark, node);
    }
    if let Some((name, other)) = wanted
        && spec.entry(other).is_none()
    {
        let message = format!("is required: the type is {name}");
        notes.push((spec.mark, Problem::error("MissingField", format!("spec.{name}"), message)));
    }
}

fn oauth2(node: &mut Node<'_>, notes: &mut Vec<(Mark, Problem)>) {
    let settings = match node.get("grantType").and_then(Node::as_text) {
        Some("Password") => "passwordSettings",
        Some("ClientCredentials") => "clientCredentialsSettings",
        _ => "authorizationCodeSettings",
    };
    flatten(node, settings);
    rename(node, "clientSecret", "secret");
    if let Some(Entry { node: mut reference, .. }) = node.remove("clientSecretRef") {
        for (name, field) in [("name", "secretName"), ("namespace", "secretNamespace")] {
            if let Some(Entry { mark, node: value, .. }) = reference.remove(name) {
                node.insert(field, mark, value);
            }
        }
    }
    if let Some(Entry { mark, node: mut settings, .. }) = node.remove("sessionCookieSettings") {
        rename(&mut settings, "disableSessionExpiration", "value");
        condition(&mut settings, "spec.oauth2.sessionCookieSettings", notes);
        // What is not written is off here, and on in the other group.
        let value = settings.mark;
        settings.insert("value", value, Node::plain(value, "false"));
        node.insert("useSessionCookies", mark, settings);
    }
}

fn external(node: &mut Node<'_>) {
    flatten(node, "httpSettings");
    flatten(node, "grpcSettings");
    for (here, other) in EXTERNAL {
        rename(node, here, other);
    }
    if let Some(body) = node.get_mut("include_body") {
        rename(body, "maxBytes", "max_bytes");
        rename(body, "allowPartial", "allow_partial");
    }
    if let Some(Entry { mark, node: code, .. }) = node.remove("statusOnError") {
        let mut status = Node::map(mark);
        status.insert("code", mark, code);
        node.insert("status_on_error", mark, status);
    }
    if let Some(tls) = node.get_mut("tlsConfig") {
        for name in ["certificate", "caCertificate"] {
            if let Some(from) = tls.get_mut(name) {
                from.remove("type");
            }
        }
    }
}

fn policy(spec: &mut Node<'_>, notes: &mut Vec<(Mark, Problem)>) {
    let Some(Value::List(rules)) = spec.get_mut("rules").map(|rules| &mut rules.value) else { return };
    for (index, rule) in rules.iter_mut().enumerate() {
        rename(rule, "filterRefs", "filters");
        references(rule, &format!("spec.rules[{index}]"), notes);
    }
}

fn references(holder: &mut Node<'_>, place: &str, notes: &mut Vec<(Mark, Problem)>) {
    let Some(Value::List(filters)) = holder.get_mut("filters").map(|filters| &mut filters.value) else { return };
    for (index, used) in filters.iter_mut().enumerate() {
        let place = format!("{place}.filterRefs[{index}]");
        condition(used, &place, notes);
        if let Some(Entry { mark, node, .. }) = used.remove("arguments") {
            used.insert("arguments", mark, arguments(node, &format!("{place}.arguments"), notes));
        }
    }
}

/// The arguments for the type that they name. What is passed over asks for less than is written: it is an error.
fn arguments<'n>(mut node: Node<'n>, place: &str, notes: &mut Vec<(Mark, Problem)>) -> Node<'n> {
    let kind = node.remove("type").and_then(|entry| entry.node.as_text().map(str::to_owned));
    let named = |name: &str| kind.as_deref().is_none_or(|kind| kind == name);
    let taken =
        TYPES.into_iter().filter(|(name, _)| named(name)).find_map(|(name, _)| Some((name, node.remove(name)?)));
    let wanted = taken.as_ref().map(|(name, _)| *name).or(kind.as_deref()).unwrap_or("the type of its filter");
    for Entry { key, mark, .. } in node.entries() {
        let message = format!("expected below {wanted}");
        notes.push((*mark, Problem::error("UnknownField", format!("{place}.{key}"), message)));
    }
    let Some((name, Entry { node: mut taken, mark, .. })) = taken else { return Node::map(node.mark) };
    if taken.is_null() {
        taken = Node::map(mark);
    }
    if let Some(instead) = taken.get_mut("insteadOfRedirect") {
        let place = format!("{place}.{name}.insteadOfRedirect");
        condition(instead, &place, notes);
        rename(instead, "filterRefs", "filters");
        references(instead, &place, notes);
    }
    if name == "oauth2" {
        // The group's default.
        taken.insert("sameSite", mark, Node::text(mark, "lax"));
    }
    taken
}

/// `type: RegularExpression` is a field of its own in the other group. A filter is skipped where its condition does not hold,
/// so that a type which is not known cannot be passed over.
fn condition(holder: &mut Node<'_>, place: &str, notes: &mut Vec<(Mark, Problem)>) {
    let Some(condition) = holder.get_mut("ifRequestHeader") else { return };
    let Some(Entry { node: kind, .. }) = condition.remove("type") else { return };
    match kind.as_text() {
        Some("Exact") => {}
        Some("RegularExpression") => rename(condition, "value", "valueRegex"),
        _ => {
            let message = "expected Exact or RegularExpression";
            notes.push((kind.mark, Problem::error("InvalidValue", format!("{place}.ifRequestHeader.type"), message)));
        }
    }
}

/// Takes the fields of the mapping `name` up to where that stands.
fn flatten(node: &mut Node<'_>, name: &str) {
    let Some(Entry { node: inner, .. }) = node.remove(name) else { return };
    let Value::Map(inner) = inner.value else { return };
    if let Some(entries) = node.entries_mut() {
        for entry in inner {
            if !entries.iter().any(|known| known.key == entry.key) {
                entries.push(entry);
            }
        }
    }
}

fn rename(node: &mut Node<'_>, from: &str, to: &'static str) {
    if let Some(Entry { mark, node: value, .. }) = node.remove(from) {
        node.insert(to, mark, value);
    }
}
