//! Mappings.

use super::header::Reader;
use super::value::{header_text, is_token, positive_milliseconds, weight};
use super::{docs, header, hostname, invalid, missing, no_effect, policy, rate_limit, regex, target};
use crate::parse::Issues;
use crate::text::shorten;
use crate::yaml::{Node, Path};
use crate::{Mapping, RegexMap};

/// Statuses of a redirect.
const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

/// Methods of RFC 9110 and RFC 5789. Their case counts.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// What says how a request is sent upstream: a redirect sends none.
const OF_UPSTREAMS: [&str; 13] = [
    "rewrite",
    "regex_rewrite",
    "host_rewrite",
    "auto_host_rewrite",
    "weight",
    "timeout_ms",
    "idle_timeout_ms",
    "connect_timeout_ms",
    "retry_policy",
    "load_balancer",
    "circuit_breakers",
    "health_checks",
    "outlier_detection",
];

/// Checks a Mapping, and brings older spellings in it to the newer ones.
pub(crate) fn mapping(mapping: &mut Mapping, path: &Path<'_>, issues: &mut Issues<'_>) {
    conditions(mapping, path, issues);
    upstream(mapping, path, issues);
    rewrites(mapping, path, issues);
    redirects(mapping, path, issues);
    headers(mapping, path, issues);
    policies(mapping, path, issues);
    upgrades(mapping, path, issues);
    limits(mapping, path, issues);
    docs::docs(mapping, path, issues);
    docs::portal_of_edge_stack(mapping, path, issues);
}

/// Checks which requests a Mapping is for, and when it is tried.
pub(crate) fn conditions(mapping: &mut Mapping, path: &Path<'_>, issues: &mut Issues<'_>) {
    matches(mapping, path, issues);
    hosts(mapping, path, issues);
}

/// Path, headers, query parameters and method.
fn matches(mapping: &mut Mapping, path: &Path<'_>, issues: &mut Issues<'_>) {
    mapping.method.take_if(|method| method.is_empty());
    let prefix = path.key("prefix");
    if mapping.prefix.is_empty() {
        missing(&prefix, issues);
    } else if mapping.prefix_regex == Some(true) {
        regex::pattern(&mapping.prefix, &prefix, issues);
    } else if !mapping.prefix.starts_with('/') {
        no_effect(&prefix, "no path begins so: paths begin with a slash", issues);
    } else if let Some(why) = never_a_path(&mapping.prefix) {
        no_effect(&prefix, why, issues);
    }
    header_text(Some(&mapping.prefix), &prefix, issues);
    header::matched(&mapping.headers, &path.key("headers"), issues);
    header::matched_by_regex(&mapping.regex_headers, &path.key("regex_headers"), issues);
    let parameters = path.key("query_parameters");
    if mapping.query_parameters.contains_key("") {
        invalid(&parameters, "a query parameter needs a name", issues);
    }
    let parameters = path.key("regex_query_parameters");
    for (name, pattern) in &mapping.regex_query_parameters {
        let path = parameters.key(name);
        regex::pattern(pattern, &path, issues);
        if name.is_empty() {
            invalid(&path, "a query parameter needs a name", issues);
        }
    }
    if let Some(method) = &mapping.method {
        let path = path.key("method");
        if mapping.method_regex == Some(true) {
            regex::pattern(method, &path, issues);
        } else if !is_token(method) {
            invalid(&path, format!("\"{}\" is no method", shorten(method)), issues);
        } else if let Some(meant) = METHODS.iter().find(|known| *known != method && known.eq_ignore_ascii_case(method))
        {
            no_effect(&path, format!("no request has this method: did you mean {meant}?"), issues);
        } else if method.contains(['|', '*']) {
            no_effect(&path, "no request has this method: several are an expression, with method_regex: true", issues);
        }
    }
    if let Some(precedence) = mapping.precedence.filter(|precedence| i32::try_from(*precedence).is_err()) {
        let message = format!("expected a number from {} to {}, found {precedence}", i32::MIN, i32::MAX);
        invalid(&path.key("precedence"), message, issues);
    }
}

/// Why no path that Envoy matches begins so: by then it is in its simplest form.
fn never_a_path(prefix: &str) -> Option<&'static str> {
    let lower = prefix.to_ascii_lowercase();
    let is_dots = |segment: &str| matches!(segment.replace("%2e", ".").as_str(), "." | "..");
    match () {
        () if prefix.contains('?') => Some("no path is so: a query is no part of it, query_parameters are for that"),
        () if prefix.contains('#') => Some("no path is so: what follows # stays in the browser"),
        () if prefix.contains('\\') => Some("no path is so: a backslash is a slash by the time of matching"),
        () if prefix.contains('*') => {
            Some("* stands for itself here: a prefix takes all paths that begin so without it")
        }
        // The last one may be the beginning of a name.
        () if lower.rsplit('/').skip(1).any(is_dots) => {
            Some("no path is so: . and .. are resolved before it is matched")
        }
        () => None,
    }
}

