//! The Module. A setting that is wrong is unset; the others hold.

use serde_json::Value;

use super::header::Reader;
use super::value::{header_text, milliseconds};
use super::{format, header, invalid, missing, no_effect, policy, rate_limit};
use crate::parse::Issues;
use crate::text::{is_proper_case, shorten};
use crate::yaml::Path;
use crate::{Buffer, Gzip, IpAccess, LogFormat, LogType, ModuleConfig};

/// Checks each setting, and unsets those that are wrong.
pub(crate) fn module(config: &mut ModuleConfig, path: &Path<'_>, issues: &mut Issues<'_>) {
    policies(config, path, issues);
    access(config, path, issues);
    log(config, path, issues);
    times_and_sizes(config, path, issues);
    texts(config, path, issues);
}

/// Runs `check` on a setting that is there, and unsets it if there was an error.
fn each<T>(
    setting: &mut Option<T>,
    name: &str,
    path: &Path<'_>,
    issues: &mut Issues<'_>,
    check: impl FnOnce(&T, &Path<'_>, &mut Issues<'_>),
) {
    let before = issues.errors();
    if let Some(value) = setting {
        check(value, &path.key(name), issues);
    }
    if issues.errors() > before {
        *setting = None;
    }
}

fn policies(config: &mut ModuleConfig, path: &Path<'_>, issues: &mut Issues<'_>) {
    policy::circuit_breakers(&mut config.circuit_breakers, &path.key("circuit_breakers"), issues);
    each(&mut config.retry_policy, "retry_policy", path, issues, policy::retry_policy);
    each(&mut config.load_balancer, "load_balancer", path, issues, policy::load_balancer);
    each(&mut config.cors, "cors", path, issues, |cors, path, issues| policy::cors(cors, path, issues));
    let Some(defaults) = &mut config.defaults else { return };
    let path = path.key("defaults");
    let (path, defaults) = (path.key("httpmapping"), &mut defaults.httpmapping);
    header::keep_word(&mut defaults.add_request_headers, &path.key("add_request_headers"), issues);
    for (name, headers, reader) in [
        ("add_request_headers", &mut defaults.add_request_headers, Reader::Service),
        ("add_response_headers", &mut defaults.add_response_headers, Reader::Visitor),
    ] {
        let before = issues.errors();
        header::keep_keys(headers, reader, &path.key(name), issues);
        header::added(&*headers, &path.key(name), issues);
        if issues.errors() > before {
            headers.clear();
        }
    }
    for (name, names) in [
        ("remove_request_headers", &mut defaults.remove_request_headers),
        ("remove_response_headers", &mut defaults.remove_response_headers),
    ] {
        let before = issues.errors();
        header::removed(names, &path.key(name), issues);
        if issues.errors() > before {
            names.clear();
        }
    }
}

/// Access lists. Where it is not clear who may come in, nobody may.
fn access(config: &mut ModuleConfig, path: &Path<'_>, issues: &mut Issues<'_>) {
    if config.ip_allow.is_some() && config.ip_deny.is_some() {
        let message = "ip_allow and ip_deny exclude each other";
        issues.error(&path.key("ip_deny"), "ConflictingAccessLists", message);
        config.ip_allow = Some(IpAccess::Unreadable);
        config.ip_deny = Some(IpAccess::Unreadable);
    }
    if config.ip_allow == Some(IpAccess::Rules(Vec::new())) {
        issues.warning(&path.key("ip_allow"), "AllowsNobody", "an empty list lets nobody in");
    }
}

fn log(config: &mut ModuleConfig, path: &Path<'_>, issues: &mut Issues<'_>) {
    let kind = config.envoy_log_type.unwrap_or_default();
    config.envoy_log_format.take_if(|format| matches!(format, LogFormat::Text(text) if text.is_empty()));
    each(&mut config.envoy_log_format, "envoy_log_format", path, issues, |format, path, issues| match (kind, format) {
        (LogType::Text, LogFormat::Text(text)) => operators(text, path, issues),
        (LogType::Json | LogType::TypedJson, LogFormat::Fields(fields)) => {
            fields.iter().for_each(|(key, value)| fields_of(value, &path.key(key), issues));
        }
        (LogType::Text, LogFormat::Fields(_)) => {
            invalid(path, "expected text: fields go with envoy_log_type: json", issues);
        }
        (_, LogFormat::Text(_)) => {
            invalid(path, "expected fields: text goes with envoy_log_type: text", issues);
        }
    });
    each(&mut config.envoy_log_path, "envoy_log_path", path, issues, |file, path, issues| {
        if file.is_empty() {
            missing(path, issues);
        }
    });
}

fn operators(text: &str, path: &Path<'_>, issues: &mut Issues<'_>) {
    if let Err(message) = format::check(text).and_then(|()| format::keeps_keys(text, &[])) {
        issues.error(path, "InvalidFormat", message);
    }
}

/// Why a format for logs that is valid may not be used where keys of previews are in these headers, too.
#[must_use]
pub fn shown_key(format: &LogFormat, headers: &[String]) -> Option<String> {
    let in_text = |text: &str| format::keeps_keys(text, headers).err();
    match format {
        LogFormat::Text(text) => in_text(text),
        LogFormat::Fields(fields) => fields.values().find_map(|value| find_text(value, &in_text)),
    }
}

