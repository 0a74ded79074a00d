//! What the Envoy beside the controller counts: the one reader of its statistics.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::client::AdminClient;

/// What Envoy is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    filter: String,
    is_used: bool,
}

impl Wanted {
    /// What has a name that this expression finds.
    pub(crate) fn all(filter: impl Into<String>) -> Self {
        Self { filter: filter.into(), is_used: false }
    }

    /// Of that what ever was more than nothing.
    pub(crate) fn used(filter: impl Into<String>) -> Self {
        Self { filter: filter.into(), is_used: true }
    }

    fn path(&self) -> String {
        let path = if self.is_used { "/stats?format=json&usedonly&" } else { "/stats?format=json&" };
        form_urlencoded::Serializer::for_suffix(path.to_owned(), path.len())
            .append_pair("filter", &self.filter)
            .finish()
    }
}

/// An expression that takes any of these texts.
pub(crate) fn any_of<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let texts: Vec<_> = texts.into_iter().map(regex::escape).collect();
    format!("({})", texts.join("|"))
}

/// Counters, gauges and times, by name.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    values: BTreeMap<String, u64>,
    times: BTreeMap<String, Times>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Times {
    all: Option<LatencyView>,
    recent: Option<LatencyView>,
}

/// Requests that were answered, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CountsView {
    /// All requests since this Envoy began.
    pub requests: u64,
    /// Those that were answered with a status from 400 to 499.
    pub client_errors: u64,
    /// Those that were answered with a status from 500 on.
    pub server_errors: u64,
    /// How long the answers took.
    pub all: Option<LatencyView>,
    /// Of the last seconds; none where there was no request.
    pub recent: Option<LatencyView>,
}

/// How long answers took, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LatencyView {
    /// Half of them took no longer.
    pub p50: f64,
    /// Of a hundred, 95 took no longer.
    pub p95: f64,
    /// Of a hundred, 99 took no longer.
    pub p99: f64,
}

impl Stats {
    /// Asks Envoy.
    ///
    /// # Errors
    /// Why it does not tell, for people.
    pub(crate) async fn ask(envoy: &AdminClient, wanted: &Wanted) -> Result<Self, String> {
        let reply = envoy.get(&wanted.path()).await.map_err(|error| error.to_string())?;
        Self::parse(&reply.body).map_err(|error| error.to_string())
    }

    pub(crate) fn parse(told: &[u8]) -> Result<Self, serde_json::Error> {
        let mut stats = Self::default();
        for stat in serde_json::from_slice::<Told>(told)?.stats {
            match stat {
                Stat::Value { name, value } => drop(stats.values.insert(name, value)),
                Stat::Histograms { histograms } => {
                    let Histograms { supported_quantiles, computed_quantiles } = histograms;
                    for Histogram { name, values } in computed_quantiles {
                        let all = latency(&supported_quantiles, &values, |value| value.cumulative);
                        let recent = latency(&supported_quantiles, &values, |value| value.interval);
                        stats.times.insert(name, Times { all, recent });
                    }
                }
                Stat::Other {} => {}
            }
        }
        Ok(stats)
    }

    /// A counter or gauge.
    pub(crate) fn value(&self, name: &str) -> Option<u64> {
        self.values.get(name).copied()
    }

    /// All counters and gauges.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&str, u64)> {
        self.values.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// What is counted of requests below `name`; none where there never was one.
    pub(crate) fn counts(&self, name: &str) -> Option<CountsView> {
        let value = |what: &str| self.value(&format!("{name}.upstream_rq_{what}"));
        let times = self.times.get(&format!("{name}.upstream_rq_time")).copied().unwrap_or_default();
        Some(CountsView {
            requests: value("completed")?,
            client_errors: value("4xx").unwrap_or_default(),
            server_errors: value("5xx").unwrap_or_default(),
            all: times.all,
            recent: times.recent,
        })
    }
}

fn latency(quantiles: &[f64], values: &[Quantile], of: impl Fn(&Quantile) -> Option<f64>) -> Option<LatencyView> {
    let at = |wanted: f64| {
        let place = quantiles.iter().position(|quantile| (quantile - wanted).abs() < f64::EPSILON)?;
        of(values.get(place)?)
    };
    Some(LatencyView { p50: at(50.0)?, p95: at(95.0)?, p99: at(99.0)? })
}

/// Envoy's answer.
#[derive(Debug, Deserialize)]
struct Told {
    stats: Vec<Stat>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Stat {
    Value { name: String, value: u64 },
    Histograms { histograms: Histograms },
    Other {},
}

/// Empty where Envoy has none of those that were asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Histograms {
    supported_quantiles: Vec<f64>,
    computed_quantiles: Vec<Histogram>,
}

#[derive(Debug, Deserialize)]
struct Histogram {
    name: String,
    values: Vec<Quantile>,
}

#[derive(Debug, Deserialize)]
struct Quantile {
    interval: Option<f64>,
    cumulative: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_envoy_counts_is_told_by_name() {
        let told = r#"{"stats":[{"name":"cluster.cart_80.upstream_rq_5xx","value":2},{"name":"cluster.cart_80.upstream_rq_completed","value":9},
            {"name":"text","value":"words"},{"histograms":{"supported_quantiles":[50,95,99],"computed_quantiles":[
            {"name":"cluster.cart_80.upstream_rq_time","values":[{"cumulative":1.5,"interval":null},{"cumulative":4.0,"interval":null},{"cumulative":8.0,"interval":null}]}]}}]}"#;
        let stats = Stats::parse(told.as_bytes()).unwrap();
        let all = Some(LatencyView { p50: 1.5, p95: 4.0, p99: 8.0 });
        let expected = CountsView { requests: 9, server_errors: 2, all, ..CountsView::default() };
        assert_eq!(stats.counts("cluster.cart_80"), Some(expected));
        assert_eq!(stats.counts("cluster.cart"), None);
        assert_eq!(Stats::parse(br#"{"stats":[{"histograms":{}}]}"#).unwrap().values().count(), 0);
        assert!(Stats::parse(b"not json").is_err());
    }

    #[test]
    fn names_are_asked_for_as_they_are() {
        let wanted = Wanted::used(format!("^cluster\\.{}$", any_of(["cart_80-1", "a.b"])));
        assert_eq!(wanted.path(), "/stats?format=json&usedonly&filter=%5Ecluster%5C.%28cart_80%5C-1%7Ca%5C.b%29%24");
    }
}