/// `hostname`, and the older `host`, which it overrides.
fn hosts(mapping: &mut Mapping, path: &Path<'_>, issues: &mut Issues<'_>) {
    mapping.hostname.take_if(|hostname| hostname.is_empty());
    mapping.host.take_if(|host| host.is_empty());
    if let Some(hostname) = &mapping.hostname {
        hostname::glob(hostname, &path.key("hostname"), issues);
    }
    if mapping.headers.contains_key(":authority") && (mapping.hostname.is_some() || mapping.host.is_some()) {
        let used = if mapping.hostname.is_some() { "hostname" } else { "host" };
        no_effect(&path.key("headers").key(":authority"), format!("{used} is used instead"), issues);
    }
    let Some(host) = &mapping.host else { return };
    let path = path.key("host");
    if mapping.hostname.is_some() {
        no_effect(&path, "hostname is used instead", issues);
    } else if mapping.host_regex == Some(true) {
        regex::pattern(host, &path, issues);
    } else {
        hostname::exact(host, &path, issues);
    }
}

fn upstream(mapping: &mut Mapping, path: &Path<'_>, issues: &mut Issues<'_>) {
    target(&mapping.service, &path.key("service"), issues);
    for text in [&mut mapping.tls, &mut mapping.resolver, &mut mapping.cluster_tag, &mut mapping.stats_name] {
        text.take_if(|text| text.is_empty());
    }
    weight(mapping.weight, &path.key("weight"), issues);
    if mapping.enable_ipv4 == Some(false) && mapping.enable_ipv6 == Some(false) {
        invalid(&path.key("enable_ipv4"), "one of enable_ipv4 and enable_ipv6 must be true", issues);
    }
}

fn rewrites(mapping: &mut Mapping, path: &Path<'_>, issues: &mut Issues<'_>) {
    header_text(mapping.rewrite.as_deref(), &path.key("rewrite"), issues);
    regex_map(mapping.regex_rewrite.as_deref(), &path.key("regex_rewrite"), issues);
    if mapping.regex_rewrite.is_some() && mapping.rewrite.as_deref().is_some_and(|rewrite| !matches!(rewrite, "" | "/"))
    {
        no_effect(&path.key("rewrite"), "regex_rewrite is used instead", issues);
    }
    mapping.host_rewrite.take_if(|host| host.is_empty());
    header_text(mapping.host_rewrite.as_deref(), &path.key("host_rewrite"), issues);
    if mapping.host_rewrite.is_some() && mapping.auto_host_rewrite == Some(true) {
        no_effect(&path.key("auto_host_rewrite"), "host_rewrite is used instead", issues);
    }
}

fn regex_map(map: Option<&RegexMap>, path: &Path<'_>, issues: &mut Issues<'_>) {
    let Some(map) = map else { return };
    let pattern = path.key("pattern");
    if map.pattern.is_empty() {
        return missing(&pattern, issues);
    }
    let path = path.key("substitution");
    header_text(Some(&map.substitution), &path, issues);
    if let Some(groups) = regex::pattern(&map.pattern, &pattern, issues) {
        regex::substitution(&map.substitution, groups, &path, issues);
    }
}

fn redirects(mapping: &mut Mapping, path: &Path<'_>, issues: &mut Issues<'_>) {
    mapping.path_redirect.take_if(|path| path.is_empty());
    mapping.prefix_redirect.take_if(|prefix| prefix.is_empty());
    header_text(mapping.path_redirect.as_deref(), &path.key("path_redirect"), issues);
    header_text(mapping.prefix_redirect.as_deref(), &path.key("prefix_redirect"), issues);
    regex_map(mapping.regex_redirect.as_deref(), &path.key("regex_redirect"), issues);
    if let Some(code) = mapping.redirect_response_code.filter(|code| !REDIRECTS.contains(code)) {
        let message = format!("expected 301, 302, 303, 307 or 308, found {code}");
        invalid(&path.key("redirect_response_code"), message, issues);
    }
    if mapping.shadow == Some(true) && mapping.host_redirect == Some(true) {
        no_effect(&path.key("host_redirect"), "a shadow gets copies of requests, and does not redirect them", issues);
        mapping.host_redirect = None;
    }
    if mapping.host_redirect == Some(true) {
        for name in OF_UPSTREAMS {
            let path = path.key(name);
            if issues.node(&path).is_some_and(Node::is_set) {
                no_effect(&path, "a redirect sends nothing upstream", issues);
            }
        }
    }
    let forms = [
        ("path_redirect", mapping.path_redirect.is_some()),
        ("prefix_redirect", mapping.prefix_redirect.is_some()),
        ("regex_redirect", mapping.regex_redirect.is_some()),
    ];
    let mut used = None;
    for (name, _) in forms.into_iter().filter(|(_, given)| *given) {
        match used {
            _ if mapping.host_redirect != Some(true) => {
                no_effect(&path.key(name), "there is a redirect only with host_redirect: true", issues);
            }
            None => used = Some(name),
            Some(used) => no_effect(&path.key(name), format!("{used} is used instead"), issues),
        }
    }
}

