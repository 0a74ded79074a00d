//! How the endpoints of clusters are, as the Envoy beside the controller sees them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::client::AdminClient;
use super::operations::UpstreamHealthView;
use super::stats::{Stats, Wanted, any_of};

/// The most clusters that Envoy is asked about at a time.
const MOST: usize = 50;

/// Notes what Envoy tells. Where it does not, nothing is known.
pub(super) async fn tell_health(socket: PathBuf, upstreams: &mut BTreeMap<String, UpstreamHealthView>) {
    if upstreams.is_empty() {
        return;
    }
    let names = any_of(upstreams.values().take(MOST).map(|upstream| upstream.counted.as_str()));
    let wanted = Wanted::all(format!("^cluster\\.{names}\\.membership_(healthy|total)$"));
    match Stats::ask(&AdminClient::unix(socket), &wanted).await {
        Ok(stats) => note(&stats, upstreams),
        Err(why) => tracing::debug!("Envoy does not tell how endpoints are: {why}"),
    }
}

fn note(stats: &Stats, upstreams: &mut BTreeMap<String, UpstreamHealthView>) {
    for upstream in upstreams.values_mut() {
        let value = |what: &str| stats.value(&format!("cluster.{}.membership_{what}", upstream.counted));
        (upstream.healthy, upstream.members) = (value("healthy"), value("total"));
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
        let told = r#"{"stats":[{"name":"cluster.cart_80-1.membership_healthy","value":2},
            {"name":"cluster.cart_80-1.membership_total","value":3},{"histograms":{}}]}"#;
        note(&Stats::parse(told.as_bytes()).unwrap(), &mut upstreams);
        assert_eq!((upstreams["cart:80-1"].healthy, upstreams["cart:80-1"].members), (Some(2), Some(3)));
        assert_eq!((upstreams["other"].healthy, upstreams["other"].members), (None, None));
    }
}
