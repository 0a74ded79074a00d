//! Which cores the processes are pinned to: those measured to the first, what asks them and what they ask to another.

use std::process::Command;

/// Of what is measured, and of all else.
const MEASURED: &str = "0";
const OTHERS: &str = "1";

/// Starts something with a core of its own. What this process starts is where this process is.
pub(crate) async fn measured<T>(start: impl Future<Output = T>) -> T {
    pin(MEASURED);
    let started = start.await;
    pin(OTHERS);
    started
}

/// Does something with all cores, while nothing is measured.
pub(crate) async fn everywhere(work: impl Future<Output = ()>) {
    pin(&format!("{MEASURED},{OTHERS}"));
    work.await;
    pin(OTHERS);
}

/// Pins this process to where it is out of the way.
pub(crate) fn step_aside() {
    pin(OTHERS);
}

fn pin(core: &str) {
    let own = std::process::id().to_string();
    let output = Command::new("taskset").args(["--all-tasks", "--cpu-list", "--pid", core, &own]).output().unwrap();
    assert!(output.status.success(), "two cores are needed: {}", String::from_utf8_lossy(&output.stderr));
}
