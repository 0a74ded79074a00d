//! Processes that end with the test.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::Context;

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

/// A port of the loopback address that nobody listens at.
///
/// # Errors
/// When there is none.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
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
