//! What a process uses, from `/proc`.

use std::fs;
use std::time::Duration;

/// CPU time of all threads that live, to the nanosecond (`/proc/PID/stat` counts in ticks of 10 ms).
///
/// # Panics
/// If it does not run.
#[must_use]
pub fn cpu(process: u32) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).expect("a running process");
    tasks.filter_map(|task| run_time(&task.ok()?.path().join("schedstat").to_string_lossy())).sum()
}

/// CPU time of the first thread: of an Envoy, the one that takes configuration in.
///
/// # Panics
/// If it does not run.
#[must_use]
pub fn main_thread_cpu(process: u32) -> Duration {
    run_time(&format!("/proc/{process}/task/{process}/schedstat")).expect("a running process")
}

/// CPU time of the calling thread.
///
/// # Panics
/// If `/proc` cannot be read.
#[must_use]
pub fn own_cpu() -> Duration {
    run_time("/proc/thread-self/schedstat").expect("this thread runs")
}

fn run_time(file: &str) -> Option<Duration> {
    let text = fs::read_to_string(file).ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// Resident memory in MB (10⁶ bytes).
///
/// # Panics
/// If it does not run.
#[must_use]
pub fn resident(process: u32) -> f64 {
    megabytes(process, "VmRSS:")
}

/// The most memory that was resident at a time, in MB.
///
/// # Panics
/// If it does not run.
#[must_use]
pub fn most_resident(process: u32) -> f64 {
    megabytes(process, "VmHWM:")
}

fn megabytes(process: u32, name: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("a running process");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line of memory");
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kilobytes * 1_024.0 / 1e6
}
