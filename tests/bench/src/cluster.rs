//! Against a real API server: what a start, a change, a pod and an hour of nothing cost, and what faults lose.

mod changes;
mod churn;
mod faults;
mod idle;
mod place;

use std::time::{Duration, Instant};

use nuncio_e2e::{Gateway, Site};
use nuncio_test_support::Goal;
use nuncio_test_support::usage::{cpu, resident};

use self::place::Place;
use crate::loading::loaded;
use crate::table::Table;

/// Mappings, each of ten on a host name.
const SIZES: [usize; 2] = [1_000, 10_000];

/// The targets at the larger size: seconds until ready, seconds until every status is written, MB.
const READY: f64 = 5.0;
const WRITTEN: f64 = 30.0;
const MEMORY: f64 = 150.0;

pub(crate) async fn measure(table: &mut Table, most_mappings: usize, changes: usize) {
    for mappings in SIZES.into_iter().filter(|size| *size <= most_mappings) {
        let large = mappings == SIZES[1];
        let place = Place::new(mappings).await;
        let site = Site::new();
        let gateway = start(table, &place, &site, large).await;
        changes::measure(table, &place, &site, &gateway, changes).await;
        if large {
            churn::measure(table, &place, &gateway).await;
            idle::measure(table, &place, &gateway).await;
            faults::measure(table, &place, &site).await;
            gateway.stop().await;
            place.create_other_secrets(5_000).await;
            let gateway = beside_secrets(table, &place, &site).await;
            faults::measure_outage(table, place, &site, &gateway).await;
            gateway.stop().await;
        } else {
            gateway.stop().await;
            drop(place);
            in_all_versions(table, mappings, changes).await;
        }
    }
}

/// What it costs to serve older versions too.
async fn in_all_versions(table: &mut Table, mappings: usize, changes: usize) {
    let site = Site::new();
    let place = Place::new(mappings).await.serving_older(&site).await;
    let gateway = start(table, &place, &site, false).await;
    changes::measure(table, &place, &site, &gateway, changes).await;
    gateway.stop().await;
}

/// Starts a gateway for what is there, and waits until all of it is served and said to be.
async fn start<'a>(table: &mut Table, place: &Place, site: &'a Site, large: bool) -> Gateway<'a> {
    let (begun, mut command) = (Instant::now(), place.up(site));
    let gateway = Gateway::launch(site, &mut command);
    loaded(async || gateway.admin.ready().await).await;
    let (ready, used) = (begun.elapsed().as_secs_f64(), cpu(gateway.id()).as_secs_f64());
    let (size, services) = (place.size(), place.services());
    let mut add = |what: &str, value: f64, unit: &str, target: f64, beside: String| {
        let what = format!("{size}, {services} Services: {what}");
        if large {
            table.targeted(what, value, unit, Goal::AtMost(target), beside);
        } else {
            table.noted(what, format!("{value:.1} {unit}"), beside);
        }
    };
    add("start to ready", ready, "s", READY, format!("CPU of the controller {used:.1} s"));
    place.statuses_are_written(&gateway).await;
    add("start to every status written", begun.elapsed().as_secs_f64(), "s", WRITTEN, String::new());
    add("memory", resident(gateway.id()), "MB", MEMORY, String::new());
    gateway
}

/// Starts one beside Secrets that concern nobody.
async fn beside_secrets<'a>(table: &mut Table, place: &Place, site: &'a Site) -> Gateway<'a> {
    let (begun, mut command) = (Instant::now(), place.up(site));
    let gateway = Gateway::launch(site, &mut command);
    loaded(async || gateway.admin.ready().await).await;
    let ready = begun.elapsed();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let reached = format!("{:.1} s, {:.0} MB", ready.as_secs_f64(), resident(gateway.id()));
    table.noted("… started again, statuses as they should be, 5 000 other Secrets of 4 KiB there", reached, "");
    gateway
}
