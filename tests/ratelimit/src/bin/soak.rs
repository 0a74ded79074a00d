//! Ten minutes of load with faults in between, and memory that does not grow.
//!
//! usage: `soak-ratelimit [minutes]`

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nuncio_ratelimit_tests::{Client, Redis, Service, Which, descriptor, request};
use nuncio_test_support::usage;
use rustix::process::Signal;

const RULES: &str = "
domain: d
store_failure: local
descriptors:
- {key: k, rate_limit: {unit: second, requests_per_unit: 50}}
- {key: bucket, rate_limit: {unit: minute, requests_per_unit: 600, algorithm: gcra, burst: 30}}
- {key: sliding, rate_limit: {unit: minute, requests_per_unit: 600, algorithm: sliding_window}}
- {key: leased, rate_limit: {unit: minute, requests_per_unit: 100000, lease: 100}}
- {key: seen, detailed_metric: true, rate_limit: {unit: minute, requests_per_unit: 5}}
";
const KEYS: [&str; 5] = ["k", "bucket", "sliding", "leased", "seen"];
const CLIENTS: usize = 16;
/// How often something goes wrong.
const FAULT_EVERY: Duration = Duration::from_secs(20);
/// How many kinds of faults take turns. Longer than the longest window of the rules: what a fault leaves behind, such as what
/// is counted while Redis hangs, is gone when it comes again. So what is left at the least in a round is what must not grow.
const FAULTS: usize = 4;
/// In so many rounds everything that fills up is full.
const WARM: usize = 2;
/// By how much memory may then still move.
const GROWTH: f64 = 1.15;

fn main() -> anyhow::Result<()> {
    let minutes = std::env::args().nth(1).map_or(Ok(10.0), |text| text.parse()).context("expected minutes")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(soak(Duration::from_secs_f64(minutes * 60.0)))
}

async fn soak(length: Duration) -> anyhow::Result<()> {
    let mut redis = Redis::start(&[])?;
    let url = redis.address();
    let variables = [
        ("REDIS_URL", url.as_str()),
        ("LOCAL_CACHE_SIZE_IN_BYTES", "1000000"),
        ("USE_PROMETHEUS", "true"),
        ("PROMETHEUS_ADDR", "127.0.0.1:0"),
    ];
    let service = Service::start(Which::Ours, RULES, &variables).await?;
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        tasks.spawn(load(service.client().await?, begun + length));
    }
    let mut memory = Vec::new();
    let mut faults = 0;
    let mut next_fault = begun + FAULT_EVERY;
    while begun.elapsed() < length {
        tokio::time::sleep(Duration::from_secs(1)).await;
        memory.push(usage::resident(service.process().id()));
        if Instant::now() > next_fault {
            next_fault += FAULT_EVERY;
            fault(&mut redis, &service, faults).await?;
            faults += 1;
        }
    }
    let mut calls = 0;
    while let Some(done) = tasks.join_next().await {
        calls += done??;
    }
    println!("{calls} calls, {faults} faults");
    judge(&memory)
}

/// Compares the least memory, in MB, of the rounds of faults; one number came each second.
fn judge(memory: &[f64]) -> anyhow::Result<()> {
    let round = FAULTS * FAULT_EVERY.as_secs() as usize;
    let least: Vec<f64> =
        memory.chunks_exact(round).map(|round| round.iter().copied().fold(f64::MAX, f64::min)).collect();
    let most = memory.iter().copied().fold(0.0, f64::max);
    println!("least memory of each round of faults, in MB: {least:.1?}; the most at any time: {most:.1}");
    let [first, .., last] = least.get(WARM..).unwrap_or_default() else {
        bail!("too short to tell whether memory grows: that takes {} rounds of {round} seconds", WARM + 2);
    };
    if *last > first * GROWTH {
        bail!("memory grows");
    }
    Ok(())
}

/// Asks until the end, about ever other values, and says how often. Rules say what to answer without Redis: no call fails.
async fn load(mut client: Client, end: Instant) -> anyhow::Result<u64> {
    let (mut calls, mut random) = (0, fastrand::Rng::new());
    while Instant::now() < end {
        let value = random.u32(..200_000).to_string();
        let asked = request("d", KEYS.iter().map(|key| descriptor(&[(key, &value)])).collect());
        client.should_rate_limit(asked).await.with_context(|| format!("call {calls}"))?;
        calls += 1;
    }
    Ok(calls)
}

/// Something that happens to Redis, or to the rules.
async fn fault(redis: &mut Redis, service: &Service, number: usize) -> anyhow::Result<()> {
    match number % FAULTS {
        0 => redis.restart()?,
        1 => {
            redis.process().signal(Signal::STOP)?;
            tokio::time::sleep(Duration::from_secs(3)).await;
            redis.process().signal(Signal::CONT)?;
        }
        2 => _ = redis.call(&["CLIENT", "KILL", "TYPE", "normal"])?,
        _ => service.write_rules(&format!("{RULES}# {number}\n"))?,
    }
    Ok(())
}
