//! What is compared under load: how much goes through, and what a request costs.

use std::net::SocketAddr;

use nuncio_test_support::usage::cpu;

use super::wrk::{Run, wrk};
use crate::statistics::median;

/// One of those compared.
pub(crate) struct Contender {
    address: SocketAddr,
    host: &'static str,
    /// The Envoy.
    process: Option<u32>,
    runs: Vec<Run>,
    /// CPU time of the Envoy for a request, in µs.
    pub(crate) cost: Vec<f64>,
}

impl Contender {
    pub(crate) fn new(address: SocketAddr, host: &'static str, process: Option<u32>) -> Self {
        Self { address, host, process, runs: Vec::new(), cost: Vec::new() }
    }

    pub(crate) async fn run(&mut self, connections: u32, seconds: u32) {
        let before = self.process.map(cpu);
        let run = wrk(self.address, self.host, connections, seconds).await;
        if let (Some(process), Some(before)) = (self.process, before) {
            self.cost.push((cpu(process) - before).as_secs_f64() * 1e6 / run.requests);
        }
        self.runs.push(run);
    }

    pub(crate) fn rates(&self) -> Vec<f64> {
        self.runs.iter().map(|run| run.rate).collect()
    }

    pub(crate) fn p50(&self) -> f64 {
        median(self.runs.iter().map(|run| run.p50).collect())
    }

    pub(crate) fn failed(&self) -> u64 {
        self.runs.iter().map(|run| run.failed).sum()
    }
}

/// The median of the ratios, each of two runs that came one after the other.
pub(crate) fn ratio(above: &[f64], below: &[f64]) -> f64 {
    median(above.iter().zip(below).map(|(above, below)| above / below).collect())
}
