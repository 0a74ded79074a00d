//! How the endpoints of clusters are, as the Envoy beside the controller sees them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::client::AdminClient;
use super::operations::UpstreamHealthView;

/// The most clusters that Envoy is asked about at a time.
const MOST: usize = 50;

/// Envoy's answer.
#[derive(Debug, Deserialize)]
struct Told {
    stats: Vec<Stat>,
}

/// A gauge; whatever else there is has no name.
#[derive(Debug, Deserialize)]
struct Stat {
    #[serde(default)]
    name: String,
    #[serde(default)]
    value: u64,
}

/// Notes what Envoy tells. Where it does not, nothing is known.
pub(super) async fn tell_health(socket: PathBuf, upstreams: &mut BTreeMap<String, UpstreamHealthView>) {
    if upstreams.is_empty() {
        return;
    }
    match AdminClient::unix(socket).get(&path(upstreams.values())).await {
        Ok(reply) => note(&reply.body, upstreams),
        Err(error) => tracing::debug!("Envoy does not tell how endpoints are: {error}"),
    }
}

fn path<'u>(upstreams: impl Iterator<Item = &'u UpstreamHealthView>) -> String {
    let names: Vec<_> = upstreams.take(MOST).map(|upstream| regex::escape(&upstream.counted)).collect();
    let filter = format!("^cluster\\.({})\\.membership_(healthy|total)$", names.join("|"));
    let path = "/stats?format=json&";
    form_urlencoded::Serializer::for_suffix(path.to_owned(), path.len()).append_pair("filter", &filter).finish()
}

fn note(told: &[u8], upstreams: &mut BTreeMap<String, UpstreamHealthView>) {
    let Ok(Told { stats }) = serde_json::from_slice(told) else { return };
    for Stat { name, value } in stats {
        let Some((name, what)) = name.strip_prefix("cluster.").and_then(|rest| rest.split_once(".membership_")) else {
            continue;
        };
        for upstream in upstreams.values_mut().filter(|upstream| upstream.counted == name) {
            match what {
                "healthy" => upstream.healthy = Some(value),
                "total" => upstream.members = Some(value),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envoy_tells_how_many_endpoints_take_requests() {
        let upstream =
            |counted: &str| UpstreamHealthView { counted: counted.to_owned(), ..UpstreamHealthView::default() };
        let mut upstreams =
            BTreeMap::from([("cart:80-1".to_owned(), upstream("cart_80-1")), ("other".to_owned(), upstream("other"))]);
        let asked = path(upstreams.values());
        assert!(asked.contains("filter=%5Ecluster%5C.%28cart_80%5C-1%7Cother%29"), "{asked}");
        let told = r#"{"stats":[{"name":"cluster.cart_80-1.membership_healthy","value":2},
            {"name":"cluster.cart_80-1.membership_total","value":3},{"histograms":{}}]}"#;
        note(told.as_bytes(), &mut upstreams);
        assert_eq!((upstreams["cart:80-1"].healthy, upstreams["cart:80-1"].members), (Some(2), Some(3)));
        assert_eq!((upstreams["other"].healthy, upstreams["other"].members), (None, None));
        note(b"not json", &mut upstreams);
    }
}
