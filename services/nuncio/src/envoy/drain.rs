//! Letting an Envoy finish what it has begun.

use std::time::Duration;

use nuncio_controller::admin::AdminClient;
use tokio::time::{Instant, sleep};
use tracing::{debug, info};

/// How often to look whether Envoy is done.
const INTERVAL: Duration = Duration::from_millis(50);

/// How often in a row nothing must have been in flight, and nothing have begun.
const QUIET_LOOKS: u32 = 4;

/// The statistics that tell.
const STATISTICS: &str = "/stats?filter=downstream_(rq|cx)_(active|total)$";

/// Tells Envoy to fail its health checks and to turn clients away politely, then waits until nothing is in flight for
/// a moment, or for `limit`.
pub(crate) async fn drain(envoy: &AdminClient, limit: Duration) {
    let start = Instant::now();
    for command in ["/healthcheck/fail", "/drain_listeners?graceful"] {
        if let Err(error) = envoy.post(command).await {
            debug!("Envoy does not drain: {command}: {error}");
            return;
        }
    }
    let (mut quiet, mut last) = (0, None);
    while start.elapsed() < limit {
        let Ok(reply) = envoy.get(STATISTICS).await else { return };
        let load = Load::parse(&String::from_utf8_lossy(&reply.body));
        quiet = if load.active == 0 && last == Some(load.begun) { quiet + 1 } else { 0 };
        if quiet >= QUIET_LOOKS {
            return;
        }
        last = Some(load.begun);
        sleep(INTERVAL).await;
    }
    info!("not everything was finished within {} s", limit.as_secs());
}

/// What Envoy has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Load {
    /// HTTP requests and TCP connections in flight.
    active: u64,
    /// All there ever were.
    begun: u64,
}

impl Load {
    /// Sums `http.*.downstream_rq_*` and `tcp.*.downstream_cx_*`, without Envoy's admin interface: that is us, asking.
    fn parse(statistics: &str) -> Self {
        let mut load = Self::default();
        for (name, value) in statistics.lines().filter_map(|line| line.split_once(": ")) {
            let http = name.starts_with("http.") && name.contains(".downstream_rq_");
            let tcp = name.starts_with("tcp.") && name.contains(".downstream_cx_");
            if name.starts_with("http.admin.") || !(http || tcp) {
                continue;
            }
            let value: u64 = value.trim().parse().unwrap_or_default();
            let sum = if name.ends_with("_active") { &mut load.active } else { &mut load.begun };
            *sum += value;
        }
        load
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_clients_wait_for() {
        let text = "http.admin.downstream_rq_active: 1\nhttp.a.downstream_cx_active: 7\n\
            http.a.downstream_rq_active: 2\nhttp.a.downstream_rq_total: 9\n\
            listener.x.downstream_cx_active: 7\ntcp.t.downstream_cx_active: 3\ntcp.t.downstream_cx_total: 4\n";
        assert_eq!(Load::parse(text), Load { active: 5, begun: 13 });
    }
}
