//! Checks that are asked of a service itself: over a few connections of HTTP/2, as an Envoy that is busy asks ours, and over
//! as many connections of HTTP/1.1 as there are requests at a time.

use std::time::{Duration, Instant};

use nuncio_test_support::load::{self, Plan, Write};
use nuncio_test_support::{Goal, Running, number};

use crate::check;
use crate::wrk;

/// Requests at a time.
const LOADS: [usize; 3] = [1, 8, 64];
/// Connections of HTTP/2 at most: as many as an Envoy with two workers has.
const CONNECTIONS: usize = 2;
/// Measurements of each, in turn.
const ROUNDS: u32 = 2;

/// Somebody who is asked.
pub(crate) struct Asked<'a> {
    pub(crate) process: &'a Running,
    pub(crate) by: By,
}

/// How.
pub(crate) enum By {
    /// `HOST:PORT`, and the messages.
    Grpc(String, Write),
    /// A URL, and the header that lets a request through.
    Http(String, String),
}

/// What checks cost and take.
#[derive(Clone, Copy, Default)]
pub(crate) struct Figures {
    /// Microseconds of the service's processor time for a check.
    pub(crate) cpu: f64,
    /// Checks a second of its one core.
    pub(crate) rate: f64,
    /// Milliseconds that 99 of 100 do not exceed.
    pub(crate) p99: f64,
}

/// Prints what two cost, ours first, at each number of requests at a time; each is asked for this long, several times.
pub(crate) async fn compare(what: &str, pair: [Asked<'_>; 2], length: Duration) {
    for at_a_time in LOADS {
        let [ours, theirs] = by_turns(&pair, at_a_time, length).await;
        println!(
            "{:<44}{}{}{}",
            format!("{what}, {at_a_time} at a time"),
            cell(ours.cpu, theirs.cpu, Goal::AtMost(0.25)),
            cell(ours.rate, theirs.rate, Goal::AtLeast(4.0)),
            cell(ours.p99, theirs.p99, Goal::AtMost(1.0)),
        );
    }
}

/// Prints what ours costs beside a server that lets everything through.
pub(crate) async fn beside_protocol(what: &str, pair: [Asked<'_>; 2], length: Duration, goal: Goal) {
    println!("\n{:<44}{:>9}{:>13}{:>9}{:>9}   goal", "CPU µs", "ours", "only says OK", "ratio", "net");
    for at_a_time in LOADS {
        let [ours, ok] = by_turns(&pair, at_a_time, length).await;
        println!(
            "{:<44}{:>9}{:>13}{:>9.2}{:>9}   {goal} {}",
            format!("{what}, {at_a_time} at a time"),
            number(ours.cpu),
            number(ok.cpu),
            ours.cpu / ok.cpu,
            number(ours.cpu - ok.cpu),
            goal.mark(ours.cpu),
        );
    }
}

async fn by_turns(pair: &[Asked<'_>; 2], at_a_time: usize, length: Duration) -> [Figures; 2] {
    let mut figures = [Figures::default(); 2];
    for _ in 0..ROUNDS {
        for (asked, sum) in pair.iter().zip(&mut figures) {
            sum.add(asked.run(at_a_time, length).await);
        }
    }
    figures.map(Figures::mean)
}

/// Prints the names of what [`compare`] prints.
pub(crate) fn head([ours, theirs]: [&str; 2]) {
    let named = ["CPU µs, ratio ≤ 0.25", "checks/s, ratio ≥ 4", "p99 ms, ratio ≤ 1"];
    println!("\n{:<44}{}", "", named.map(|name| format!("{name:>37}")).concat());
    println!("{:<44}{}", "", format!("{ours:>9}{theirs:>13}{:>7}{:8}", "ratio", "").repeat(3));
}

fn cell(ours: f64, theirs: f64, goal: Goal) -> String {
    let ratio = ours / theirs;
    format!("{:>9}{:>13}{ratio:>7.2} {:<7}", number(ours), number(theirs), goal.mark(ratio))
}

impl Figures {
    fn add(&mut self, other: Self) {
        self.cpu += other.cpu;
        self.rate += other.rate;
        self.p99 += other.p99;
    }

    fn mean(self) -> Self {
        let rounds = f64::from(ROUNDS);
        Self { cpu: self.cpu / rounds, rate: self.rate / rounds, p99: self.p99 / rounds }
    }
}

impl Asked<'_> {
    /// Asks for this long.
    pub(crate) async fn run(&self, at_a_time: usize, length: Duration) -> Figures {
        let (before, begun) = (self.process.cpu(), Instant::now());
        let (checks, p99) = match &self.by {
            By::Grpc(address, message) => by_grpc(address, message, at_a_time, length).await,
            By::Http(url, header) => by_http(url, header, at_a_time, length).await,
        };
        let used = self.process.cpu() - before;
        let checks = checks as f64;
        Figures { cpu: used.as_secs_f64() * 1e6 / checks, rate: checks / begun.elapsed().as_secs_f64(), p99 }
    }
}

async fn by_grpc(address: &str, message: &Write, at_a_time: usize, length: Duration) -> (usize, f64) {
    let connections = CONNECTIONS.min(at_a_time);
    let mut running = tokio::task::JoinSet::new();
    for index in 0..connections as u64 {
        running.spawn(load::run(Plan {
            address: address.parse().unwrap(),
            path: check::PATH,
            message: message.clone(),
            end: Instant::now() + length,
            streams: at_a_time / connections,
            numbers: (index, connections as u64),
            pause: None,
        }));
    }
    let mut times = Vec::new();
    while let Some(of_one) = running.join_next().await {
        times.extend(of_one.unwrap().unwrap());
    }
    times.sort_unstable();
    (times.len(), times[times.len() * 99 / 100].as_secs_f64() * 1e3)
}

async fn by_http(url: &str, header: &str, at_a_time: usize, length: Duration) -> (usize, f64) {
    let said = wrk::run(url, header, at_a_time, length).await;
    (said.requests, said.p99)
}
