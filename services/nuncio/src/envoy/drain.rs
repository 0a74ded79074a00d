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

/// Lets Envoy come to an end within `limit`.
///
/// First it fails its health checks and turns clients away politely, and still answers new connections, for load balancers that
/// have not noticed yet: until nothing is in flight for a moment, or for half of the time. Then it refuses new connections, so
/// that no request begins that would be cut off, and what is in flight has the rest of the time.
pub(crate) async fn drain(envoy: &AdminClient, limit: Duration) {
    info!("stopping: readiness fails, and requests in flight have {} s to finish", limit.as_secs());
    let start = Instant::now();
    tell(envoy, "/healthcheck/fail").await;
    tell(envoy, "/drain_listeners?graceful").await;
    quiet(envoy, start + limit / 2).await;
    tell(envoy, "/drain_listeners").await;
    if !quiet(envoy, start + limit).await {
        info!("not everything was finished within {} s", limit.as_secs());
    }
}

async fn tell(envoy: &AdminClient, command: &str) {
    match envoy.post(command).await {
        Ok(reply) if reply.status.is_success() => {}
        Ok(reply) => debug!("Envoy does not drain: {command}: {}", reply.status),
        Err(error) => debug!("Envoy does not drain: {command}: {error}"),
    }
}

/// Waits until nothing is in flight, and nothing has begun, for a moment: true; or until `deadline`: false. While Envoy does not
/// tell, requests may be in flight.
async fn quiet(envoy: &AdminClient, deadline: Instant) -> bool {
    let (mut quiet, mut last) = (0, None);
    while Instant::now() < deadline {
        let load = look(envoy).await;
        let still = load.is_some_and(|load| load.active == 0 && last == Some(load.begun));
        quiet = if still { quiet + 1 } else { 0 };
        if quiet >= QUIET_LOOKS {
            return true;
        }
        last = load.map(|load| load.begun);
        sleep(INTERVAL).await;
    }
    false
}

async fn look(envoy: &AdminClient) -> Option<Load> {
    let reply = envoy.get(STATISTICS).await.ok().filter(|reply| reply.status.is_success())?;
    Some(Load::parse(&String::from_utf8_lossy(&reply.body)))
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
