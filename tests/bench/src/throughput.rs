//! Requests through an Envoy with one worker: our configuration beside a hand-written file that does the same.

mod by_hand;
pub(crate) mod contender;
pub(crate) mod wrk;

use std::net::SocketAddr;

use nuncio_e2e::yaml::{documents, host, listener, mapping_on, object};
use nuncio_e2e::{Gateway, Process, Site, eventually};
use nuncio_test_support::Goal;
use serde_json::json;

use self::by_hand::Settings;
use self::contender::{Contender, ratio};
use crate::statistics::median;
use crate::table::Table;
use crate::upstream;

/// Runs of each, in turn: many and short, since what else the machine does comes and goes.
const ROUNDS: usize = 12;

/// Connections that ask all the time, for the most that there is.
const CONNECTIONS: u32 = 32;

const HOST: &str = "shop.bench.example";

/// The access log of both.
const LOG_FORMAT: &str = "[%START_TIME%] \"%REQ(:METHOD)% %PATH(NQ:ORIG_OR_PATH)% %PROTOCOL%\" %RESPONSE_CODE% %RESPONSE_FLAGS% \
    %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" \
    \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\" \"%UPSTREAM_CLUSTER%\"\n";

pub(crate) async fn measure(table: &mut Table, seconds: u32) {
    let upstream = upstream::start();
    let sites = [Site::new(), Site::new(), Site::new()];
    let gateway = start_ours(&sites[0], upstream).await;
    let edge = start_by_hand(&sites[1], upstream, Settings::Edge).await;
    let fewest = start_by_hand(&sites[2], upstream, Settings::Fewest).await;
    let processes = [gateway.envoy(), Some(edge.id()), Some(fewest.id())];
    let contenders = || [0, 1, 2].map(|at| Contender::new(sites[at].http(), HOST, processes[at]));

    let mut all = contenders();
    for round in 0..ROUNDS {
        for at in 0..all.len() {
            all[(at + round) % 3].run(CONNECTIONS, seconds).await;
        }
    }
    most(table, &all);

    let (mut all, mut direct) = (contenders(), Contender::new(upstream, HOST, None));
    for _ in 0..ROUNDS / 2 {
        for contender in all.iter_mut().chain([&mut direct]) {
            contender.run(1, seconds).await;
        }
    }
    let [ours, edge, fewest] = all.map(|contender| contender.p50());
    let direct = direct.p50();
    let beside = format!(
        "by hand {:.3} ms, with fewest settings {:.3} ms; without a proxy a request takes {direct:.3} ms",
        edge - direct,
        fewest - direct,
    );
    table.targeted("p50 added to a request, one at a time", ours - direct, "ms", Goal::AtMost(0.2), beside);
    gateway.stop().await;
}

/// As many requests as go through.
fn most(table: &mut Table, [ours, edge, fewest]: &[Contender; 3]) {
    let what = format!("requests/s, one worker, {CONNECTIONS} connections (median)");
    let failed = format!("failed {}, by hand {}", ours.failed(), edge.failed() + fewest.failed());
    let beside =
        format!("by hand {:.0}; {failed}; the load generator and the upstream share the machine", median(edge.rates()));
    table.targeted(what, median(ours.rates()), "1/s", Goal::AtLeast(23_000.0), beside);
    let beside = format!("with fewest settings {:.2} ×", ratio(&ours.rates(), &fewest.rates()));
    table.targeted("… of those by hand", ratio(&ours.rates(), &edge.rates()), "×", Goal::AtLeast(0.98), beside);
    let cost = median(ours.cost.clone());
    let beside = format!(
        "with fewest settings {:.2} ×; ours {cost:.1} µs, by hand {:.1} µs: a core of its own takes {:.0}/s",
        ratio(&fewest.cost, &ours.cost),
        median(edge.cost.clone()),
        1e6 / cost,
    );
    let what = "Envoy CPU for a request, by hand over ours";
    table.targeted(what, ratio(&edge.cost, &ours.cost), "×", Goal::AtLeast(0.98), beside);
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

async fn start_by_hand(site: &Site, upstream: SocketAddr, settings: Settings) -> Process {
    let config = site.root().join("by-hand.json");
    std::fs::write(&config, by_hand::config(site, upstream, settings).to_string()).expect("a file");
    let mut command = std::process::Command::new(nuncio_e2e::envoy());
    command.args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning", "--config-path"]);
    let process = Process::spawn(command.arg(config));
    eventually("Envoy listens", async || tokio::net::TcpStream::connect(site.http()).await).await;
    wrk::answers(site.http(), HOST).await;
    process
}