fn headers(mapping: &mut Mapping, path: &Path<'_>, issues: &mut Issues<'_>) {
    let path_of_added = path.key("add_request_headers");
    mapping.add_request_headers.iter_mut().for_each(|headers| header::keep_word(headers, &path_of_added, issues));
    let added = [
        ("add_request_headers", &mut mapping.add_request_headers, Reader::Service),
        ("add_response_headers", &mut mapping.add_response_headers, Reader::Visitor),
    ];
    for (name, headers, reader) in added {
        let path = path.key(name);
        header::added(headers.iter().flatten(), &path, issues);
        headers.iter_mut().for_each(|headers| header::keep_keys(headers, reader, &path, issues));
    }
    let removed = [
        ("remove_request_headers", &mapping.remove_request_headers),
        ("remove_response_headers", &mapping.remove_response_headers),
    ];
    for (name, names) in removed {
        header::removed(names.as_deref().unwrap_or_default(), &path.key(name), issues);
    }
    if let Some(cors) = &mapping.cors {
        policy::cors(cors, &path.key("cors"), issues);
    }
}

fn policies(mapping: &mut Mapping, path: &Path<'_>, issues: &mut Issues<'_>) {
    let timeouts = [
        ("timeout_ms", mapping.timeout_ms),
        ("idle_timeout_ms", mapping.idle_timeout_ms),
        ("cluster_idle_timeout_ms", mapping.cluster_idle_timeout_ms),
        ("cluster_max_connection_lifetime_ms", mapping.cluster_max_connection_lifetime_ms),
    ];
    policy::timeouts(&timeouts, path, issues);
    positive_milliseconds(mapping.connect_timeout_ms, &path.key("connect_timeout_ms"), issues);
    if let Some(retries) = &mapping.retry_policy {
        policy::retry_policy(retries, &path.key("retry_policy"), issues);
    }
    if let Some(breakers) = &mut mapping.circuit_breakers {
        policy::circuit_breakers(breakers, &path.key("circuit_breakers"), issues);
    }
    if let Some(balancer) = &mapping.load_balancer {
        policy::load_balancer(balancer, &path.key("load_balancer"), issues);
    }
    policy::health_checks(&mapping.health_checks, mapping.grpc == Some(true), &path.key("health_checks"), issues);
    if let Some(detection) = &mapping.outlier_detection {
        policy::outlier_detection(detection, &path.key("outlier_detection"), issues);
    }
}

/// Upgrades are told apart without regard to case; `use_websocket` is one of them.
fn upgrades(mapping: &mut Mapping, path: &Path<'_>, issues: &mut Issues<'_>) {
    let path = path.key("allow_upgrade");
    let mut upgrades: Vec<String> = Vec::new();
    for (index, upgrade) in mapping.allow_upgrade.drain(..).enumerate() {
        let upgrade = upgrade.to_ascii_lowercase();
        // An upgrade has a version behind a slash (RFC 9110, section 7.8).
        if !upgrade.split('/').all(is_token) {
            invalid(&path.index(index), format!("\"{}\" is no protocol to upgrade to", shorten(&upgrade)), issues);
        } else if upgrades.contains(&upgrade) {
            no_effect(&path.index(index), format!("{upgrade} is in the list already"), issues);
        } else {
            upgrades.push(upgrade);
        }
    }
    if mapping.use_websocket == Some(true) && !upgrades.iter().any(|upgrade| upgrade == "websocket") {
        upgrades.push("websocket".to_owned());
    }
    mapping.allow_upgrade = upgrades;
}

fn limits(mapping: &mut Mapping, path: &Path<'_>, issues: &mut Issues<'_>) {
    if let Some(labels) = &mapping.labels {
        rate_limit::labels(labels, &path.key("labels"), issues);
    }
    mapping.labels.take_if(|labels| labels.is_empty());
    if let Some(local) = &mapping.local_rate_limit {
        rate_limit::local(local, &path.key("local_rate_limit"), issues);
    }
}
