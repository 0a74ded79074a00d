//! Nothing happens: what that costs.

use std::time::Duration;

use nuncio_e2e::Gateway;
use nuncio_test_support::Goal;
use nuncio_test_support::usage::cpu;

use super::place::Place;
use crate::table::Table;

const WHILE: Duration = Duration::from_secs(20);
/// Until what the last changes left to do is done.
const SETTLE: Duration = Duration::from_secs(15);
/// Percent of a core.
const CPU: f64 = 0.5;

pub(super) async fn measure(table: &mut Table, place: &Place, gateway: &Gateway<'_>) {
    tokio::time::sleep(SETTLE).await;
    let (used, calls) = (cpu(gateway.id()), calls(place).await);
    tokio::time::sleep(WHILE).await;
    let used = cpu(gateway.id()).saturating_sub(used);
    let now = self::calls(place).await;
    let percent = 100.0 * used.as_secs_f64() / WHILE.as_secs_f64();
    table.targeted("idle: CPU of the controller", percent, "%", Goal::AtMost(CPU), String::new());
    let leases = format!("for the Lease {:.2}/s", (now.leases - calls.leases) / WHILE.as_secs_f64());
    let others = (now.others - calls.others) / WHILE.as_secs_f64();
    table.targeted("idle: API calls but for the Lease", others, "/s", Goal::AtMost(0.0), leases);
}

/// Calls that the API server has answered. Nobody but the gateway asks for objects while nothing happens.
struct Calls {
    leases: f64,
    others: f64,
}

async fn calls(place: &Place) -> Calls {
    let metrics = place.cluster.kubectl(&["get", "--raw", "/metrics"]).await.success();
    let mut calls = Calls { leases: 0.0, others: 0.0 };
    for line in metrics.lines().filter(|line| line.starts_with("apiserver_request_total{")) {
        let count: f64 = line.rsplit(' ').next().and_then(|text| text.parse().ok()).unwrap_or(0.0);
        // The server's own, and questions that are not about objects.
        if line.contains("resource=\"leases\"") {
            calls.leases += count;
        } else if line.contains("group=\"getambassador.io\"")
            || ["services", "secrets", "endpointslices", "ingresses", "ingressclasses", "events"]
                .iter()
                .any(|resource| line.contains(&format!("resource=\"{resource}\"")))
        {
            calls.others += count;
        }
    }
    calls
}
