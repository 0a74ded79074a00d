//! A child process, and its end.

use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::{eventually, usage};

/// How long a process may take to end when its test is over.
const GRACE: Duration = Duration::from_secs(5);

/// A running child. When it is dropped it is told to end, and killed if it does not.
#[derive(Debug)]
pub struct Running(Child);

impl Running {
    /// Starts `command`.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn spawn(command: &mut Command) -> Self {
        Self(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    /// The child, for its pipes.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// CPU time of all of its threads that live, to the nanosecond.
    ///
    /// # Panics
    /// If it has ended.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        usage::cpu(self.id())
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
        self.0.try_wait().expect("a child can be waited for")
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it does not end in time.
    pub async fn exit(&mut self) -> ExitStatus {
        eventually("the process ends", async || self.ended().ok_or("it runs")).await
    }

    /// Ends it: with the signal to terminate, and after a grace period by killing it.
    ///
    /// # Panics
    /// If it cannot be waited for.
    pub fn end(&mut self) {
        if self.ended().is_some() {
            return;
        }
        self.signal(Signal::TERM);
        let start = Instant::now();
        while self.ended().is_none() {
            if start.elapsed() > GRACE {
                self.signal(Signal::KILL);
                let _ = self.0.wait();
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// Sends a signal to a process that this test is responsible for.
///
/// # Panics
/// If there is no such process.
pub fn signal_to(process: u32, signal: Signal) {
    kill_process(pid(process), signal).expect("the process can be signalled");
}

pub(crate) fn pid(process: u32) -> Pid {
    i32::try_from(process).ok().and_then(Pid::from_raw).expect("a process id")
}
