//! One of those compared, and what its processes use.

use std::time::Duration;

use nuncio_authz_tests::{Gateway, Upstream};
use nuncio_test_support::Running;

use crate::wrk;

/// Connections that ask all the time.
const CONNECTIONS: usize = 8;

/// An Envoy, and the service that it asks, if it asks one.
#[derive(Debug)]
pub(crate) struct Contender<'a> {
    pub(crate) name: &'static str,
    pub(crate) gateway: &'a Gateway,
    pub(crate) service: Option<&'a Running>,
    pub(crate) upstream: &'a Upstream,
    /// By which its requests are let through.
    pub(crate) header: &'a str,
    pub(crate) used: Vec<Cost>,
}

/// Microseconds of processor time for a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) all: f64,
    pub(crate) service: f64,
}

impl Contender<'_> {
    /// Asks for this long.
    pub(crate) async fn run(&mut self, length: Duration) {
        let service = || self.service.map_or(0.0, micros);
        let envoy = || micros(self.gateway.process());
        let before = (envoy(), service(), self.upstream.requests());
        wrk::run(&format!("{}/orders", self.gateway.origin), self.header, CONNECTIONS, length).await;
        let requests = (self.upstream.requests() - before.2) as f64;
        let service = service() - before.1;
        self.used.push(Cost { all: (envoy() - before.0 + service) / requests, service: service / requests });
    }

    /// Milliseconds that being asked about adds to the median of a request that is let through, one at a time.
    pub(crate) async fn added(&self, length: Duration) -> f64 {
        let median =
            async |path: &str| wrk::run(&format!("{}{path}", self.gateway.origin), self.header, 1, length).await.p50;
        median("/orders").await - median("/open/orders").await
    }

    /// The median.
    pub(crate) fn cost(&mut self) -> Cost {
        self.used.sort_by(|one, other| one.all.total_cmp(&other.all));
        self.used[self.used.len() / 2]
    }
}

fn micros(process: &Running) -> f64 {
    process.cpu().as_secs_f64() * 1e6
}
