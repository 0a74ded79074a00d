//! Conditions in words.

use std::borrow::Cow;
use std::time::Duration;

use nuncio_api::{MASK, is_credential};
use nuncio_ir::{
    Arm, CHAIN_HEADER, Cors, HeaderMatch, Limits, PathMatch, QueryMatch, RateLabel, Retry, Route, RouteAction,
    RouteMatch, ValueMatch,
};
use nuncio_translate::CLEAR_CHAIN;

/// `prefix /cart/, method GET`: what a route takes, logins or none.
pub(crate) fn conditions(route: &Route) -> String {
    let mut matches = Cow::Borrowed(&route.matches);
    if route.is_bearing() {
        // The condition on logins is its last.
        matches.to_mut().headers.pop();
    }
    all_conditions(&matches)
}

fn all_conditions(matches: &RouteMatch) -> String {
    let path = match &matches.path {
        PathMatch::Prefix { value, case_sensitive } => format!("prefix {value}{}", fold(*case_sensitive)),
        PathMatch::Segments(value) => format!("path segments {value}"),
        PathMatch::Exact { value, case_sensitive } => format!("path {value}{}", fold(*case_sensitive)),
        PathMatch::Regex(value) => format!("regex {value}"),
    };
    std::iter::once(path).chain(beside_path(matches, false)).collect::<Vec<_>>().join(", ")
}

/// The conditions on all but the path; without that on the method where it is told otherwise.
pub(super) fn beside_path(matches: &RouteMatch, without_method: bool) -> Vec<String> {
    let headers = matches.headers.iter().filter(|header| !without_method || header.name != ":method").map(header_text);
    headers.chain(matches.query.iter().map(query_text)).collect()
}

/// `query debug 1`.
pub(crate) fn query_text(QueryMatch { name, value }: &QueryMatch) -> String {
    format!("query {name} {}", value_text(name, value))
}

fn fold(case_sensitive: bool) -> &'static str {
    if case_sensitive { "" } else { " (any case)" }
}

/// `x-version v2`.
pub(crate) fn header_text(header: &HeaderMatch) -> String {
    let HeaderMatch { name, value, invert } = header;
    let not = if *invert { "not " } else { "" };
    match (&**name, value) {
        (CHAIN_HEADER, ValueMatch::Exact(chain)) if chain == CLEAR_CHAIN => format!("{not}in clear text"),
        // The Host's own; nothing else asks for one.
        (CHAIN_HEADER, _) => format!("{not}on a connection that was opened for this name"),
        ("x-forwarded-proto", ValueMatch::Exact(scheme)) if scheme == "https" => format!("{not}secure"),
        _ => format!("{} {not}{}", name.trim_start_matches(':'), value_text(name, value)),
    }
}

/// What a header or parameter has to be; of one that carries a credential only that it is asked for.
fn value_text(name: &str, value: &ValueMatch) -> String {
    match value {
        ValueMatch::Present => "present".to_owned(),
        _ if is_credential(name) => MASK.to_owned(),
        ValueMatch::Exact(text) => text.clone(),
        ValueMatch::Prefix { value, .. } => format!("{value}*"),
        ValueMatch::Suffix { value, .. } => format!("*{value}"),
        ValueMatch::Contains(text) => format!("*{text}*"),
        ValueMatch::Regex(regex) => format!("~{regex}"),
    }
}

/// What requests of a route are held to, besides who is asked about them. What nobody has written of other origins is the same
/// for all: that pages of the portal may ask, and it is not said of each.
pub(super) fn policies(route: &Route, own_cors: Option<&Cors>) -> Vec<String> {
    let first = match &route.action {
        RouteAction::Forward(forward) => forward.arms.first().map(AsRef::as_ref),
        RouteAction::Redirect(_) | RouteAction::Respond(_) => None,
    };
    let mut words = first.map(way_words).unwrap_or_default();
    words.extend(route.limits.as_deref().map(limit_words).unwrap_or_default());
    let cors = route.cors.as_deref().filter(|cors| Some(*cors) != own_cors);
    words.extend(cors.map(|cors| format!("CORS for {}", cors.origins.join(", "))));
    words
}

fn way_words(arm: &Arm) -> Vec<String> {
    let mut words = Vec::new();
    if !arm.timeout.is_zero() {
        words.push(format!("timeout {}", span(arm.timeout)));
    }
    words.extend(arm.idle_timeout.filter(|time| !time.is_zero()).map(|time| format!("idle {}", span(time))));
    words.extend(arm.retry.as_ref().map(retry_words));
    words
}

fn retry_words(Retry { on, retries, per_try_timeout, .. }: &Retry) -> String {
    let each = per_try_timeout.map(|time| format!(", {} each", span(time))).unwrap_or_default();
    format!("{retries} retries on {}{each}", on.join(", "))
}

fn limit_words(limits: &Limits) -> Vec<String> {
    let local = limits.local.map(|bucket| format!("{} per {} for each Envoy", bucket.tokens, span(bucket.interval)));
    let labels = |labels: &Vec<RateLabel>| {
        format!("limited by {}", labels.iter().map(label_text).collect::<Vec<_>>().join(", "))
    };
    local.into_iter().chain(limits.descriptors.iter().map(labels)).collect()
}

fn label_text(label: &RateLabel) -> String {
    match label {
        RateLabel::SourceCluster => "source_cluster".to_owned(),
        RateLabel::DestinationCluster => "destination_cluster".to_owned(),
        RateLabel::RemoteAddress => "remote_address".to_owned(),
        RateLabel::Header { key, name, .. } => format!("{key} (header {name})"),
        RateLabel::Text { key, value } => format!("{key}={value}"),
    }
}

/// `3 s`, `250 ms`.
pub(crate) fn span(time: Duration) -> String {
    let millis = time.as_millis();
    if millis.is_multiple_of(1000) { format!("{} s", millis / 1000) } else { format!("{millis} ms") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_the_largest_unit_that_holds_them() {
        assert_eq!((span(Duration::from_secs(3)), span(Duration::from_millis(250))), ("3 s".into(), "250 ms".into()));
    }

    #[test]
    fn of_credentials_it_is_told_that_they_are_asked_for() {
        let value = ValueMatch::Exact("abc".into());
        assert_eq!((value_text("x-api-key", &value), value_text("x-team", &value)), (MASK.into(), "abc".into()));
        assert_eq!(value_text("cookie", &ValueMatch::Present), "present");
    }

    #[test]
    fn retries_and_limits_are_told_in_words() {
        let retry = Retry {
            on: vec!["5xx".into(), "reset".into()],
            retries: 2,
            per_try_timeout: Some(Duration::from_secs(1)),
            body_limit: None,
        };
        assert_eq!(retry_words(&retry), "2 retries on 5xx, reset, 1 s each");
        let header = RateLabel::Header { key: "user".into(), name: "x-user".into(), optional: false };
        let limits = Limits { descriptors: vec![vec![header, RateLabel::RemoteAddress]], local: None };
        assert_eq!(limit_words(&limits), ["limited by user (header x-user), remote_address"]);
    }
}
