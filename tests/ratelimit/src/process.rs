//! Processes that end with the test.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, bail};

/// What [`free_port`] gives out. The system gives none of these to clients or to who asks for any port, and none of the
/// ports of a cluster's bus either, 10,000 above.
const PORTS: Range<u16> = 12_000..18_000;

/// A process that is killed when it is dropped.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts it, without its output unless `RATELIMIT_TESTS_OUTPUT` is set.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        Self::start_logging(command, Stdio::null())
    }

    /// The same; what it logs goes there, unless `RATELIMIT_TESTS_OUTPUT` is set.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_logging(command: &mut Command, log: impl Into<Stdio>) -> anyhow::Result<Self> {
        if std::env::var_os("RATELIMIT_TESTS_OUTPUT").is_none() {
            command.stdout(Stdio::null()).stderr(log);
        }
        command.stdin(Stdio::null()).spawn().map(Self).with_context(|| format!("cannot start {command:?}"))
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When it is gone.
    pub fn signal(&self, signal: rustix::process::Signal) -> anyhow::Result<()> {
        let id = i32::try_from(self.id()).ok().and_then(rustix::process::Pid::from_raw).context("no process id")?;
        Ok(rustix::process::kill_process(id, signal)?)
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn ended(&mut self) -> anyhow::Result<Option<std::process::ExitStatus>> {
        Ok(self.0.try_wait()?)
    }

    /// Kills it and waits until it is gone.
    pub fn kill(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port of the loopback address that nobody listens at, and that no other call is given.
///
/// # Errors
/// When there is none.
pub fn free_port() -> anyhow::Result<u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let count = u32::from(PORTS.end - PORTS.start);
    for _ in PORTS {
        let call = NEXT.fetch_add(1, Ordering::Relaxed);
        // Far from where the processes before and after this one begin.
        let place = std::process::id().wrapping_mul(601).wrapping_add(call) % count;
        let port = PORTS.start + u16::try_from(place)?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port is free")
}

/// A program on this processor, or on any.
pub(crate) fn command(program: impl AsRef<OsStr>, processor: Option<usize>) -> Command {
    let Some(processor) = processor else { return Command::new(program) };
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &processor.to_string()]).arg(program);
    command
}

/// The workspace.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}
