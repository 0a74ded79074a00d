//! A process that a test started, what it printed, and its end.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::ops::{Deref, DerefMut};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::{Running, assert_no_secret, eventually, keep_secret};

/// With this begins a line in which a process that is told secrets tells the test one.
const GIVEN: &str = "given ";

/// Lines that are shown of what a process printed when its test fails.
const SHOWN: usize = 100;

/// How long what a process has written may take to be read when it has ended: its children may write on.
const REST: Duration = Duration::from_secs(5);

/// Lines that a process printed.
type Lines = Arc<Mutex<Vec<String>>>;

/// A running process with what it prints. When it is dropped it is ended, and what it printed is searched for secrets; if it is
/// dropped because the test failed, its newest lines are shown.
#[derive(Debug)]
pub struct Process {
    name: String,
    running: Running,
    stdout: Lines,
    stderr: Lines,
    readers: Vec<JoinHandle<()>>,
    is_confidant: bool,
}

impl Process {
    /// Starts `command` and collects what it prints.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn spawn(command: &mut Command) -> Self {
        Self::launch(command, false)
    }

    /// The same for one that gives out secrets itself, and prints for the test which: `given SECRET`.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn spawn_confidant(command: &mut Command) -> Self {
        Self::launch(command, true)
    }

    fn launch(command: &mut Command, is_confidant: bool) -> Self {
        let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = Running::spawn(command);
        let (stdout, first) = collect(running.child().stdout.take().expect("piped"), is_confidant);
        let (stderr, second) = collect(running.child().stderr.take().expect("piped"), false);
        Self { name, running, stdout, stderr, readers: vec![first, second], is_confidant }
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

    /// Waits until all that it has written is read, the last words too.
    fn read_up(&mut self) {
        let start = Instant::now();
        while self.readers.iter().any(|reader| !reader.is_finished()) && start.elapsed() < REST {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Deref for Process {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.running
    }
}

impl DerefMut for Process {
    fn deref_mut(&mut self) -> &mut Running {
        &mut self.running
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
        self.read_up();
        if !thread::panicking() && !self.is_confidant {
            assert_no_secret(&self.name, &[self.stdout(), self.stderr()].concat().join("\n"));
        }
        if thread::panicking() {
            let status = self.ended().map(|status| (status.code(), status.signal()));
            eprintln!("process {} ended with (code, signal) {status:?}", self.id());
            eprintln!("standard output:\n{}", shown(self.stdout()));
            eprintln!("standard error:\n{}", shown(self.stderr()));
        }
    }
}

/// The newest lines, without access logs.
fn shown(mut lines: Vec<String>) -> String {
    lines.retain(|line| !line.starts_with("[20"));
    lines.drain(..lines.len().saturating_sub(SHOWN));
    lines.iter().map(|line| format!("  {line}\n")).collect()
}

fn collect(from: impl Read + Send + 'static, is_confidant: bool) -> (Lines, JoinHandle<()>) {
    let lines = Lines::default();
    let into = Arc::clone(&lines);
    let reader = thread::spawn(move || {
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            if let Some(secret) = line.strip_prefix(GIVEN).filter(|_| is_confidant) {
                keep_secret(secret);
            }
            into.lock().unwrap().push(line);
        }
    });
    (lines, reader)
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
