//! Which requests a Mapping is for.

use nuncio_api::{Mapping, ObjectId, Problem};
use nuncio_ir::{HeaderMatch, PathMatch, QueryMatch, RouteMatch, ValueMatch};

use super::common;
use crate::compiled::{Asked, Compiled, HostCondition, Labels, Lengths, Part, Shared};
use crate::context::Context;
use crate::pattern::HostPattern;

pub(crate) const AUTHORITY: &str = ":authority";
pub(crate) const METHOD: &str = ":method";

/// Whether no request can have such a path, where slashes are merged before a route is chosen.
pub(super) fn unmatchable(mapping: &Mapping, context: &Context<'_>) -> Option<Problem> {
    let merged = context.module.merge_slashes.unwrap_or(true) && !mapping.prefix_regex.unwrap_or(false);
    (merged && mapping.prefix.contains("//")).then(|| {
        let message = "no path is so: repeated slashes are merged, unless the Module says merge_slashes: false";
        Problem::warning("NoEffect", "spec.prefix", message)
    })
}

pub(super) fn conditions(id: &ObjectId, labels: &Labels, mapping: &Mapping, part: Part) -> Compiled {
    let host = host_condition(mapping);
    let (headers, header_length) = headers(mapping, &host);
    let (query, query_length) = query(mapping);
    let lengths = Lengths { path: length(&mapping.prefix), headers: header_length, query: query_length };
    Compiled {
        id: id.clone(),
        origin: None,
        labels: labels.clone(),
        host,
        precedence: mapping.precedence.unwrap_or(0),
        matches: RouteMatch { path: path(mapping), headers, query },
        lengths,
        part,
        shared: common(Shared::default()),
        auth: Asked::default(),
        problems: Vec::new(),
    }
}

fn path(mapping: &Mapping) -> PathMatch {
    let value = mapping.prefix.clone();
    let case_sensitive = mapping.case_sensitive.unwrap_or(true);
    if mapping.prefix_regex.unwrap_or(false) {
        PathMatch::Regex(if case_sensitive { value } else { format!("(?i:{value})") })
    } else if mapping.prefix_exact.unwrap_or(false) {
        PathMatch::Exact { value, case_sensitive }
    } else {
        PathMatch::Prefix { value, case_sensitive }
    }
}

/// `hostname` wins over `host`, and that over an exact `:authority` header.
fn host_condition(mapping: &Mapping) -> HostCondition {
    if let Some(hostname) = &mapping.hostname {
        return HostPattern::parse(hostname).map_or(HostCondition::None, HostCondition::Pattern);
    }
    let exact = |name: &str| HostPattern::parse(name).map_or(HostCondition::None, HostCondition::Pattern);
    match &mapping.host {
        Some(host) if mapping.host_regex.unwrap_or(false) => {
            HostCondition::Regex(host.clone(), regex::Regex::new(&format!("^(?i:{host})$")).ok())
        }
        Some(host) => exact(host),
        None => mapping.headers.get(AUTHORITY).map_or(HostCondition::None, |name| exact(name)),
    }
}

/// Conditions on headers, and their length as the order counts it. The method and the host count too.
fn headers(mapping: &Mapping, host: &HostCondition) -> (Vec<HeaderMatch>, u32) {
    let mut length = match host {
        HostCondition::None => 0,
        HostCondition::Pattern(pattern) => text_length(AUTHORITY, &pattern.to_string(), false),
        HostCondition::Regex(regex, _) => text_length(AUTHORITY, regex, true),
    };
    let mut headers = Vec::new();
    let mut push = |name: &str, value: &str, regex: bool| {
        length += text_length(name, value, regex);
        let value = if regex { regex_value(value) } else { ValueMatch::Exact(value.to_owned()) };
        headers.push(HeaderMatch { name: name.to_ascii_lowercase(), value, invert: false });
    };
    if let Some(method) = &mapping.method {
        push(METHOD, method, mapping.method_regex.unwrap_or(false));
    }
    for (name, value) in mapping.headers.iter().filter(|(name, _)| *name != AUTHORITY) {
        push(name, value, false);
    }
    for (name, value) in &mapping.regex_headers {
        push(name, value, true);
    }
    headers.sort_by(|a, b| a.name.cmp(&b.name));
    (headers, length)
}

fn query(mapping: &Mapping) -> (Vec<QueryMatch>, u32) {
    let exact = mapping.query_parameters.iter().map(|(name, value)| (name, value, false));
    let regex = mapping.regex_query_parameters.iter().map(|(name, value)| (name, value, true));
    let mut length = 0;
    let mut query: Vec<_> = exact
        .chain(regex)
        .map(|(name, value, regex)| {
            length += text_length(name, value, regex);
            let value = if regex { regex_value(value) } else { ValueMatch::Exact(value.clone()) };
            QueryMatch { name: name.clone(), value }
        })
        .collect();
    query.sort_by(|a, b| a.name.cmp(&b.name));
    (query, length)
}

/// `.*` asks only that the header is there.
fn regex_value(regex: &str) -> ValueMatch {
    if regex == ".*" { ValueMatch::Present } else { ValueMatch::Regex(regex.to_owned()) }
}

pub(crate) fn text_length(name: &str, value: &str, regex: bool) -> u32 {
    length(name) + length(if value.is_empty() { "*" } else { value }) + u32::from(regex)
}

pub(crate) fn length(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}
