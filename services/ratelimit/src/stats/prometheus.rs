//! `/metrics`: the names that the original's default mapper makes of its statsd names.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::Ordering;

use super::mapper::{Mapped, Mapper, MetricKind};
use super::registry::Registry;
use super::timing::{BUCKETS, Timing};

/// Names with values.
type Labels = Vec<(String, String)>;

/// How metrics are shown.
#[derive(Debug, Default)]
pub struct Exposition {
    /// Makes the names, rather than the default mapper.
    pub mapper: Option<Mapper>,
    /// Response times are in milliseconds.
    pub milliseconds: bool,
    /// Labels of all series (`EXTRA_TAGS`).
    pub tags: Labels,
}

/// Everything in the text format of Prometheus.
pub fn prometheus(registry: &Registry, exposition: &Exposition) -> String {
    let mut families: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for (name, value) in registry.counters() {
        let Some((family, labels)) = exposition.mapped(&name) else { continue };
        *families.entry(family).or_default().entry(labels).or_default() += value;
    }
    let mut text = String::new();
    for (family, series) in families {
        let _ = writeln!(text, "# HELP {family} Counted by the rate limit service.\n# TYPE {family} counter");
        for (labels, value) in series {
            let _ = writeln!(text, "{family}{labels} {value}");
        }
    }
    response_times(&mut text, registry, exposition);
    text
}

impl Exposition {
    /// The family and labels for a counter; none where the mapper drops it.
    fn mapped(&self, name: &str) -> Option<(String, String)> {
        let (family, labels) = match &self.mapper {
            None => mapped(name),
            Some(mapper) => match mapper.map(name, MetricKind::Counter) {
                Mapped::To(family, labels) => (mangled(&family), labels),
                Mapped::Dropped => return None,
                Mapped::Unmapped => (mangled(name), Vec::new()),
            },
        };
        Some((family, self.written(&labels)))
    }

    /// Labels and tags, in braces where there are any. Of one name there may be no two.
    fn written(&self, labels: &Labels) -> String {
        let tags = self.tags.iter().filter(|(tag, _)| labels.iter().all(|(label, _)| label != tag));
        let all: Vec<_> = labels
            .iter()
            .chain(tags)
            .map(|(key, value)| format!("{}=\"{}\"", mangled(key).replace(':', "_"), escaped(value)))
            .collect();
        if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) }
    }

    /// The family and the labels for response times of a method.
    fn response_time(&self, method: &str) -> Option<(String, Labels)> {
        let name = format!("ratelimit_server.{method}.response_time");
        match self.mapper.as_ref().map_or(Mapped::Unmapped, |mapper| mapper.map(&name, MetricKind::Observer)) {
            Mapped::To(family, labels) => Some((mangled(&family), labels)),
            Mapped::Dropped => None,
            Mapped::Unmapped => {
                let unit = if self.milliseconds { "ms" } else { "seconds" };
                let label = ("grpc_method".to_owned(), method.to_owned());
                Some((format!("ratelimit_service_response_time_{unit}"), vec![label]))
            }
        }
    }
}

/// The family and labels for a statsd name.
fn mapped(name: &str) -> (String, Labels) {
    let label = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    if let Some((family, labels)) = name.strip_prefix("ratelimit.service.rate_limit.").and_then(limit) {
        return (format!("ratelimit_service_rate_limit_{family}"), labels);
    }
    if let Some(kind) = name.strip_prefix("ratelimit.service.call.should_rate_limit.") {
        return ("ratelimit_service_should_rate_limit_error".to_owned(), label("err_type", kind));
    }
    if let Some(method) = name.strip_prefix("ratelimit_server.").and_then(|rest| rest.strip_suffix(".total_requests")) {
        return ("ratelimit_service_total_requests".to_owned(), label("grpc_method", method));
    }
    (mangled(name), Vec::new())
}

/// Labels of a limit's counter: the domain and the first two levels. A value with a dot counts as two levels, as with
/// the original.
fn limit(rest: &str) -> Option<(&str, Labels)> {
    let (path, counter) = rest.rsplit_once('.')?;
    let counter = match counter {
        "near_limit" | "over_limit" | "total_hits" | "within_limit" | "shadow_mode" => counter,
        _ => return None,
    };
    let names = ["domain", "key1", "key2"].into_iter().zip(path.split('.'));
    Some((counter, names.map(|(name, part)| (name.to_owned(), part.to_owned())).collect()))
}

