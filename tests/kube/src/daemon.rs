//! A part of the cluster: a process with a log file.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use nuncio_test_support::{Group, Running};
use rustix::process::Signal;

use crate::layout::Layout;

/// Lines of the log that are shown when it ends by itself.
const SHOWN: usize = 20;

/// A running part.
#[derive(Debug)]
pub(crate) struct Daemon {
    running: Running,
    log: PathBuf,
}

impl Daemon {
    /// Starts it in `group`. What it prints goes to the end of `NAME.log`.
    pub(crate) fn spawn(layout: &Layout, group: &Group, name: &str, command: &mut Command) -> Self {
        let log = layout.file(&format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log).expect("a log file");
        command.current_dir(layout.directory()).stdin(Stdio::null());
        command.stdout(file.try_clone().expect("a second handle")).stderr(file);
        Self { running: Running::spawn(group.adopt(command)), log }
    }

    /// Sees that it runs.
    ///
    /// # Panics
    /// If it has ended, with its last words.
    pub(crate) fn must_run(&mut self) {
        if let Some(status) = self.running.ended() {
            let log = fs::read(&self.log).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            let lines: Vec<_> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(SHOWN)..];
            panic!("{} ended with {status}:\n{}", self.log.display(), last.join("\n"));
        }
    }

    /// Kills it, as a crash would end it.
    pub(crate) async fn kill(mut self) {
        self.running.signal(Signal::KILL);
        self.running.exit().await;
    }
}
