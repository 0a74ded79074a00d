//! Requests through an Envoy with one worker: our configuration beside a hand-written file that does the same.

mod by_hand;
mod wrk;

use std::net::SocketAddr;

use nuncio_e2e::yaml::{documents, host, listener, mapping_on, object};
use nuncio_e2e::{Gateway, Process, Site, eventually};
use serde_json::json;

use self::wrk::{Run, wrk};
use crate::statistics::median;
use crate::table::{Table, Target};
use crate::upstream;
use crate::usage::cpu;

/// Runs of each, in turn.
const ROUNDS: usize = 5;

/// Connections that ask all the time, for the most that there is.
const CONNECTIONS: u32 = 32;

const HOST: &str = "shop.bench.example";

/// The access log of both.
const LOG_FORMAT: &str = "[%START_TIME%] \"%REQ(:METHOD)% %PATH(NQ:ORIG_OR_PATH)% %PROTOCOL%\" %RESPONSE_CODE% %RESPONSE_FLAGS% \
    %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" \
    \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\" \"%UPSTREAM_CLUSTER%\"\n";

/// One of those compared.
struct Contender {
    address: SocketAddr,
    /// The Envoy.
    process: Option<u32>,
    runs: Vec<Run>,
    /// CPU time of the Envoy for a request, in µs.
    cost: Vec<f64>,
}

impl Contender {
    fn new(address: SocketAddr, process: Option<u32>) -> Self {
        Self { address, process, runs: Vec::new(), cost: Vec::new() }
    }

    async fn run(&mut self, connections: u32, seconds: u32) {
        let before = self.process.map(cpu);
        let run = wrk(self.address, HOST, connections, seconds).await;
        if let (Some(process), Some(before)) = (self.process, before) {
            self.cost.push((cpu(process) - before).as_secs_f64() * 1e6 / run.requests);
        }
        self.runs.push(run);
    }

    fn rate(&self) -> f64 {
        median(self.runs.iter().map(|run| run.rate).collect())
    }

    fn p50(&self) -> f64 {
        median(self.runs.iter().map(|run| run.p50).collect())
    }

    fn cost(&self) -> f64 {
        median(self.cost.clone())
    }
}

pub(crate) async fn measure(table: &mut Table, seconds: u32) {
    let upstream = upstream::start();
    let site = Site::new();
    let gateway = start_ours(&site, upstream).await;
    let other = Site::new();
    let by_hand = start_by_hand(&other, upstream).await;
    let ours = || Contender::new(site.http(), gateway.envoy());
    let theirs = || Contender::new(other.http(), Some(by_hand.id()));

    let (mut a, mut b) = (ours(), theirs());
    for _ in 0..ROUNDS {
        a.run(CONNECTIONS, seconds).await;
        b.run(CONNECTIONS, seconds).await;
    }
    most(table, &a, &b);

    let (mut a, mut b, mut direct) = (ours(), theirs(), Contender::new(upstream, None));
    for _ in 0..ROUNDS {
        for contender in [&mut a, &mut b, &mut direct] {
            contender.run(1, seconds.min(2)).await;
        }
    }
    let shown = |contender: &Contender| format!("{:.3} ms", contender.p50());
    let beside = format!(
        "by hand {:.3} ms more; p50 {}, by hand {}, without a proxy {}",
        b.p50() - direct.p50(),
        shown(&a),
        shown(&b),
        shown(&direct)
    );
    table.targeted("p50 added to a request, one at a time", a.p50() - direct.p50(), "ms", Target::AtMost(0.2), beside);
    gateway.stop().await;
}

/// As many requests as go through.
fn most(table: &mut Table, ours: &Contender, by_hand: &Contender) {
    let failed: u64 = ours.runs.iter().map(|run| run.failed).sum();
    let what = format!("requests/s, one worker, {CONNECTIONS} connections ({failed} failed)");
    let beside = format!("by hand {:.0}; wrk and the upstream share the machine", by_hand.rate());
    table.targeted(what, ours.rate(), "1/s", Target::AtLeast(23_000.0), beside);
    table.targeted("… of those by hand", ours.rate() / by_hand.rate(), "×", Target::AtLeast(0.98), String::new());
    let beside = format!(
        "{:.1} µs, by hand {:.1} µs: {:.0} requests/s for a core of its own",
        ours.cost(),
        by_hand.cost(),
        1e6 / ours.cost()
    );
    table.targeted(
        "Envoy CPU for a request, by hand over ours",
        by_hand.cost() / ours.cost(),
        "×",
        Target::AtLeast(0.98),
        beside,
    );
}

async fn start_ours(site: &Site, upstream: SocketAddr) -> Gateway<'_> {
    let log = site.root().join("access.log");
    let module = object(
        "Module",
        "ambassador",
        json!({"config": {"envoy_log_path": log, "envoy_log_format": LOG_FORMAT.trim_end()}}),
    );
    let edge = [listener("http", site.http().port(), "HTTP"), host("shop", HOST), module];
    site.write("edge.yaml", documents(&edge));
    site.write("shop.yaml", documents(&[mapping_on(HOST, "cart", "/cart/", upstream)]));
    let gateway = Gateway::start(site).await;
    wrk::answers(site.http(), HOST).await;
    gateway
}

async fn start_by_hand(site: &Site, upstream: SocketAddr) -> Process {
    let config = site.root().join("by-hand.json");
    std::fs::write(&config, by_hand::config(site, upstream).to_string()).expect("a file");
    let mut command = std::process::Command::new(nuncio_e2e::envoy());
    command.args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning", "--config-path"]);
    let process = Process::spawn(command.arg(config));
    eventually("Envoy listens", async || tokio::net::TcpStream::connect(site.http()).await).await;
    wrk::answers(site.http(), HOST).await;
    process
}
