//! The load generator, and what it says.

use std::net::SocketAddr;

use nuncio_e2e::{Client, eventually, get};
use tokio::process::Command;

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) requests: f64,
    /// Requests a second.
    pub(crate) rate: f64,
    /// Median latency in milliseconds.
    pub(crate) p50: f64,
    /// Requests without a reply, or with another status than a good one.
    pub(crate) failed: u64,
}

const PATH: &str = "/cart/7";

pub(crate) async fn wrk(address: SocketAddr, host: &str, connections: u32, seconds: u32) -> Run {
    let mut command = Command::new("wrk");
    command.args(["--threads", "1", "--latency", "--connections", &connections.to_string()]);
    command.args(["--duration", &format!("{seconds}s"), "--header", &format!("Host: {host}")]);
    let output = command.arg(format!("http://{address}{PATH}")).output().await;
    let output = output.expect("wrk is missing: scripts/setup.sh bench installs it");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    parse(&text).unwrap_or_else(|| panic!("wrk says {text}"))
}

fn parse(text: &str) -> Option<Run> {
    let after = |start: &str| text.lines().find_map(|line| line.trim().strip_prefix(start)).map(str::trim);
    let requests = text.lines().find_map(|line| line.split_once(" requests in ")?.0.trim().parse().ok())?;
    let errors = after("Socket errors:").map_or(0, |line| {
        let counts = line.split([' ', ',']).filter_map(|word| word.parse::<u64>().ok());
        counts.sum()
    });
    let bad = after("Non-2xx or 3xx responses:").map_or(Some(0), |count| count.parse().ok())?;
    Some(Run {
        requests,
        rate: after("Requests/sec:")?.parse().ok()?,
        p50: milliseconds(after("50%")?)?,
        failed: errors + bad,
    })
}

/// Reads `123.00us`, `1.23ms`, `1.23s`.
fn milliseconds(text: &str) -> Option<f64> {
    let (number, factor) = [("us", 1e-3), ("ms", 1.0), ("s", 1e3)]
        .into_iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    number.parse::<f64>().ok().map(|number| number * factor)
}

/// Waits until what is to be asked answers.
pub(crate) async fn answers(address: SocketAddr, host: &str) {
    let client = Client::http(address);
    eventually("it answers", async || {
        let reply = client.send(&get(host, PATH)).await.map_err(|failure| failure.to_string())?;
        if reply.status == 200 { Ok(()) } else { Err(reply.status.to_string()) }
    })
    .await;
}
