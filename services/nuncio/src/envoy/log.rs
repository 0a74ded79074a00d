//! Envoy's own log lines, as ours.

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tracing::{debug, enabled, error, trace, warn};

/// What Envoy is told to write before each message: the level's first letter, and the logger.
pub(crate) const FORMAT: &str = "%L|%n|%v";

/// What need not be said here: we tell Envoy to stop; the controller restarts under it, and hears itself of everything that
/// Envoy rejects; a limit to its connections is the operator's to set.
const EXPECTED: [&str; 5] = [
    "caught ENVOY_SIGTERM",
    "gRPC config stream to nuncio_xds closed",
    " rejected: ",
    "failed to bind or apply socket options",
    "no configured limit to the number of allowed",
];

/// The level to ask Envoy for. Its `info` tells how it starts, which is our `debug`.
pub(crate) fn level() -> &'static str {
    if enabled!(target: "envoy", tracing::Level::TRACE) {
        "debug"
    } else if enabled!(target: "envoy", tracing::Level::DEBUG) {
        "info"
    } else {
        "warning"
    }
}

/// Logs every line that Envoy writes, until it closes its end.
pub(crate) async fn forward(stderr: impl AsyncRead + Unpin) {
    let mut lines = BufReader::new(stderr).lines();
    loop {
        match lines.next_line().await {
            Ok(Some(line)) => write(&line),
            Ok(None) => return,
            // Not UTF-8: that line is lost, the next is not.
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {}
            Err(error) => return debug!("Envoy's log cannot be read: {error}"),
        }
    }
}

/// Lines in another shape are what Envoy prints when it crashes or is called wrongly.
fn write(line: &str) {
    match parse(line) {
        Some(('W' | 'E', _, message)) if EXPECTED.iter().any(|part| message.contains(part)) => {
            debug!(target: "envoy", "{message}");
        }
        Some(('W', logger, message)) => warn!(target: "envoy", logger, "{message}"),
        Some(('I', logger, message)) => debug!(target: "envoy", logger, "{message}"),
        Some(('D' | 'T', logger, message)) => trace!(target: "envoy", logger, "{message}"),
        Some((_, logger, message)) => error!(target: "envoy", logger, "{message}"),
        None if line.trim().is_empty() => {}
        None => error!(target: "envoy", "{line}"),
    }
}

fn parse(line: &str) -> Option<(char, &str, &str)> {
    let (level, rest) = line.split_once('|')?;
    let (logger, message) = rest.split_once('|')?;
    let mut letters = level.chars();
    let letter = letters.next().filter(|letter| "TDIWEC".contains(*letter))?;
    letters.next().is_none().then_some((letter, logger, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_apart() {
        assert_eq!(parse("W|config|a|b"), Some(('W', "config", "a|b")));
        assert_eq!(parse("PARSE ERROR: | what | ever"), None);
        assert_eq!(parse("no bars"), None);
    }
}
