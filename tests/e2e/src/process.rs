//! A process that a test started, what it printed, and its end.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::eventually;

/// How long a process may take to end when its test is over.
const GRACE: Duration = Duration::from_secs(5);

/// Lines that are shown of what a process printed when its test fails.
const SHOWN: usize = 100;

/// Lines that a process printed.
type Lines = Arc<Mutex<Vec<String>>>;

/// A running process. When it is dropped it is told to end, and killed if it does not.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdout: Lines,
    stderr: Lines,
}

impl Process {
    /// Starts `command` and collects what it prints.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn spawn(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = collect(child.stdout.take().expect("piped"));
        let stderr = collect(child.stderr.take().expect("piped"));
        Self { child, stdout, stderr }
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The lines on standard output so far.
    #[must_use]
    pub fn stdout(&self) -> Vec<String> {
        self.stdout.lock().unwrap().clone()
    }

    /// The lines on standard error so far.
    #[must_use]
    pub fn stderr(&self) -> Vec<String> {
        self.stderr.lock().unwrap().clone()
    }

    /// Waits for a line on standard output that holds all of `parts`.
    ///
    /// # Panics
    /// If none comes in time.
    pub async fn line(&self, parts: &[&str]) -> String {
        eventually(&format!("a line with {parts:?}"), async || {
            let lines = self.stdout();
            let found = lines.iter().find(|line| parts.iter().all(|part| line.contains(part)));
            found.cloned().ok_or_else(|| format!("{lines:#?}"))
        })
        .await
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// If it has ended.
    pub fn signal(&self, signal: Signal) {
        signal_to(self.id(), signal);
    }

    /// How it ended, if it has.
    ///
    /// # Panics
    /// If it cannot be waited for.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it does not end in time.
    pub async fn exit(&mut self) -> ExitStatus {
        eventually("the process ends", async || self.ended().ok_or("it runs")).await
    }

    fn end(&mut self) {
        if self.ended().is_some() {
            return;
        }
        self.signal(Signal::TERM);
        let start = Instant::now();
        while self.ended().is_none() {
            if start.elapsed() > GRACE {
                self.signal(Signal::KILL);
                let _ = self.child.wait();
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
        if thread::panicking() {
            let status = self.ended().map(|status| (status.code(), status.signal()));
            eprintln!("process {} ended with (code, signal) {status:?}", self.id());
            eprintln!("standard output:\n{}", shown(self.stdout()));
            eprintln!("standard error:\n{}", shown(self.stderr()));
        }
    }
}

/// Sends a signal to a process that this test is responsible for.
pub(crate) fn signal_to(process: u32, signal: Signal) {
    let pid = i32::try_from(process).ok().and_then(Pid::from_raw).expect("a process id");
    kill_process(pid, signal).expect("the process can be signalled");
}

/// The newest lines, without access logs.
fn shown(mut lines: Vec<String>) -> String {
    lines.retain(|line| !line.starts_with("[20"));
    lines.drain(..lines.len().saturating_sub(SHOWN));
    lines.iter().map(|line| format!("  {line}\n")).collect()
}

fn collect(from: impl Read + Send + 'static) -> Lines {
    let lines = Lines::default();
    let into = Arc::clone(&lines);
    thread::spawn(move || {
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            into.lock().unwrap().push(String::from_utf8_lossy(&line).into_owned());
        }
    });
    lines
}

/// Processes whose command line or environment names `directory`, with their command lines.
///
/// # Panics
/// If `/proc` cannot be read.
#[must_use]
pub fn processes_of(directory: &Path) -> Vec<(u32, String)> {
    let needle = directory.to_string_lossy().into_owned();
    let entries = fs::read_dir("/proc").expect("/proc");
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let text = |id: u32, file: &str| fs::read(format!("/proc/{id}/{file}")).unwrap_or_default();
    ids.filter(|id| *id != std::process::id())
        .filter_map(|id| {
            let command = String::from_utf8_lossy(&text(id, "cmdline")).replace('\0', " ");
            let environment = text(id, "environ");
            let ours = command.contains(&needle) || String::from_utf8_lossy(&environment).contains(&needle);
            ours.then_some((id, command))
        })
        .collect()
}
