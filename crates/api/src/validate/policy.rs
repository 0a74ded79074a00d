//! Retries, balancing and health: what Mappings and the Module both say.

use super::value::{header_text, is_token, milliseconds, positive_duration, positive_milliseconds};
use super::{header, invalid, missing, no_effect};
use crate::parse::Issues;
use crate::text::{shorten, suggestion};
use crate::yaml::Path;
use crate::{
    CircuitBreaker, Cors, HealthCheck, HttpHealthCheck, LoadBalancer, LoadBalancerPolicy, OutlierDetection, RetryPolicy,
};

/// Envoy 1.40's retry conditions, `x-envoy-retry-on` and `x-envoy-retry-grpc-on`.
const RETRY_ON: [&str; 16] = [
    "5xx",
    "gateway-error",
    "reset",
    "reset-before-request",
    "connect-failure",
    "envoy-ratelimited",
    "retriable-4xx",
    "refused-stream",
    "retriable-status-codes",
    "retriable-headers",
    "http3-post-connect-failure",
    "cancelled",
    "deadline-exceeded",
    "internal",
    "resource-exhausted",
    "unavailable",
];

pub(super) fn retry_policy(policy: &RetryPolicy, path: &Path<'_>, issues: &mut Issues<'_>) {
    let path = path.key("retry_on");
    if policy.retry_on.is_empty() {
        missing(&path, issues);
    }
    for condition in policy.retry_on.iter().filter(|condition| !RETRY_ON.contains(&condition.as_str())) {
        let meant =
            suggestion(condition, &RETRY_ON).map(|meant| format!(": did you mean {meant}?")).unwrap_or_default();
        invalid(&path, format!("there is no retry condition \"{}\"{meant}", shorten(condition)), issues);
    }
    for condition in ["retriable-status-codes", "retriable-headers"] {
        if policy.retry_on.iter().any(|on| on == condition) {
            no_effect(
                &path,
                format!("{condition} retries nothing by itself: there is no field that says which"),
                issues,
            );
        }
    }
}

/// Checks circuit breakers. Of two for one priority the first holds.
pub(super) fn circuit_breakers(breakers: &mut Vec<CircuitBreaker>, path: &Path<'_>, issues: &mut Issues<'_>) {
    let mut seen = Vec::new();
    let mut index = 0;
    breakers.retain(|breaker| {
        let path = path.index(index);
        index += 1;
        let first = !seen.contains(&breaker.priority);
        if first {
            seen.push(breaker.priority);
        } else {
            no_effect(&path, "there is another circuit breaker of this priority before it", issues);
        }
        first
    });
}

pub(super) fn load_balancer(balancer: &LoadBalancer, path: &Path<'_>, issues: &mut Issues<'_>) {
    let source_ip = balancer.source_ip == Some(true);
    let sources = [balancer.cookie.is_some(), balancer.header.is_some(), source_ip];
    let number = sources.into_iter().filter(|source| *source).count();
    let by_hash = matches!(balancer.policy, LoadBalancerPolicy::RingHash | LoadBalancerPolicy::Maglev);
    if by_hash && number != 1 {
        invalid(path, "ring_hash and maglev need exactly one of cookie, header and source_ip", issues);
    } else if !by_hash && number != 0 {
        invalid(path, "cookie, header and source_ip go with ring_hash and maglev alone", issues);
    }
    if let Some(cookie) = &balancer.cookie {
        let path = path.key("cookie");
        let name = path.key("name");
        match cookie.name.as_str() {
            "" => missing(&name, issues),
            text if !is_token(text) => invalid(&name, format!("\"{}\" is no cookie name", shorten(text)), issues),
            _ => {}
        }
        header_text(cookie.path.as_deref(), &path.key("path"), issues);
    }
    if let Some(name) = &balancer.header {
        header::names(std::slice::from_ref(name), &path.key("header"), issues);
    }
}

pub(super) fn health_checks(checks: &[HealthCheck], http2: bool, path: &Path<'_>, issues: &mut Issues<'_>) {
    for (index, check) in checks.iter().enumerate() {
        let path = path.index(index);
        positive_duration(check.timeout, &path.key("timeout"), issues);
        positive_duration(check.interval, &path.key("interval"), issues);
        let thresholds =
            [("unhealthy_threshold", check.unhealthy_threshold), ("healthy_threshold", check.healthy_threshold)];
        for (name, _) in thresholds.into_iter().filter(|(_, threshold)| *threshold == Some(0)) {
            invalid(&path.key(name), "must be at least 1", issues);
        }
        let path = path.key("health_check");
        match (&check.health_check.http, &check.health_check.grpc) {
            (Some(http), None) => http_health_check(http, &path.key("http"), issues),
            (None, Some(grpc)) => {
                let path = path.key("grpc");
                if !http2 {
                    invalid(&path, "needs `grpc: true`: a gRPC health check speaks HTTP/2", issues);
                }
                if grpc.upstream_name.is_empty() {
                    missing(&path.key("upstream_name"), issues);
                }
                header_text(grpc.authority.as_deref(), &path.key("authority"), issues);
            }
            _ => invalid(&path, "needs exactly one of http and grpc", issues),
        }
    }
}

