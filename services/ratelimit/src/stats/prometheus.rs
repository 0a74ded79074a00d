//! `/metrics`: the names that the original's default mapper makes of its statsd names.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::Ordering;

use super::registry::{BUCKETS, Registry, Timing};

/// Everything in the text format of Prometheus.
pub fn prometheus(registry: &Registry, response_time_in_milliseconds: bool) -> String {
    let mut families: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for (name, value) in registry.counters() {
        let (family, labels) = mapped(&name);
        *families.entry(family).or_default().entry(labels).or_default() += value;
    }
    let mut text = String::new();
    for (family, series) in families {
        let _ = writeln!(text, "# HELP {family} Counted by the rate limit service.\n# TYPE {family} counter");
        for (labels, value) in series {
            let _ = writeln!(text, "{family}{labels} {value}");
        }
    }
    response_time(&mut text, &registry.service.should_rate_limit, response_time_in_milliseconds);
    text
}

/// The family and labels for a statsd name.
fn mapped(name: &str) -> (String, String) {
    if let Some((family, labels)) = name.strip_prefix("ratelimit.service.rate_limit.").and_then(limit) {
        return (format!("ratelimit_service_rate_limit_{family}"), labels);
    }
    if let Some(kind) = name.strip_prefix("ratelimit.service.call.should_rate_limit.") {
        return ("ratelimit_service_should_rate_limit_error".to_owned(), format!("{{err_type=\"{kind}\"}}"));
    }
    if let Some(method) = name.strip_prefix("ratelimit_server.").and_then(|rest| rest.strip_suffix(".total_requests")) {
        return ("ratelimit_service_total_requests".to_owned(), format!("{{grpc_method=\"{method}\"}}"));
    }
    (mangled(name), String::new())
}

/// Labels of a limit's counter: the domain and the first two levels. A value with a dot counts as two levels, as with
/// the original.
fn limit(rest: &str) -> Option<(&str, String)> {
    let (path, counter) = rest.rsplit_once('.')?;
    let counter = match counter {
        "near_limit" | "over_limit" | "total_hits" | "within_limit" | "shadow_mode" => counter,
        _ => return None,
    };
    let mut parts = path.split('.');
    let mut labels = format!("{{domain=\"{}\"", escaped(parts.next()?));
    for (index, part) in parts.take(2).enumerate() {
        let _ = write!(labels, ",key{}=\"{}\"", index + 1, escaped(part));
    }
    labels.push('}');
    Some((counter, labels))
}

fn mangled(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == ':' { c } else { '_' }).collect()
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn response_time(text: &mut String, timing: &Timing, milliseconds: bool) {
    let (family, per_unit) = if milliseconds {
        ("ratelimit_service_response_time_ms", 1e3)
    } else {
        ("ratelimit_service_response_time_seconds", 1e6)
    };
    let label = "grpc_method=\"ShouldRateLimit\"";
    let load = |value: &std::sync::atomic::AtomicU64| value.load(Ordering::Relaxed);
    let _ = writeln!(text, "# HELP {family} How long calls took.\n# TYPE {family} histogram");
    let mut sum = 0;
    for (bound, count) in BUCKETS.iter().zip(&timing.buckets) {
        sum += load(count);
        let _ = writeln!(text, "{family}_bucket{{{label},le=\"{}\"}} {sum}", *bound as f64 / per_unit);
    }
    let _ = writeln!(text, "{family}_bucket{{{label},le=\"+Inf\"}} {}", load(&timing.count));
    let _ = writeln!(text, "{family}_sum{{{label}}} {}", load(&timing.micros) as f64 / per_unit);
    let _ = writeln!(text, "{family}_count{{{label}}} {}", load(&timing.count));
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(mapped(name), (family.to_owned(), labels.to_owned()));
        }
    }
}
