//! Limits, times and health, in the words of pages.

use super::{Edge, EdgeRoute};
use crate::gateway::{HealthChecks, LimitTerm, OperationLimit, Retry, UpstreamHealth};
use crate::texts::Texts;

/// `100 a minute per client address, up to 200 at once`.
pub(super) fn limit(limit: &OperationLimit, texts: &Texts) -> String {
    let mut words = match (limit.every, unit(&limit.unit)) {
        (1, Some((pace, _))) => texts.with(pace, "rate", &limit.rate),
        (every, Some((_, count))) => {
            let time = texts.count(count, number(every));
            texts.fill("limit_every", &[("rate", &limit.rate), ("time", &time)])
        }
        (_, None) => format!("{} / {}", limit.rate, limit.unit),
    };
    let per = limit.per.iter().map(|term| match term {
        LimitTerm::Client { .. } => texts.text("limit_per_client").to_owned(),
        LimitTerm::Header { name, .. } => texts.with("limit_per_header", "name", name),
        LimitTerm::Gateway { name, .. } => texts.with("limit_per_gateway", "name", name),
    });
    let only = limit.only.iter().map(|term| match term {
        LimitTerm::Client { value } => texts.with("limit_only_client", "value", &shown(value.as_ref())),
        LimitTerm::Header { name, value } => {
            texts.fill("limit_only_header", &[("name", name), ("value", &shown(value.as_ref()))])
        }
        LimitTerm::Gateway { name, value } => {
            texts.fill("limit_only_gateway", &[("name", name), ("value", &shown(value.as_ref()))])
        }
    });
    let at_once = limit.at_once.map(|number| texts.with("limit_at_once", "number", &number));
    let flags =
        [("limit_each_envoy", limit.by_each_envoy), ("limit_noted", limit.log_only), ("limit_idle", !limit.in_force)];
    let flags = flags.into_iter().filter(|(_, holds)| *holds).map(|(name, _)| texts.text(name).to_owned());
    per.chain(only).chain(at_once).chain(flags).for_each(|more| words.push_str(&more));
    words
}

/// The text of so many in a unit of time, and that of so many units.
fn unit(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "second" => ("limit_second", "count_second"),
        "minute" => ("limit_minute", "count_minute"),
        "hour" => ("limit_hour", "count_hour"),
        "day" => ("limit_day", "count_day"),
        _ => return None,
    })
}

fn number(number: impl TryInto<usize>) -> usize {
    number.try_into().unwrap_or(usize::MAX)
}

fn shown(value: Option<&String>) -> &str {
    value.map_or("…", String::as_str)
}

/// `2 of 3 endpoints healthy`.
pub(super) fn health(upstream: &UpstreamHealth, texts: &Texts) -> String {
    let count = |endpoints: u64| texts.count("count_endpoint", number(endpoints));
    let words = match (upstream.checks, upstream.members.zip(upstream.healthy)) {
        _ if upstream.endpoints == Some(0) => return texts.text("health_nobody").to_owned(),
        (HealthChecks::None, _) => {
            let known = upstream.members.or(upstream.endpoints).map(|all| format!(" ({})", count(all)));
            return format!("{}{}", texts.text("health_unchecked"), known.unwrap_or_default());
        }
        (_, None) => return texts.text("health_untold").to_owned(),
        (_, Some((members, healthy))) if members == healthy => texts.with("health_all", "endpoints", &count(members)),
        (_, Some((members, healthy))) => {
            texts.fill("health_some", &[("healthy", &healthy), ("endpoints", &count(members))])
        }
    };
    let by_answers = if upstream.checks == HealthChecks::Passive { texts.text("health_by_answers") } else { "" };
    words + by_answers
}

/// `1.5 s`.
fn span(millis: u64, texts: &Texts) -> String {
    texts.with("seconds", "number", &(millis as f64 / 1000.0))
}

fn retries(Retry { on, retries, per_try_timeout_ms }: &Retry, texts: &Texts) -> String {
    let times = texts.count("count_retry", number(*retries));
    let each = per_try_timeout_ms.map(|time| texts.with("retries_each", "time", &span(time, texts)));
    texts.fill("retries_on", &[("times", &times), ("conditions", &on.join(", "))]) + &each.unwrap_or_default()
}

impl EdgeRoute {
    /// What it asks for besides method and path.
    pub(crate) fn only(&self, texts: &Texts) -> String {
        texts.with("edge_only", "conditions", &self.conditions.join(", "))
    }

    /// At which addresses alone requests may get it.
    pub(crate) fn only_at(&self, texts: &Texts) -> String {
        texts.with("edge_only_at", "addresses", &self.addresses.join(", "))
    }

