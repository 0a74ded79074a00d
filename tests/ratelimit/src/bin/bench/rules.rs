//! Many rules: how long they take to load, what they hold, and what a lookup costs among them.

use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

use nuncio_ratelimit::config::{Config, Loader, Scratch, Source};
use nuncio_ratelimit::stats::Registry;
use nuncio_ratelimit_tests::{Service, Which};
use nuncio_test_support::{Goal, number, usage};

const FEW: u64 = 10;
const MANY: u64 = 100_000;
const LOOKUPS: u64 = 2_000_000;

fn text(rules: u64) -> String {
    let mut text = String::from("domain: d\ndescriptors:\n");
    for rule in 0..rules {
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "- key: user\n  value: user-{rule}\n  rate_limit: {{unit: hour, requests_per_unit: {rule}}}"
        );
    }
    text
}

fn load(text: &str, stats: &Registry) -> anyhow::Result<Config> {
    Ok(Loader { stats, merge_domains: false }.load(vec![Source::parse("rules", text)?])?)
}

/// Nanoseconds for a lookup of values that are there, each as often as any other.
fn lookup(config: &Config, stats: &Registry, rules: u64) -> f64 {
    let mut random = fastrand::Rng::with_seed(1);
    // Made before: only the lookups are measured. Few enough to stay in the cache beside the rules.
    let values: Vec<String> = (0..1_024).map(|_| format!("user-{}", random.u64(..rules))).collect();
    let mut scratch = Scratch::default();
    let begun = Instant::now();
    for index in 0..LOOKUPS {
        let entries = [("user", values[(index % 1_024) as usize].as_str())];
        black_box(config.limit(stats, &mut scratch, "d", black_box(&entries), None));
    }
    begun.elapsed().as_nanos() as f64 / LOOKUPS as f64
}

/// Prints the measurements.
pub(crate) async fn bench() -> anyhow::Result<()> {
    let (stats, more_stats) = (Registry::default(), Registry::default());
    let few = load(&text(FEW), &stats)?;
    let text = text(MANY);
    let begun = Instant::now();
    let many = load(&text, &more_stats)?;
    let loading = begun.elapsed().as_secs_f64();
    // By turns, so that both meet the machine as it is.
    let (mut among_few, mut among_many) = (f64::MAX, f64::MAX);
    for _ in 0..5 {
        among_few = among_few.min(lookup(&few, &stats, FEW));
        among_many = among_many.min(lookup(&many, &more_stats, MANY));
    }
    let memory = [("BACKEND_TYPE", "memory"), ("NUNCIO_RATELIMIT_THREADS", "1")];
    let service = Service::start(Which::Ours, &text, &memory).await?;
    let process = service.process().id();
    println!("\n{} rules", number(MANY as f64));
    tell("loading, seconds", loading, Goal::AtMost(1.0), "");
    let after = format!("{} MB after", number(usage::resident(process)));
    tell("memory while they are read, MB", usage::most_resident(process), Goal::AtMost(200.0), &after);
    let times = format!("{among_many:.0} ns, {among_few:.0} ns among {FEW}");
    tell("a lookup, ratio", among_many / among_few, Goal::AtMost(1.1), &times);
    Ok(())
}

fn tell(what: &str, value: f64, goal: Goal, beside: &str) {
    println!("{what:<31}{:>10}  {goal:<8} {:<8}{beside}", number(value), goal.mark(value), goal = goal.to_string());
}