fn find_text(value: &Value, find: &impl Fn(&str) -> Option<String>) -> Option<String> {
    match value {
        Value::String(text) => find(text),
        Value::Array(items) => items.iter().find_map(|item| find_text(item, find)),
        Value::Object(fields) => fields.values().find_map(|value| find_text(value, find)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Texts anywhere in a log's fields may hold operators.
fn fields_of(value: &Value, path: &Path<'_>, issues: &mut Issues<'_>) {
    match value {
        Value::String(text) => operators(text, path, issues),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| fields_of(item, &path.index(index), issues));
        }
        Value::Object(fields) => fields.iter().for_each(|(key, value)| fields_of(value, &path.key(key), issues)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Zero says nothing, as in the original. To Envoy it would be no bound at all.
fn unless_zero<T: Default + PartialEq>(setting: &mut Option<T>, name: &str, path: &Path<'_>, issues: &mut Issues<'_>) {
    if setting.take_if(|value| *value == T::default()).is_some() {
        no_effect(&path.key(name), "0 is no bound: the default holds", issues);
    }
}

fn times_and_sizes(config: &mut ModuleConfig, path: &Path<'_>, issues: &mut Issues<'_>) {
    unless_zero(&mut config.buffer_limit_bytes, "buffer_limit_bytes", path, issues);
    unless_zero(&mut config.listener_idle_timeout_ms, "listener_idle_timeout_ms", path, issues);
    for (name, setting) in [
        ("cluster_idle_timeout_ms", &mut config.cluster_idle_timeout_ms),
        ("cluster_max_connection_lifetime_ms", &mut config.cluster_max_connection_lifetime_ms),
        ("cluster_request_timeout_ms", &mut config.cluster_request_timeout_ms),
        ("listener_idle_timeout_ms", &mut config.listener_idle_timeout_ms),
        ("listener_request_timeout_ms", &mut config.listener_request_timeout_ms),
    ] {
        each(setting, name, path, issues, |ms, path, issues| milliseconds(Some(*ms), path, issues));
    }
    each(&mut config.max_request_headers_kb, "max_request_headers_kb", path, issues, |kb, path, issues| {
        // Envoy's bounds.
        if !(1..=8192).contains(kb) {
            invalid(path, format!("expected a number from 1 to 8192, found {kb}"), issues);
        }
    });
    each(&mut config.buffer, "buffer", path, issues, |Buffer { max_request_bytes }, path, issues| {
        let path = path.key("max_request_bytes");
        match max_request_bytes {
            0 if issues.node(&path).is_none() => missing(&path, issues),
            0 => invalid(&path, "must be more than 0", issues),
            _ => {}
        }
    });
    each(&mut config.gzip, "gzip", path, issues, gzip);
    each(&mut config.grpc_stats, "grpc_stats", path, issues, |stats, path, issues| {
        let path = path.key("services");
        for (index, _) in stats.services.iter().enumerate().filter(|(_, service)| service.name.is_empty()) {
            missing(&path.index(index).key("name"), issues);
        }
    });
    if config.enable_ipv4 == Some(false) && config.enable_ipv6 != Some(true) {
        no_effect(&path.key("enable_ipv4"), "without enable_ipv6: true there would be no addresses", issues);
        config.enable_ipv4 = None;
    }
}

fn gzip(gzip: &Gzip, path: &Path<'_>, issues: &mut Issues<'_>) {
    for (name, value, bounds) in [("memory_level", gzip.memory_level, 1..=9), ("window_bits", gzip.window_bits, 9..=15)]
    {
        if let Some(value) = value.filter(|value| !bounds.contains(value)) {
            let message = format!("expected a number from {} to {}, found {value}", bounds.start(), bounds.end());
            invalid(&path.key(name), message, issues);
        }
    }
}

fn texts(config: &mut ModuleConfig, path: &Path<'_>, issues: &mut Issues<'_>) {
    for (name, setting) in [("server_name", &mut config.server_name), ("resolver", &mut config.resolver)] {
        setting.take_if(|text| text.is_empty());
        each(setting, name, path, issues, |text, path, issues| header_text(Some(text), path, issues));
    }
    config.default_label_domain.take_if(|domain| domain.is_empty());
    let before = issues.errors();
    rate_limit::default_labels(&config.default_labels, &path.key("default_labels"), issues);
    if issues.errors() > before {
        config.default_labels.clear();
    }
    config.lua_scripts.take_if(|script| script.trim().is_empty());
    let before = issues.errors();
    header::names(&config.header_case_overrides, &path.key("header_case_overrides"), issues);
    if issues.errors() > before {
        config.header_case_overrides.clear();
    }
    let overrides = path.key("header_case_overrides");
    for (index, name) in config.header_case_overrides.iter().enumerate().filter(|(_, name)| !is_proper_case(name)) {
        let message =
            format!("Envoy cannot write \"{}\": all it can is to begin each word with a capital", shorten(name));
        no_effect(&overrides.index(index), message, issues);
    }
}