    /// How long what may take.
    pub(crate) fn times(&self, texts: &Texts) -> Vec<String> {
        let said = |millis: u64, name: &str, none: &str| match millis {
            0 => texts.text(none).to_owned(),
            millis => texts.with(name, "time", &span(millis, texts)),
        };
        let whole = said(self.timeout_ms, "time_whole", "time_whole_none");
        let idle = self.idle_timeout_ms.map(|time| said(time, "time_idle", "time_idle_none"));
        let connect = self.connect_timeout_ms.map(|time| texts.with("time_connect", "time", &span(time, texts)));
        std::iter::once(whole).chain(idle).chain(connect).collect()
    }

    /// When it is tried again, if ever.
    pub(crate) fn retries(&self, texts: &Texts) -> Option<String> {
        self.retry.as_ref().map(|retry| retries(retry, texts))
    }
}

impl Edge {
    /// What the usual request is held to, in short, for lists.
    pub(crate) fn facts(&self, texts: &Texts) -> Vec<String> {
        let Some(route) = self.routes.last().filter(|route| !route.objects.is_empty()) else { return Vec::new() };
        if let Some(status) = route.status {
            return vec![texts.with("edge_answers", "status", &status)];
        }
        let open = route.access.is_empty().then(|| texts.text("open").to_owned());
        let only = (!route.conditions.is_empty()).then(|| route.only(texts));
        let at = (!route.addresses.is_empty()).then(|| route.only_at(texts));
        let limits = route.limits.iter().map(|limit| limit.words.clone());
        let timeout = (route.timeout_ms > 0).then(|| span(route.timeout_ms, texts));
        let retries = route.retry.as_ref().map(|retry| texts.count("count_retry", number(retry.retries)));
        let ill = route.upstreams.iter().filter(|upstream| upstream.is_ill).map(|upstream| upstream.words.clone());
        let access = route.access.iter().cloned().chain(open);
        only.into_iter().chain(at).chain(access).chain(limits).chain(timeout).chain(retries).chain(ill).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn limit_of(change: &serde_json::Value) -> String {
        let mut told = json!({ "rate": 100, "unit": "minute", "every": 1, "at_once": null, "per": [], "only": [],
            "by_each_envoy": false, "log_only": false, "in_force": true });
        told.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        limit(&serde_json::from_value(told).unwrap(), &Texts::default())
    }

    #[test]
    fn limits_are_told_in_words() {
        assert_eq!(limit_of(&json!({ "per": [{ "kind": "client" }] })), "100 a minute per client address");
        let by_header = json!({ "rate": 5, "unit": "hour", "per": [{ "kind": "header", "name": "x-user" }] });
        assert_eq!(limit_of(&by_header), "5 an hour for each value of the header x-user");
        let of_plan = json!({ "unit": "day", "at_once": 200, "log_only": true,
            "only": [{ "kind": "header", "name": "x-plan", "value": "pro" }] });
        assert_eq!(
            limit_of(&of_plan),
            "100 a day where the header x-plan is pro, up to 200 at once (more are noted, and pass)"
        );
        let local = json!({ "rate": 7, "unit": "second", "every": 5, "by_each_envoy": true });
        assert_eq!(limit_of(&local), "7 every 5 seconds, counted by each Envoy for itself");
        assert!(limit_of(&json!({ "in_force": false })).contains("not in force"));
    }

    #[test]
    fn health_is_told_as_far_as_somebody_looks() {
        let texts = Texts::default();
        let told = |checks, endpoints, seen: Option<(u64, u64)>| {
            let (healthy, members) = seen.unzip();
            health(&UpstreamHealth { checks, endpoints, members, healthy, ..UpstreamHealth::default() }, &texts)
        };
        assert_eq!(told(HealthChecks::Active, Some(3), Some((2, 3))), "2 of 3 endpoints healthy");
        assert_eq!(told(HealthChecks::Active, Some(1), Some((1, 1))), "1 endpoint, all healthy");
        assert_eq!(told(HealthChecks::Passive, Some(2), Some((2, 2))), "2 endpoints, all healthy (by their answers)");
        assert_eq!(told(HealthChecks::None, Some(2), Some((2, 2))), "not checked (2 endpoints)");
        assert_eq!(told(HealthChecks::None, None, None), "not checked");
        assert_eq!(told(HealthChecks::Active, None, None), "checked, but no Envoy tells here");
        assert_eq!(told(HealthChecks::Active, Some(0), None), "no endpoint");
    }

    #[test]
    fn times_and_retries_are_told_in_words() {
        let texts = Texts::default();
        let retry = Retry { on: vec!["5xx".into(), "reset".into()], retries: 2, per_try_timeout_ms: Some(500) };
        let route = EdgeRoute {
            timeout_ms: 1500,
            idle_timeout_ms: Some(0),
            connect_timeout_ms: Some(3000),
            retry: Some(retry),
            ..EdgeRoute::default()
        };
        assert_eq!(route.times(&texts), ["1.5 s for the whole answer", "no limit without a byte", "3 s to connect"]);
        assert_eq!(route.retries(&texts).unwrap(), "2 retries on 5xx, reset, 0.5 s for each try");
    }
}
