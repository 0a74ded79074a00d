//! The Module: each of its settings stands or falls alone.

use std::borrow::Cow;

use super::envelope::names;
use super::issues::Issues;
use super::remains::access_list;
use super::unknown;
use crate::text::closest;
use crate::yaml::{De, Entry, Node, Passed, Path, Value};
use crate::{IpAccess, Kind, Module, ModuleConfig, ObjectId, not_effective, validate};

/// The Module whose settings hold.
pub(super) const NAME: &str = "ambassador";

/// The Module that is an AuthService in all but its kind, from before there was that kind.
pub(super) const AUTHENTICATION: &str = "authentication";

/// Makes the `config` of a Module the spec itself, as an AuthService has it.
pub(super) fn flatten(module: &mut Node<'_>) {
    let Some(spec) = module.get_mut("spec") else { return };
    let config = spec.remove("config").map(|entry| entry.node.value);
    if let (Value::Map(fields), Some(Value::Map(settings))) = (&mut spec.value, config) {
        fields.extend(settings);
    }
}

/// Whether the Module whose settings hold has none, so that what nothing knows there is most likely them.
pub(super) fn lacks_settings(module: &Node<'_>) -> bool {
    let config = module.get("spec").and_then(|spec| spec.get("config"));
    names(module).name.as_deref() == Some(NAME) && config.is_none_or(Node::is_null)
}

/// Reads a Module; `None` if it holds no settings at all.
pub(super) fn read(id: &ObjectId, node: &Node<'_>, issues: &mut Issues<'_>) -> Option<Module> {
    let root = Path::Root;
    let spec_path = root.key("spec");
    let path = spec_path.key("config");
    let mut module = Module { ambassador_id: super::typed::instances(node), config: ModuleConfig::default() };
    let Some(spec) = node.get("spec").filter(|spec| !spec.is_null()) else { return Some(module) };
    let Value::Map(fields) = &spec.value else {
        issues.error(&spec_path, "InvalidValue", "expected a mapping");
        return None;
    };
    let known = |key: &str| matches!(key, "ambassador_id" | "ambassadorId" | "config") || crate::convert::is_note(key);
    let lacks_settings = lacks_settings(node);
    let mut is_usable = true;
    for entry in fields.iter().filter(|entry| !known(&entry.key)) {
        let (field, list) = (spec_path.key(&entry.key).to_string(), access_list(&entry.key));
        if lacks_settings && list.is_none() {
            issues.push(entry.mark, unknown::lost_settings(field));
            is_usable = false;
            continue;
        }
        let meant = closest(&entry.key, &["config", "ambassador_id"]);
        unreadable(&mut module.config, list.unwrap_or_default());
        issues.push(entry.mark, unknown::field(Kind::Module, field, meant));
    }
    // An access list among them is known to be there: nobody is let in without it.
    if !is_usable && module.config == ModuleConfig::default() {
        return None;
    }
    let Some(config) = spec.get("config").filter(|config| !config.is_null()) else { return Some(module) };
    if !matches!(config.value, Value::Map(_)) {
        issues.error(&path, "InvalidValue", "expected a mapping of settings");
        return None;
    }
    match &*id.name {
        NAME => {
            settings(&mut module.config, config, &path, issues);
            validate::module(&mut module.config, &path, issues);
        }
        "tls" => not_effective::warn(&path, "TLSContexts and Hosts say it", issues),
        _ => issues.warning(&path, "NoEffect", "only the Module called ambassador has settings"),
    }
    Some(module)
}

fn settings(settings: &mut ModuleConfig, config: &Node<'_>, path: &Path<'_>, issues: &mut Issues<'_>) {
    let passed = Passed::default();
    for entry in config.entries() {
        let path = path.key(&entry.key);
        let node = node(entry);
        let value = De { key: entry.mark, ..De::new(&node, &path, &passed) };
        match settings.set(&entry.key, value) {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                issues.refused(error);
                unreadable(settings, &entry.key);
            }
            None => match not_effective::RETIRED.iter().find(|(key, _)| *key == entry.key) {
                Some((_, note)) => not_effective::warn(&path, note, issues),
                None => {
                    let meant = closest(&entry.key, ModuleConfig::FIELDS);
                    unreadable(settings, access_list(&entry.key).unwrap_or_default());
                    issues.push(entry.mark, unknown::field(Kind::Module, path.to_string(), meant));
                }
            },
        }
    }
    unknown::report(Kind::Module, passed, issues);
}

/// Switches that the original reads from text as well.
const TEXT_SWITCHES: [&str; 4] =
    ["merge_slashes", "reject_requests_with_escaped_slashes", "strip_matching_host_port", "suppress_envoy_headers"];

/// The value of a setting.
fn node<'e, 'n>(entry: &'e Entry<'n>) -> Cow<'e, Node<'n>> {
    match &entry.node.value {
        Value::Text(word) if TEXT_SWITCHES.contains(&&*entry.key) => {
            Cow::Owned(Node::plain(entry.node.mark, word.clone()))
        }
        _ => Cow::Borrowed(&entry.node),
    }
}

/// An access list that cannot be read is not the same as none.
fn unreadable(settings: &mut ModuleConfig, key: &str) {
    match key {
        "ip_allow" => settings.ip_allow = Some(IpAccess::Unreadable),
        "ip_deny" => settings.ip_deny = Some(IpAccess::Unreadable),
        _ => {}
    }
}
