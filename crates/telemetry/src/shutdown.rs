//! The end of a process, asked for by a signal.

use std::io;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Exit code after a second signal: 128 + `SIGINT`, as shells report it.
const INTERRUPTED: i32 = 130;

/// Signals this soon after the first are the same wish: `timeout` and some supervisors tell a process and then its group.
const SAME_WISH: Duration = Duration::from_millis(500);

/// Signals whose default is to kill, and that ask for nothing here: sent by log rotation or by mistake.
const IGNORED: [fn() -> SignalKind; 3] = [SignalKind::user_defined1, SignalKind::user_defined2, SignalKind::alarm];

/// A token that is cancelled by the first `SIGTERM`, `SIGINT` or `SIGHUP` (the terminal is gone). The second ends the
/// process at once. `SIGUSR1`, `SIGUSR2` and `SIGALRM` are ignored from here on.
///
/// # Errors
/// When signals cannot be handled. Must be called inside a tokio runtime.
pub fn shutdown_on_signal() -> io::Result<CancellationToken> {
    for kind in IGNORED {
        // What was registered once stays handled, whether or not somebody listens.
        drop(signal(kind())?);
    }
    let mut wishes = Wishes::new()?;
    let token = CancellationToken::new();
    let shutdown = token.clone();
    tokio::spawn(async move {
        // Outside the macros: what a level hides is not evaluated.
        let first = wishes.next().await;
        info!("{first} received, shutting down");
        shutdown.cancel();
        let began = Instant::now();
        let mut second = wishes.next().await;
        while began.elapsed() < SAME_WISH {
            second = wishes.next().await;
        }
        warn!("{second} received again, leaving at once");
        std::process::exit(INTERRUPTED);
    });
    Ok(token)
}

/// The signals that ask for the end.
struct Wishes {
    terminate: Signal,
    interrupt: Signal,
    /// None under `nohup`.
    hangup: Option<Signal>,
}

impl Wishes {
    fn new() -> io::Result<Self> {
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let ignored = std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores_hangup(&status));
        let hangup = (!ignored).then(|| signal(SignalKind::hangup())).transpose()?;
        Ok(Self { terminate, interrupt, hangup })
    }

    async fn next(&mut self) -> &'static str {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = hangup => "SIGHUP",
        }
    }
}

/// Whether a process with this `/proc/PID/status` was started to outlive its terminal.
fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // The first bit is the first signal.
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use rustix::process::{Signal, getpid, kill_process};

    use super::*;

    /// One test: signals reach the whole process. Nothing is logged in tests, so this also shows that logging is no
    /// part of the work.
    #[tokio::test]
    async fn ends_when_asked_and_for_no_other_signal() {
        let mut wishes = Wishes::new().unwrap();
        // The tests may be run by `nohup`.
        let hangup = wishes.hangup.is_some().then_some((Signal::HUP, "SIGHUP"));
        for (sent, name) in [(Signal::TERM, "SIGTERM"), (Signal::INT, "SIGINT")].into_iter().chain(hangup) {
            kill_process(getpid(), sent).unwrap();
            assert_eq!(wishes.next().await, name);
        }
        let token = shutdown_on_signal().unwrap();
        // Without a handler, each of these ends this very process.
        for ignored in [Signal::USR1, Signal::USR2, Signal::ALARM] {
            kill_process(getpid(), ignored).unwrap();
        }
        tokio::task::yield_now().await;
        assert!(!token.is_cancelled());
        kill_process(getpid(), Signal::TERM).unwrap();
        token.cancelled().await;
    }

    #[test]
    fn nohup_is_heeded() {
        assert!(ignores_hangup("SigBlk:\t0000000000000001\nSigIgn:\t0000000000001001\n"));
        assert!(!ignores_hangup("SigBlk:\t0000000000000001\nSigIgn:\t0000000000001000\n") && !ignores_hangup(""));
    }
}
