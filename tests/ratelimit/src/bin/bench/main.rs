//! Processor time of the service for a decision, against envoyproxy/ratelimit, in one run.
//!
//! Each service has one processor and its Redis, with the load, the other; measurements of both take turns.
//! usage: `bench-ratelimit [seconds for each measurement]`

mod load;
mod rules;

use std::time::{Duration, Instant};

use anyhow::Context;
use envoy_types::pb::envoy::service::ratelimit::v3::RateLimitRequest;
use nuncio_ratelimit_tests::{Redis, Service, Which, descriptor, request};

const RULES: &str = "
domain: d
descriptors:
- {key: k, rate_limit: {unit: hour, requests_per_unit: 4000000000}}
- {key: b, rate_limit: {unit: day, requests_per_unit: 4000000000}}
- {key: c, rate_limit: {unit: hour, requests_per_unit: 4000000000}}
- {key: over, rate_limit: {unit: hour, requests_per_unit: 0}}
";
const CONNECTIONS: u64 = 4;
const ROUNDS: u32 = 2;
const STREAMS: usize = 64;
const VALUES: u64 = 10_000;

/// What is asked.
#[derive(Clone, Copy)]
struct Scenario {
    name: &'static str,
    request: fn(u64) -> RateLimitRequest,
    /// Calls a second; none for as many as there can be.
    rate: Option<u64>,
}

fn one(number: u64) -> RateLimitRequest {
    request("d", vec![descriptor(&[("k", &(number % VALUES).to_string())])])
}

fn three(number: u64) -> RateLimitRequest {
    let value = (number % VALUES).to_string();
    request("d", ["k", "b", "c"].iter().map(|key| descriptor(&[(key, &value)])).collect())
}

fn hot(_: u64) -> RateLimitRequest {
    request("d", vec![descriptor(&[("k", "hot")])])
}

fn over(_: u64) -> RateLimitRequest {
    request("d", vec![descriptor(&[("over", "v")])])
}

fn no_rule(number: u64) -> RateLimitRequest {
    request("d", vec![descriptor(&[("none", &(number % VALUES).to_string())])])
}

const SCENARIOS: [Scenario; 7] = [
    Scenario { name: "one descriptor", request: one, rate: None },
    Scenario { name: "three descriptors", request: three, rate: None },
    Scenario { name: "one hot key", request: hot, rate: None },
    Scenario { name: "over limit, local cache", request: over, rate: None },
    Scenario { name: "no rule", request: no_rule, rate: None },
    Scenario { name: "one descriptor, 2 000/s", request: one, rate: Some(2_000) },
    Scenario { name: "one descriptor, 6 000/s", request: one, rate: Some(6_000) },
];

#[derive(Clone, Copy, Default)]
struct Measured {
    decisions: f64,
    seconds: f64,
    service_micros: f64,
    redis_micros: f64,
    p99: Duration,
}

struct Side {
    service: Service,
    redis: Redis,
}

fn main() -> anyhow::Result<()> {
    let seconds = std::env::args().nth(1).map_or(Ok(2.0), |text| text.parse()).context("expected seconds")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(bench(Duration::from_secs_f64(seconds)))
}

async fn bench(duration: Duration) -> anyhow::Result<()> {
    let ours = start(Which::Ours).await?;
    let original = start(Which::Original).await?;
    println!(
        "{:<26}{:>24}{:>24}{:>22}{:>16}{:>12}",
        "", "service µs/decision", "Redis µs/decision", "decisions/s", "p99 ms", "CPU ratio"
    );
    for scenario in SCENARIOS {
        let (mut a, mut b) = (Measured::default(), Measured::default());
        for _ in 0..ROUNDS {
            a.add(measure(&ours, scenario, duration / ROUNDS).await?);
            b.add(measure(&original, scenario, duration / ROUNDS).await?);
        }
        println!(
            "{:<26}{:>13.1} :{:>9.1}{:>13.1} :{:>9.1}{:>11.0} :{:>9.0}{:>7.1} :{:>7.1}{:>11.2}",
            scenario.name,
            a.service_micros / a.decisions,
            b.service_micros / b.decisions,
            a.redis_micros / a.decisions,
            b.redis_micros / b.decisions,
            a.decisions / a.seconds,
            b.decisions / b.seconds,
            a.p99.as_secs_f64() * 1e3,
            b.p99.as_secs_f64() * 1e3,
            (a.service_micros / a.decisions) / (b.service_micros / b.decisions),
        );
    }
    println!(
        "memory: {} KiB : {} KiB",
        ours.service.process().resident_kib()?,
        original.service.process().resident_kib()?
    );
    drop((ours, original));
    rules::bench().await
}

async fn start(which: Which) -> anyhow::Result<Side> {
    let redis = Redis::start(&[])?;
    let url = redis.address();
    let variables =
        [("REDIS_URL", url.as_str()), ("LOCAL_CACHE_SIZE_IN_BYTES", "10000000"), ("NUNCIO_RATELIMIT_THREADS", "1")];
    let service = Service::start_pinned(which, 0, RULES, &variables).await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(Side { service, redis })
}

impl Measured {
    fn add(&mut self, other: Self) {
        self.decisions += other.decisions;
        self.seconds += other.seconds;
        self.service_micros += other.service_micros;
        self.redis_micros += other.redis_micros;
        self.p99 = self.p99.max(other.p99);
    }
}

async fn measure(side: &Side, scenario: Scenario, duration: Duration) -> anyhow::Result<Measured> {
    let before = (side.service.process().cpu_ticks()?, side.redis.process().cpu_ticks()?);
    let begun = Instant::now();
    let mut connections = tokio::task::JoinSet::new();
    for index in 0..CONNECTIONS {
        let plan = load::Plan {
            request: scenario.request,
            end: begun + duration,
            streams: STREAMS,
            numbers: (index, CONNECTIONS),
            pause: scenario.rate.map(|rate| Duration::from_secs_f64(CONNECTIONS as f64 / rate as f64)),
        };
        connections.spawn(load::run(side.service.grpc_port(), plan));
    }
    let mut times = Vec::new();
    while let Some(more) = connections.join_next().await {
        times.extend(more??);
    }
    let seconds = begun.elapsed().as_secs_f64();
    let after = (side.service.process().cpu_ticks()?, side.redis.process().cpu_ticks()?);
    times.sort_unstable();
    let micros = |before: u64, after: u64| (after - before) as f64 * 10_000.0;
    Ok(Measured {
        decisions: times.len() as f64,
        seconds,
        service_micros: micros(before.0, after.0),
        redis_micros: micros(before.1, after.1),
        p99: times.get(times.len() * 99 / 100).copied().unwrap_or_default(),
    })
}
