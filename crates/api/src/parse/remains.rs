//! What is kept of an object that cannot be used.

use std::sync::Arc;

use serde::Deserialize;

use super::issues::Issues;
use crate::text::closest;
use crate::yaml::{De, Entry, Node, Passed, Path, Value};
use crate::{FilterPolicy, Kind, ObjectId, PreviewPolicy, Remains, validate};

/// The fields of a Mapping that say which requests it is for, and when it is tried.
const CONDITIONS: [&str; 14] = [
    "prefix",
    "prefix_regex",
    "prefix_exact",
    "case_sensitive",
    "hostname",
    "host",
    "host_regex",
    "headers",
    "regex_headers",
    "query_parameters",
    "regex_query_parameters",
    "method",
    "method_regex",
    "precedence",
];

/// The fields of a TCPMapping that say which connections it is for.
const CONNECTIONS: [&str; 3] = ["port", "address", "host"];

/// The settings of the Module that shut somebody out.
pub(super) const ACCESS_LISTS: [&str; 2] = ["ip_allow", "ip_deny"];

/// The access list that a key was meant for.
pub(super) fn access_list(key: &str) -> Option<&'static str> {
    closest(key, &ACCESS_LISTS)
}

/// Reads what can be read of an object, which is in the newest version already.
pub(super) fn of(id: &ObjectId, node: &Node<'_>, file: &Arc<str>) -> Remains {
    match id.kind {
        Kind::Host => hostname(node).map_or(Remains::Nothing, Remains::Hostname),
        // With one condition less it would take others' requests.
        Kind::Mapping => {
            part(node, &CONDITIONS, file, validate::conditions).map_or(Remains::Nothing, Remains::Conditions)
        }
        Kind::TCPMapping => {
            part(node, &CONNECTIONS, file, validate::connections).map_or(Remains::Nothing, Remains::Connections)
        }
        Kind::TLSContext => server_names(node).map_or(Remains::Nothing, Remains::ServerNames),
        Kind::FilterPolicy | Kind::GatewayFilterPolicy => rules(node, file),
        Kind::PreviewPolicy => Remains::Previews(previews(node, file)),
        Kind::Module if *id.name == *super::module::NAME && names_access_list(node) => Remains::AccessList,
        _ => Remains::Nothing,
    }
}

/// What is for previews alone by a policy.
fn previews(node: &Node<'_>, file: &Arc<str>) -> Box<PreviewPolicy> {
    let policy = part::<PreviewPolicy>(node, &["domain"], file, validate::preview_domain);
    // One that is at odds with the hosts is most likely not the domain that was meant: it takes no names.
    let hosts = part::<PreviewPolicy>(node, &["domain", "hosts"], file, |_, _, _| ());
    let at_odds = hosts.is_some_and(|policy| validate::host_below_domain(&policy).is_some());
    let headers = part::<PreviewPolicy>(node, &["headers"], file, validate::preview_headers);
    let domain = policy.filter(|_| !at_odds).map(|policy| policy.domain).unwrap_or_default();
    let headers = headers.map(|policy| policy.headers).unwrap_or_default();
    Box::new(PreviewPolicy { domain, headers, ..PreviewPolicy::default() })
}

/// What of a FilterPolicy's rule says which requests it is for, and before which others.
const REACH: [&str; 3] = ["host", "path", "precedence"];

/// The hosts and paths of a FilterPolicy's rules. With one that cannot be read it may be for anything.
fn rules(node: &Node<'_>, file: &Arc<str>) -> Remains {
    let Some(spec) = node.get("spec") else { return Remains::AnyRule };
    let Some(list) = spec.get("rules").filter(|rules| !rules.items().is_empty()) else { return Remains::AnyRule };
    let is_readable = |rule: &Node<'_>| matches!(rule.value, Value::Map(_)) && !rule.entries().iter().any(is_unknown);
    if !list.items().iter().all(is_readable) {
        return Remains::AnyRule;
    }
    let rules = Node { mark: list.mark, value: Value::List(list.items().iter().map(reach).collect()) };
    let entry = Entry { key: "rules".into(), mark: list.mark, node: rules };
    let whole = Node { mark: spec.mark, value: Value::Map(vec![entry]) };
    let (root, mut issues) = (Path::Root, Issues::new(node, file));
    let path = root.key("spec");
    let Ok(policy) = FilterPolicy::deserialize(De::new(&whole, &path, &Passed::default())) else {
        return Remains::AnyRule;
    };
    validate::rules(&policy, &path, &mut issues);
    if issues.errors() == 0 { Remains::Rules(Box::new(policy)) } else { Remains::AnyRule }
}

/// Whether nothing knows a field of a rule: it may have been meant to say which requests it is for.
fn is_unknown(entry: &Entry<'_>) -> bool {
    !REACH.contains(&&*entry.key) && &*entry.key != "filters" && !crate::convert::is_note(&entry.key)
}

/// Of a rule the fields that say which requests it is for.
fn reach<'n>(rule: &Node<'n>) -> Node<'n> {
    let entries = rule.entries().iter().filter(|entry| REACH.contains(&&*entry.key));
    Node { mark: rule.mark, value: Value::Map(entries.cloned().collect()) }
}

/// The name of a Host; `None` if it cannot be read.
fn hostname(node: &Node<'_>) -> Option<String> {
    match node.get("spec").and_then(|spec| spec.get("hostname")) {
        Some(hostname) if !hostname.is_null() => hostname.as_text().map(str::to_owned),
        _ => Some("*".to_owned()),
    }
}

/// Those names of a TLSContext that can be read.
fn server_names(node: &Node<'_>) -> Option<Vec<String>> {
    let hosts = node.get("spec")?.get("hosts")?.items();
    Some(hosts.iter().filter_map(|host| host.as_text().map(str::to_owned)).collect())
}

/// The spec with these fields alone; `None` unless all of them are good.
fn part<T: for<'de> Deserialize<'de>>(
    node: &Node<'_>,
    fields: &[&str],
    file: &Arc<str>,
    check: fn(&mut T, &Path<'_>, &mut Issues<'_>),
) -> Option<Box<T>> {
    let spec = node.get("spec")?;
    let entries = spec.entries().iter().filter(|entry| fields.contains(&&*entry.key));
    let spec = Node { mark: spec.mark, value: Value::Map(entries.cloned().collect()) };
    let (root, mut issues) = (Path::Root, Issues::new(node, file));
    let path = root.key("spec");
    let mut part = T::deserialize(De::new(&spec, &path, &Passed::default())).ok()?;
    check(&mut part, &path, &mut issues);
    (issues.errors() == 0).then(|| Box::new(part))
}

/// Whether a key anywhere in it is an access list.
pub(super) fn names_access_list(node: &Node<'_>) -> bool {
    let here = node.entries().iter().any(|entry| access_list(&entry.key).is_some() || names_access_list(&entry.node));
    here || node.items().iter().any(names_access_list)
}
