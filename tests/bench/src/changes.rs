//! One route changed: how long until a request sees it.

mod ours;
mod probe;
mod rds;

use std::time::Duration;

use nuncio_test_support::Goal;

use crate::fleet::{Fleet, Hosts};
use crate::statistics::{Sample, milliseconds};
use crate::table::Table;
use crate::upstream;

/// What it is compared with.
const RDS: &str = "all in one RouteConfiguration";

/// What a number of changes took.
struct Changes {
    latency: Sample,
    /// CPU time of the Envoy's main thread, of one change on average.
    envoy_cpu: Duration,
}

impl Changes {
    fn shown(&self) -> String {
        let Self { latency, envoy_cpu } = self;
        format!("p90 {:.1} ms, Envoy CPU {:.2} ms", latency.p90(), milliseconds(*envoy_cpu))
    }
}

pub(crate) async fn measure(table: &mut Table, most_routes: usize, count: usize) {
    let upstream = upstream::start();
    let mut medians = Vec::new();
    for routes in [1_000, 10_000, 100_000].into_iter().filter(|routes| *routes <= most_routes) {
        let fleet = Fleet { routes, hosts: Hosts::Wildcard, upstream };
        let ours = ours::measure(fleet, count).await;
        let theirs = rds::measure(fleet, count).await;
        let what = format!("one of {routes} routes changed: seen after (median)");
        let beside = format!("{}; {RDS}: {:.1} ms, {}", ours.shown(), theirs.latency.median(), theirs.shown());
        table.targeted(what, ours.latency.median(), "ms", Goal::AtMost(5.0), beside);
        medians.push((ours.latency.median(), theirs.latency.median()));
    }
    if let [.., (ten, ten_rds), (hundred, hundred_rds)] = medians[..] {
        let beside = format!("{RDS}: {:.1} ×", hundred_rds / ten_rds);
        table.targeted("growth from 10 000 to 100 000 routes", hundred / ten, "×", Goal::AtMost(1.5), beside);
    }
    let each = Fleet { routes: 10_000.min(most_routes), hosts: Hosts::Each, upstream };
    let ours = ours::measure(each, count).await;
    let what = format!("one of {} routes, a Host for each name", each.routes);
    table.targeted(what, ours.latency.median(), "ms", Goal::AtMost(5.0), ours.shown());
}
