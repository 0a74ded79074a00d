//! How often requests failed on their way, as the Envoy beside the controller counts it.

use std::path::PathBuf;

use super::client::AdminClient;
use super::model::FailureView;
use super::stats::{Stats, Wanted, any_of};

/// Notes what Envoy counts. Where it does not tell, nothing is known.
pub(super) async fn count(socket: PathBuf, failures: &mut [FailureView]) {
    if failures.is_empty() {
        return;
    }
    let names = failures.iter().flat_map(|failure| &failure.counters).map(String::as_str);
    let wanted = Wanted::all(format!("^{}$", any_of(names)));
    match Stats::ask(&AdminClient::unix(socket), &wanted).await {
        Ok(stats) => note(&stats, failures),
        Err(why) => tracing::debug!("Envoy does not tell what it counts: {why}"),
    }
}

fn note(stats: &Stats, failures: &mut [FailureView]) {
    for failure in failures {
        let counts: Vec<_> = failure.counters.iter().filter_map(|name| stats.value(name)).collect();
        failure.count = (!counts.is_empty()).then(|| counts.into_iter().sum());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envoy_tells_how_often_it_was() {
        let failure = |counters: &[&str]| FailureView {
            status: 503,
            why: String::new(),
            service: String::new(),
            count: None,
            counters: counters.iter().map(|name| (*name).to_owned()).collect(),
        };
        let mut failures = [failure(&["cluster.a.x", "cluster.a.y"]), failure(&["cluster.a.z"])];
        let told = r#"{"stats":[{"name":"cluster.a.x","value":2},{"name":"cluster.a.y","value":3},{"histograms":{}}]}"#;
        note(&Stats::parse(told.as_bytes()).unwrap(), &mut failures);
        assert_eq!((failures[0].count, failures[1].count), (Some(5), None));
    }
}
