//! What is told of requests, in words.

use super::super::model::{Counts, Latency};
use super::window::Since;

/// Where there is nothing to tell.
const NOTHING: &str = "–";

/// What a table says of requests.
pub(crate) struct Cells {
    pub(crate) rate: String,
    pub(crate) client_errors: String,
    pub(crate) server_errors: String,
    pub(crate) has_errors: bool,
    pub(crate) recent: String,
    pub(crate) all: String,
    pub(crate) requests: u64,
    /// The busiest have the most.
    pub(super) weight: f64,
}

impl Cells {
    /// Of what is counted under a name. Rates and shares are those since an earlier look, if there was one.
    pub(crate) fn new(name: &str, counts: &Counts, since: &Since) -> Self {
        let recent = since.of(name);
        let shown = recent.map_or(*counts, |recent| recent.counts);
        let per_second = recent.map(|recent| recent.counts.requests as f64 / recent.seconds);
        Self {
            rate: per_second.map_or_else(|| NOTHING.to_owned(), |rate| format!("{rate:.1}/s")),
            client_errors: percent(shown.client_errors, shown.requests),
            server_errors: percent(shown.server_errors, shown.requests),
            has_errors: shown.server_errors > 0,
            recent: latency(counts.recent),
            all: latency(counts.all),
            requests: counts.requests,
            weight: per_second.unwrap_or(counts.requests as f64),
        }
    }

    /// Whether nobody has looked before, so that there is no rate.
    pub(crate) fn is_new(&self) -> bool {
        self.rate == NOTHING
    }

    /// How long requests take: now, or before where there are none.
    pub(crate) fn latency(&self) -> Option<&str> {
        [&self.recent, &self.all].into_iter().map(String::as_str).find(|latency| *latency != NOTHING)
    }
}

fn percent(part: u64, all: u64) -> String {
    match (part, all) {
        (_, 0) => NOTHING.to_owned(),
        (0, _) => "0 %".to_owned(),
        _ => format!("{:.1} %", part as f64 * 100.0 / all as f64),
    }
}

fn latency(latency: Option<Latency>) -> String {
    let words = |Latency { p50, p95, p99 }| format!("{p50:.0} / {p95:.0} / {p99:.0} ms");
    latency.map_or_else(|| NOTHING.to_owned(), words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_told_in_percent() {
        assert_eq!((percent(0, 0), percent(0, 5), percent(1, 3)), ("–".into(), "0 %".into(), "33.3 %".into()));
        assert_eq!(latency(Some(Latency { p50: 1.4, p95: 9.6, p99: 20.0 })), "1 / 10 / 20 ms");
    }
}
