//! Feeds bytes to a target.

use std::time::{Duration, Instant};

use crate::values::parsed_env;

/// Most bytes of a case.
const LONGEST: usize = 8192;

/// How long a target runs: `NUNCIO_FUZZ_SECONDS`, or 5 s.
#[must_use]
pub fn budget() -> Duration {
    Duration::from_secs(parsed_env("NUNCIO_FUZZ_SECONDS").unwrap_or(5))
}

/// The bytes of a case.
#[must_use]
pub fn case(seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let length = random.usize(..LONGEST);
    std::iter::repeat_with(|| random.u8(..)).take(length).collect()
}

/// Feeds case after case to `target`, from `NUNCIO_FUZZ_SEED` (or 0) on. A case that panics is named.
pub fn run(mut target: impl FnMut(&[u8])) {
    let first = parsed_env("NUNCIO_FUZZ_SEED").unwrap_or(0);
    let end = Instant::now() + budget();
    for seed in first.. {
        let named = Named(seed);
        target(&case(seed));
        drop(named);
        if Instant::now() > end {
            println!("{} cases", seed - first + 1);
            return;
        }
    }
}

/// Names the case when it panics.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to repeat this case alone: NUNCIO_FUZZ_SEED={} NUNCIO_FUZZ_SECONDS=0", self.0);
        }
    }
}
