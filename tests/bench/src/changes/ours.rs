//! By a manifest file, through the product.

use std::time::{Duration, Instant};

use nuncio_e2e::{Client, Gateway, Site};
use nuncio_test_support::usage::main_thread_cpu;

use super::Changes;
use super::probe::{picked, until_seen};
use crate::fleet::{Fleet, file};
use crate::loading::loaded;
use crate::statistics::Sample;

/// Changes that warm up what is to be measured.
const WARM_UP: usize = 5;

pub(super) async fn measure(fleet: Fleet, count: usize) -> Changes {
    let site = Site::new();
    fleet.write(&site);
    let gateway = Gateway::launch_on(&site, &nuncio_e2e::envoy());
    loaded(async || gateway.admin.ready().await).await;
    let mut connection = Client::http(site.http()).connect().await.expect("a connection");
    until_seen(&mut connection, fleet.names() - 1, "0").await;

    let envoy = gateway.envoy().expect("an Envoy");
    let mut cpu = Duration::ZERO;
    let mut latencies = Vec::new();
    for change in 0..WARM_UP + count {
        let (index, version) = (picked(change, fleet.names()), (change + 1).to_string());
        let text = fleet.text(index, &version);
        if change == WARM_UP {
            cpu = main_thread_cpu(envoy);
        }
        let start = Instant::now();
        site.write(&file(index), text);
        until_seen(&mut connection, index, &version).await;
        latencies.push(start.elapsed());
    }
    let cpu = main_thread_cpu(envoy).saturating_sub(cpu);
    drop(connection);
    gateway.stop().await;
    Changes { latency: Sample::new(latencies.split_off(WARM_UP)), envoy_cpu: cpu / u32::try_from(count).unwrap() }
}