fn http_health_check(check: &HttpHealthCheck, path: &Path<'_>, issues: &mut Issues<'_>) {
    let path_field = path.key("path");
    if check.path.is_empty() {
        missing(&path_field, issues);
    }
    header_text(Some(&check.path), &path_field, issues);
    header_text(check.hostname.as_deref(), &path.key("hostname"), issues);
    header::added(&check.add_request_headers, &path.key("add_request_headers"), issues);
    header::removed(&check.remove_request_headers, &path.key("remove_request_headers"), issues);
    let statuses = path.key("expected_statuses");
    for (index, range) in check.expected_statuses.iter().enumerate() {
        if range.min < 100 || range.max > 599 || range.min > range.max {
            invalid(&statuses.index(index), "expected statuses from 100 to 599, min before max", issues);
        }
    }
}

pub(super) fn outlier_detection(detection: &OutlierDetection, path: &Path<'_>, issues: &mut Issues<'_>) {
    positive_milliseconds(detection.interval_ms, &path.key("interval_ms"), issues);
    positive_milliseconds(detection.base_ejection_time_ms, &path.key("base_ejection_time_ms"), issues);
    positive_milliseconds(detection.max_ejection_time_ms, &path.key("max_ejection_time_ms"), issues);
    // Envoy refuses a longest time that is shorter than the first; five minutes are its default.
    let (base, max) = (detection.base_ejection_time_ms.unwrap_or(30_000), detection.max_ejection_time_ms);
    if base > max.unwrap_or(300_000) {
        let name = if max.is_some() { "max_ejection_time_ms" } else { "base_ejection_time_ms" };
        let message = format!("max_ejection_time_ms (default 300000) must be at least base_ejection_time_ms, {base}");
        invalid(&path.key(name), message, issues);
    }
    if let Some(percent) = detection.max_ejection_percent.filter(|percent| *percent > 100) {
        let message = format!("expected a share from 0 to 100, found {percent}");
        invalid(&path.key("max_ejection_percent"), message, issues);
    }
}

/// Checks a cross-origin policy. One without origins lets nobody in.
pub(super) fn cors(policy: &Cors, path: &Path<'_>, issues: &mut Issues<'_>) {
    for (index, origin) in policy.origins.iter().enumerate() {
        let origins = path.key("origins");
        let path = origins.index(index);
        header_text(Some(origin), &path, issues);
        if let Some(why) = never_sent(origin) {
            no_effect(&path, why, issues);
        }
    }
    list(&policy.methods, "method", &path.key("methods"), issues);
    list(&policy.headers, "header", &path.key("headers"), issues);
    list(&policy.exposed_headers, "header", &path.key("exposed_headers"), issues);
    let others = [&policy.methods, &policy.headers, &policy.exposed_headers];
    if policy.origins.is_empty() && others.iter().any(|names| !names.is_empty()) {
        no_effect(&path.key("origins"), "without origins no other origin is let in", issues);
    }
}

/// Why no browser sends an `Origin` (RFC 6454) like this one, if none does. Origins are compared as text.
fn never_sent(origin: &str) -> Option<&'static str> {
    if matches!(origin, "*" | "null") {
        return None;
    }
    if origin.contains('*') {
        return Some(
            "\"*\" stands for every origin when it is alone, and for nothing in a part of one: write each origin out",
        );
    }
    let Some((_, authority)) = origin.split_once("://") else {
        return Some("an origin begins with its scheme, as in https://www.example.com");
    };
    if authority.contains(['/', '?', '#']) {
        return Some("an origin ends with its host or port: browsers send no \"/\" and no path");
    }
    origin.contains(|c: char| c.is_ascii_uppercase()).then_some("browsers send origins in lower case")
}

fn list(names: &[String], what: &str, path: &Path<'_>, issues: &mut Issues<'_>) {
    for name in names.iter().filter(|name| !is_token(name)) {
        invalid(path, format!("\"{}\" is no {what} name", shorten(name)), issues);
    }
}

/// Checks the settings of upstream connections that have no structure.
pub(super) fn timeouts(timeouts: &[(&str, Option<u64>)], path: &Path<'_>, issues: &mut Issues<'_>) {
    for (name, ms) in timeouts {
        milliseconds(*ms, &path.key(name), issues);
    }
}
