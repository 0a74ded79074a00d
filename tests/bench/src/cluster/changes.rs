//! One Mapping changed or added: how long until a request sees it, and what it costs.

use std::time::{Duration, Instant};

use nuncio_e2e::{Client, Connection, Gateway, Site, get};
use nuncio_test_support::Goal;
use nuncio_test_support::usage::{cpu, main_thread_cpu};
use serde_json::json;

use super::place::{Place, mapping};
use crate::statistics::{Sample, milliseconds};
use crate::table::Table;

/// Milliseconds: until a request sees a change; of that from the watch's event to the ACK; CPU for it.
const SEEN: f64 = 50.0;
const OURS: f64 = 5.0;
const CPU: f64 = 5.0;
/// Changes that warm up what is to be measured.
const WARM_UP: usize = 3;
/// New host names.
const NEW: usize = 20;
/// A change is late.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between changes, so that each is by itself.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) async fn measure(table: &mut Table, place: &Place, site: &Site, gateway: &Gateway<'_>, count: usize) {
    let mut connection = Client::http(site.http()).connect().await.expect("a connection");
    let api = place.api(&mapping());
    let (mut took, mut used, mut envoys, mut live) = (Vec::new(), Duration::ZERO, Duration::ZERO, (0.0, 0.0));
    let envoy = gateway.envoy().expect("an Envoy");
    for change in 0..WARM_UP + count {
        if change == WARM_UP {
            (used, envoys, live) = (cpu(gateway.id()), main_thread_cpu(envoy), live_so_far(gateway).await);
        }
        let (n, version) = (place.changeable(change), (change + 1).to_string());
        let patch = json!({"spec": {"add_response_headers": {"x-version": {"value": version}}}});
        let begun = Instant::now();
        place.patch(&api, &format!("mapping-{n}"), patch).await;
        until_seen(&mut connection, &Place::host(n), &version).await;
        took.push(begun.elapsed());
        tokio::time::sleep(PAUSE).await;
    }
    let each = |whole: Duration| milliseconds(whole) / f64::from(u32::try_from(count).unwrap_or(1));
    let (used, envoys) =
        (each(cpu(gateway.id()).saturating_sub(used)), each(main_thread_cpu(envoy).saturating_sub(envoys)));
    let now = live_so_far(gateway).await;
    let ours = 1e3 * (now.0 - live.0) / (now.1 - live.1);
    let sample = Sample::new(took.split_off(WARM_UP));
    let what = |what: &str| format!("one of {} changed in the API server: {what}", place.size());
    let p90 = format!("p90 {:.1} ms", sample.p90());
    table.targeted(what("seen after (median)"), sample.median(), "ms", Goal::AtMost(SEEN), p90);
    table.targeted(what("of that ours, event to ACK (mean)"), ours, "ms", Goal::AtMost(OURS), String::new());
    let beside = format!("with the status that is written; Envoy's main thread {envoys:.1} ms");
    table.targeted(what("CPU of the controller"), used, "ms", Goal::AtMost(CPU), beside);
    new_hosts(table, place, &mut connection).await;
}

/// Seconds from noticing a change until every Envoy had it, and changes.
async fn live_so_far(gateway: &Gateway<'_>) -> (f64, f64) {
    let metrics = gateway.admin.text("/metrics?envoy=false").await;
    let value = |name: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|text| text.trim().parse().ok()).unwrap_or(f64::NAN)
    };
    (value("nuncio_changes_live_seconds_sum "), value("nuncio_changes_live_seconds_count "))
}

async fn until_seen(connection: &mut Connection, host: &str, version: &str) {
    let (ask, begun) = (get(host, "/0/"), Instant::now());
    loop {
        let reply = connection.send(&ask).await.expect("a reply");
        if reply.status == 200 && reply.header("x-version") == Some(version) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "version {version} of {host} does not come: {}", reply.status);
    }
}

/// New Mappings with host names of their own: 404, then 200, and nothing between.
async fn new_hosts(table: &mut Table, place: &Place, connection: &mut Connection) {
    let (api, mut took, mut others) = (place.api(&mapping()), Vec::new(), 0_u32);
    for n in 0..NEW {
        let host = format!("new-{n}.bench.example");
        let spec = json!({"hostname": host, "prefix": "/", "service": place.upstream.to_string(), "cluster_tag": format!("new{n}")});
        let object = nuncio_e2e::yaml::object("Mapping", &format!("new-{n}"), spec);
        let object = serde_json::from_value(object).expect("an object");
        let begun = Instant::now();
        api.create(&kube::api::PostParams::default(), &object).await.expect("a Mapping");
        loop {
            let status = connection.send(&get(&host, "/")).await.expect("a reply").status;
            match status {
                200 => break,
                404 => {}
                _ => others += 1,
            }
            assert!(begun.elapsed() < PATIENCE, "{host} is not served: {status}");
        }
        took.push(begun.elapsed());
    }
    let seen = Sample::new(took);
    let what = format!("{NEW} new host names beside {}: replies other than 404, then 200", place.size());
    let beside = format!("served after {:.1} ms (median), p90 {:.1} ms", seen.median(), seen.p90());
    table.targeted(what, others.into(), "", Goal::AtMost(0.0), beside);
}
