//! How often requests failed on their way, as the Envoy beside the controller counts it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::client::AdminClient;
use super::model::FailureView;

/// Envoy's answer.
#[derive(Debug, Deserialize)]
struct Told {
    stats: Vec<Stat>,
}

/// A counter; whatever else there is has no name.
#[derive(Debug, Deserialize)]
struct Stat {
    #[serde(default)]
    name: String,
    #[serde(default)]
    value: u64,
}

/// Notes what Envoy counts. Where it does not tell, nothing is known.
pub(super) async fn count(socket: PathBuf, failures: &mut [FailureView]) {
    if failures.is_empty() {
        return;
    }
    match AdminClient::unix(socket).get(&path(failures)).await {
        Ok(reply) => note(&reply.body, failures),
        Err(error) => tracing::debug!("Envoy does not tell what it counts: {error}"),
    }
}

fn path(failures: &[FailureView]) -> String {
    let names: Vec<_> = failures.iter().flat_map(|failure| &failure.counters).map(|name| regex::escape(name)).collect();
    let path = "/stats?format=json&";
    let filter = format!("^({})$", names.join("|"));
    form_urlencoded::Serializer::for_suffix(path.to_owned(), path.len()).append_pair("filter", &filter).finish()
}

fn note(told: &[u8], failures: &mut [FailureView]) {
    let Ok(Told { stats }) = serde_json::from_slice(told) else { return };
    let counted: BTreeMap<_, _> = stats.into_iter().map(|stat| (stat.name, stat.value)).collect();
    for failure in failures {
        let counts: Vec<_> = failure.counters.iter().filter_map(|name| counted.get(name)).collect();
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
        assert!(path(&failures).contains("filter=%5E%28cluster%5C.a%5C.x%7C"), "{}", path(&failures));
        let told = r#"{"stats":[{"name":"cluster.a.x","value":2},{"name":"cluster.a.y","value":3},{"histograms":{}}]}"#;
        note(told.as_bytes(), &mut failures);
        assert_eq!((failures[0].count, failures[1].count), (Some(5), None));
    }
}
