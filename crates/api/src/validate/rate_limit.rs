//! Labels, limits, and the service that is asked about them.

use std::collections::BTreeMap;

use super::value::{is_token, milliseconds};
use super::{header, invalid, missing, no_effect, target};
use crate::parse::Issues;
use crate::text::shorten;
use crate::yaml::Path;
use crate::{
    DefaultLabels, Label, Labels, Limit, LimitUnit, LocalRateLimit, ProtocolVersion, RateLimit, RateLimitService,
    TemplatedHeader,
};

/// Checks a `RateLimitService`.
pub(crate) fn rate_limit_service(service: &mut RateLimitService, path: &Path<'_>, issues: &mut Issues<'_>) {
    target(&service.service, &path.key("service"), issues);
    for text in [&mut service.domain, &mut service.tls, &mut service.stats_name] {
        text.take_if(|text| text.is_empty());
    }
    milliseconds(service.timeout_ms, &path.key("timeout_ms"), issues);
    if service.protocol_version == Some(ProtocolVersion::V2) {
        no_effect(&path.key("protocol_version"), "Envoy speaks v3 alone: the service is asked in v3", issues);
    }
}

/// Checks a `RateLimit`.
pub(crate) fn rate_limit(limits: &RateLimit, path: &Path<'_>, issues: &mut Issues<'_>) {
    let path = path.key("limits");
    if limits.limits.is_empty() {
        no_effect(&path, "without limits nothing is limited", issues);
    }
    for (index, one) in limits.limits.iter().enumerate() {
        limit(one, &path.index(index), issues);
    }
}

fn limit(limit: &Limit, path: &Path<'_>, issues: &mut Issues<'_>) {
    if limit.action().is_none() {
        let action = limit.action.as_deref().unwrap_or_default();
        invalid(&path.key("action"), format!("expected Enforce or LogOnly, found \"{}\"", shorten(action)), issues);
    }
    rate(limit.rate, limit.unit.as_deref(), path, issues);
    let pattern = path.key("pattern");
    match issues.node(&pattern) {
        None => missing(&pattern, issues),
        Some(_) if limit.pattern.is_empty() => {
            invalid(&pattern, "is empty: it needs a label at least, as in [{user: \"*\"}]", issues);
        }
        Some(_) => {}
    }
    for (index, item) in limit.pattern.iter().enumerate() {
        if item.is_empty() || item.contains_key("") {
            invalid(&pattern.index(index), "expected labels, as key: value", issues);
        }
    }
    if limit.burst_factor == Some(0) {
        invalid(&path.key("burstFactor"), "must be more than 0", issues);
    }
    let unit = limit.unit.as_deref().and_then(LimitUnit::from_name);
    if let (Some(rate), Some(unit), Some(factor)) = (limit.rate, unit, limit.burst_factor)
        && !is_countable(rate, unit, factor)
    {
        invalid(&path.key("burstFactor"), format!("{factor} units of {rate} are more than can be counted"), issues);
    }
    templated(&limit.inject_request_headers, &path.key("injectRequestHeaders"), issues);
    for (index, one) in limit.inject_request_headers.iter().enumerate() {
        header::tell_of_word(&one.name, &path.key("injectRequestHeaders").index(index).key("name"), issues);
    }
    templated(&limit.inject_response_headers, &path.key("injectResponseHeaders"), issues);
    if let Some(response) = &limit.error_response {
        templated(&response.headers, &path.key("errorResponse").key("headers"), issues);
    }
}

fn rate(rate: Option<u32>, unit: Option<&str>, path: &Path<'_>, issues: &mut Issues<'_>) {
    if rate.is_none() {
        missing(&path.key("rate"), issues);
    }
    match unit {
        None => missing(&path.key("unit"), issues),
        Some(unit) if LimitUnit::from_name(unit).is_none() => {
            let message = format!("expected second, minute, hour or day, found \"{}\"", shorten(unit));
            invalid(&path.key("unit"), message, issues);
        }
        Some(_) => {}
    }
}

fn templated(headers: &[TemplatedHeader], path: &Path<'_>, issues: &mut Issues<'_>) {
    for (index, one) in headers.iter().enumerate() {
        let path = path.index(index);
        header::given_name(&one.name, &path.key("name"), issues);
    }
}

/// Checks the labels of a Mapping.
pub(super) fn labels(labels: &Labels, path: &Path<'_>, issues: &mut Issues<'_>) {
    for (domain, groups) in labels {
        let path = path.key(domain);
        for (index, group) in groups.iter().enumerate() {
            let path = path.index(index);
            for (name, labels) in group {
                let path = path.key(name);
                for (index, one) in labels.iter().enumerate() {
                    label(one, &path.index(index), issues);
                }
            }
        }
    }
}

/// Checks the labels of every request.
pub(super) fn default_labels(labels: &BTreeMap<String, DefaultLabels>, path: &Path<'_>, issues: &mut Issues<'_>) {
    for (domain, labels) in labels {
        let path = path.key(domain);
        let path = path.key("defaults");
        for (index, one) in labels.defaults.iter().enumerate() {
            label(one, &path.index(index), issues);
        }
    }
}

fn label(label: &Label, path: &Path<'_>, issues: &mut Issues<'_>) {
    let (own, key) = match label {
        Label::SourceCluster(name) => ("source_cluster", &name.key),
        Label::DestinationCluster(name) => ("destination_cluster", &name.key),
        Label::RemoteAddress(name) => ("remote_address", &name.key),
        Label::GenericKey(generic) => {
            if generic.value.is_empty() {
                invalid(path, "a generic_key needs a value", issues);
            }
            return;
        }
        Label::RequestHeaders(header) => {
            let name = header.header_name.strip_prefix(':').unwrap_or(&header.header_name);
            if header.header_name.is_empty() {
                invalid(path, "a label of a header needs its name: header_name", issues);
            } else if !is_token(name) {
                let message = format!("\"{}\" is no header name", shorten(&header.header_name));
                issues.error(path, "InvalidHeaderName", message);
            }
            if header.key.is_empty() {
                invalid(path, "a label of a header needs a key", issues);
            }
            return;
        }
    };
    if let Some(key) = key.as_deref().filter(|key| *key != own) {
        let message = format!("the label is always called {own}: \"{}\" is not used", shorten(key));
        no_effect(path, message, issues);
    }
}

/// Whether the service that counts can do so exactly: in parts of a request of which each millisecond frees a whole number, up to
/// 2^53 of them.
fn is_countable(rate: u32, unit: LimitUnit, factor: u32) -> bool {
    let window = u128::from(unit.seconds()) * 1000;
    let (mut common, mut rest) = (window, u128::from(rate));
    while rest > 0 {
        (common, rest) = (rest, common % rest);
    }
    u128::from(rate) * u128::from(factor) * (window / common) < 1 << 53
}

/// Checks a limit that Envoy keeps by itself.
pub(super) fn local(limit: &LocalRateLimit, path: &Path<'_>, issues: &mut Issues<'_>) {
    rate(limit.rate, limit.unit.as_deref(), path, issues);
    for (name, number) in [("rate", limit.rate), ("burst", limit.burst)] {
        if number == Some(0) {
            invalid(&path.key(name), "must be more than 0", issues);
        }
    }
}
