//! From nothing to a fleet: CPU time, where it goes, and memory.

use std::time::{Duration, Instant};

use nuncio_e2e::{Controller, Envoy, Site};
use nuncio_test_support::Goal;
use nuncio_test_support::usage::{cpu, resident};

use crate::fleet::{Fleet, Hosts};
use crate::loading::loaded;
use crate::table::Table;
use crate::upstream;

mod split;

/// Mappings, and the memory that the controller may have with them, in MB.
const FLEETS: [(usize, f64); 2] = [(5_000, 60.0), (100_000, 600.0)];

/// CPU seconds for the larger.
const CPU: f64 = 2.0;

pub(crate) async fn measure(table: &mut Table, most_routes: usize) {
    for (routes, memory) in FLEETS.into_iter().filter(|(routes, _)| *routes <= most_routes) {
        let fleet = Fleet { routes, hosts: Hosts::Wildcard, upstream: upstream::start() };
        one(table, fleet, memory).await;
        let split = split::measure(fleet);
        table.noted(format!("… of that, in one thread of the benchmark, {routes} Mappings"), split, "");
    }
}

async fn one(table: &mut Table, fleet: Fleet, memory: f64) {
    let site = Site::new();
    fleet.write(&site);
    let Fleet { routes, .. } = fleet;
    let controller = Controller::start(&site).await;
    controller.line(&["Serving"]).await;
    let cold = cpu(controller.id());
    let what = format!("cold build of {routes} Mappings, CPU of the controller");
    let seconds = cold.as_secs_f64();
    if fleet.routes == FLEETS[1].0 {
        table.targeted(what, seconds, "s", Goal::AtMost(CPU), String::new());
    } else {
        table.noted(what, format!("{seconds:.2} s"), "");
    }

    let (first, first_cpu, loaded) = connect(&site, &controller, "first").await;
    let with_one = resident(controller.id());
    let what = format!("controller memory with {routes} Mappings, one Envoy connected");
    table.targeted(what, with_one, "MB", Goal::AtMost(memory), format!("that Envoy: {:.0} MB", resident(first.id())));

    let (second, second_cpu, again) = connect(&site, &controller, "second").await;
    let more = resident(controller.id()) - with_one;
    let reached = format!("{:.2} s, {more:+.1} MB", second_cpu.as_secs_f64());
    let beside = format!(
        "the first: {:.2} s. Connected to loaded: {:.1} s, the first {:.1} s",
        first_cpu.as_secs_f64(),
        again.as_secs_f64(),
        loaded.as_secs_f64(),
    );
    table.noted("… a second Envoy costs the controller", reached, beside);
    drop((first, second));
    controller.kill().await;
}

/// Starts an Envoy and waits until it has everything: what that cost the controller, and how long it took.
async fn connect(site: &Site, controller: &Controller, name: &str) -> (Envoy, Duration, Duration) {
    let (start, before) = (Instant::now(), cpu(controller.id()));
    let envoy = Envoy::start(site, name);
    loaded(async || {
        let envoys = controller.admin.list("envoys").await;
        let ours = envoys.iter().find(|envoy| envoy["node"] == name).ok_or("it is not connected")?;
        let synced = ours["synced_revision"].is_u64() && ours["synced_revision"] == ours["newest_revision"];
        if synced { Ok(()) } else { Err("it is loading") }
    })
    .await;
    (envoy, cpu(controller.id()).saturating_sub(before), start.elapsed())
}