fn mangled(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == ':' { c } else { '_' }).collect()
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn response_times(text: &mut String, registry: &Registry, exposition: &Exposition) {
    let mut last = None;
    for (method, timing) in registry.service.methods() {
        let Some((family, labels)) = exposition.response_time(method) else { continue };
        if last.as_ref() != Some(&family) {
            let _ = writeln!(text, "# HELP {family} How long calls took.\n# TYPE {family} histogram");
        }
        histogram(text, &family, &exposition.written(&labels), timing, exposition.milliseconds);
        last = Some(family);
    }
}

fn histogram(text: &mut String, family: &str, labels: &str, timing: &Timing, milliseconds: bool) {
    let per_unit = if milliseconds { 1e3 } else { 1e6 };
    let label = labels.trim_matches(['{', '}']);
    let separator = if label.is_empty() { "" } else { "," };
    let load = |value: &std::sync::atomic::AtomicU64| value.load(Ordering::Relaxed);
    let mut sum = 0;
    for (bound, count) in BUCKETS.iter().zip(&timing.buckets) {
        sum += load(count);
        let _ = writeln!(text, "{family}_bucket{{{label}{separator}le=\"{}\"}} {sum}", *bound as f64 / per_unit);
    }
    let _ = writeln!(text, "{family}_bucket{{{label}{separator}le=\"+Inf\"}} {}", load(&timing.count));
    let _ = writeln!(text, "{family}_sum{{{label}}} {}", load(&timing.micros) as f64 / per_unit);
    let _ = writeln!(text, "{family}_count{{{label}}} {}", load(&timing.count));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_is_answered_without_its_counters_is_no_error() {
        let text = prometheus(&Registry::default(), &Exposition::default());
        let is_told = |series: &str| text.lines().any(|line| line == series);
        assert!(is_told("ratelimit_service_store_fallback 0"), "{text}");
        assert!(is_told("ratelimit_service_should_rate_limit_error{err_type=\"redis_error\"} 0"), "{text}");
        assert_eq!(text.matches("err_type").count(), 2, "{text}");
    }

    #[test]
    fn names_are_those_of_the_default_mapper() {
        for (name, family, labels) in [
            (
                "ratelimit.service.rate_limit.d.k_v.total_hits",
                "ratelimit_service_rate_limit_total_hits",
                "{domain=\"d\",key1=\"k_v\"}",
            ),
            (
                "ratelimit.service.rate_limit.d.a.b.c.over_limit",
                "ratelimit_service_rate_limit_over_limit",
                "{domain=\"d\",key1=\"a\",key2=\"b\"}",
            ),
            (
                "ratelimit.service.call.should_rate_limit.redis_error",
                "ratelimit_service_should_rate_limit_error",
                "{err_type=\"redis_error\"}",
            ),
            ("ratelimit.service.config_load_success", "ratelimit_service_config_load_success", ""),
            ("ratelimit.redis_pool.cx_total", "ratelimit_redis_pool_cx_total", ""),
        ] {
            assert_eq!(Exposition::default().mapped(name), Some((family.to_owned(), labels.to_owned())));
        }
    }

    #[test]
    fn calls_about_health_are_counted_once_there_are_some() {
        let registry = Registry::default();
        let told = || {
            let text = prometheus(&registry, &Exposition::default());
            let count = |part: &str| text.matches(part).count();
            [
                count("total_requests{grpc_method=\"Check\"} 1\n"),
                count("seconds_count{grpc_method=\"Check\"} 1\n"),
                count("# HELP ratelimit_service_response_time_seconds"),
            ]
        };
        assert_eq!(told(), [0, 0, 1]);
        registry.service.check.record(std::time::Duration::from_millis(1));
        assert_eq!(told(), [1, 1, 1]);
    }

    #[test]
    fn tags_are_labels_of_all_series() {
        let tags = [("domain", "none"), ("the-env", "test")].map(|(tag, value)| (tag.to_owned(), value.to_owned()));
        let exposition = Exposition { tags: tags.to_vec(), ..Exposition::default() };
        let registry = Registry::default();
        registry.configured("d.k").total_hits.store(1, Ordering::Relaxed);
        let text = prometheus(&registry, &exposition);
        let series: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(series.iter().all(|line| line.contains("the_env=\"test\"")), "{text}");
        let hits = "ratelimit_service_rate_limit_total_hits{domain=\"d\",key1=\"k\",the_env=\"test\"} 1";
        assert!(series.contains(&hits), "{text}");
    }
}
