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

/// A token that is cancelled by the first `SIGTERM` or `SIGINT`. The second ends the process at once.
///
/// # Errors
/// When signals cannot be handled. Must be called inside a tokio runtime.
pub fn shutdown_on_signal() -> io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let token = CancellationToken::new();
    let shutdown = token.clone();
    tokio::spawn(async move {
        // Outside the macros: what a level hides is not evaluated.
        let first = either(&mut terminate, &mut interrupt).await;
        info!("{first} received, shutting down");
        shutdown.cancel();
        let began = Instant::now();
        let mut second = either(&mut terminate, &mut interrupt).await;
        while began.elapsed() < SAME_WISH {
            second = either(&mut terminate, &mut interrupt).await;
        }
        warn!("{second} received again, leaving at once");
        std::process::exit(INTERRUPTED);
    });
    Ok(token)
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{Signal, getpid, kill_process};

    use super::*;

    /// Nothing is logged in tests, so this also shows that logging is no part of the work.
    #[tokio::test]
    async fn waits_for_a_signal() {
        let token = shutdown_on_signal().unwrap();
        tokio::task::yield_now().await;
        assert!(!token.is_cancelled());
        kill_process(getpid(), Signal::TERM).unwrap();
        token.cancelled().await;
    }
}
