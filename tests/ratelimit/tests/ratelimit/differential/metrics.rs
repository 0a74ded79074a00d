//! Where a service tells its metrics, and what of them both have.

use std::collections::BTreeMap;

use nuncio_ratelimit_tests::{Collector, Service, free_port};

/// How many connections there were to Redis, and the original's own of its reader of files, of Go and of its library for
/// Prometheus, which has no dots in names.
const OWN: [&str; 8] = [
    "ratelimit_redis_pool_",
    "ratelimit_redis_per_second_pool_",
    "ratelimit_go_",
    "runtime_",
    "go_",
    "process_",
    "promhttp_",
    "statsd_exporter_",
];

/// One of the ways.
pub(super) enum Metrics {
    Statsd(Collector),
    /// Served at this port.
    Prometheus(u16),
}

impl Metrics {
    pub(super) async fn new(prometheus: bool) -> Self {
        if prometheus {
            Self::Prometheus(free_port().unwrap())
        } else {
            Self::Statsd(Collector::start().await.unwrap())
        }
    }

    /// What sets up the service.
    pub(super) fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![("STATS_FLUSH_INTERVAL", "1s".to_owned())];
        match self {
            Self::Statsd(collector) => variables.extend([
                ("USE_STATSD", "true".to_owned()),
                ("STATSD_HOST", "127.0.0.1".to_owned()),
                ("STATSD_PORT", collector.port.to_string()),
            ]),
            Self::Prometheus(port) => variables
                .extend([("USE_PROMETHEUS", "true".to_owned()), ("PROMETHEUS_ADDR", format!("127.0.0.1:{port}"))]),
        }
        variables
    }

    /// All that was counted, by names.
    pub(super) async fn shared(&self) -> BTreeMap<String, u64> {
        let mut counters = match self {
            Self::Statsd(collector) => collector.counters(),
            Self::Prometheus(port) => series(&Service::body(*port, "/metrics").await.unwrap()),
        };
        counters.retain(|name, _| {
            let name = name.replace('.', "_");
            !OWN.iter().any(|prefix| name.starts_with(prefix))
        });
        counters
    }
}

/// The series of a page with their labels and types. Counters of nothing are left out, which the original does not have;
/// how long calls took is another time with each.
fn series(page: &str) -> BTreeMap<String, u64> {
    let (mut kind, mut found) = ("", BTreeMap::new());
    for line in page.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            kind = family.rsplit_once(' ').unwrap().1;
        }
        let Some((series, value)) = line.rsplit_once(' ').filter(|_| !line.starts_with('#')) else { continue };
        let Ok(value) = value.parse::<f64>() else { continue };
        let timing = kind == "histogram" && !series.contains("_count");
        if timing || value != 0.0 {
            // Counters are whole.
            found.insert(format!("{series} {kind}"), if timing { 1 } else { value as u64 });
        }
    }
    found
}
