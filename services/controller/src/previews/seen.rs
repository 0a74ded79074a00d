//! What Envoy writes down of requests that are followed: a line of JSON each.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// What is read of the log. One that is larger begins anew: whoever has seen the trace of a probe can have Envoy write more.
const LARGEST: u64 = 1 << 20;

/// Where the Envoy with this admin socket tells of requests that are followed.
pub(crate) fn log_beside(admin_socket: &Path) -> PathBuf {
    admin_socket.with_file_name("probes.log")
}

/// A request that Envoy has seen.
#[derive(Debug, Deserialize)]
pub(super) struct Seen {
    pub(super) cluster: Option<String>,
    /// What Filters have decided, where they have let it go no further.
    pub(super) decision: Option<Value>,
    /// Where the answer is from.
    pub(super) details: Option<String>,
    /// What Envoy says of the answer beside its status, separated by commas.
    pub(super) flags: Option<String>,
    pub(super) from: Option<String>,
    pub(super) host: Option<String>,
    pub(super) key: Option<String>,
    pub(super) path: Option<String>,
    pub(super) route: Option<String>,
    pub(super) served_by: Option<String>,
    pub(super) status: u16,
    trace: String,
}

/// What was seen of a trace, the last to be answered first.
pub(super) fn read(log: &Path, trace: &str) -> Vec<Seen> {
    // Nothing was seen where there is none.
    let text = end(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines = text.lines().rev().filter_map(|line| serde_json::from_str::<Seen>(line).ok());
    lines.filter(|seen| seen.trace.contains(trace)).collect()
}

/// The end of a log.
fn end(log: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LARGEST)))?;
    let mut text = Vec::new();
    file.take(LARGEST).read_to_end(&mut text)?;
    Ok(text)
}

/// Keeps the log from growing.
pub(super) fn limit(log: &Path) {
    cut(log, LARGEST);
}

/// Has a log that is longer begin anew: what Envoy appends next stands at its beginning.
pub(super) fn cut(log: &Path, longest: u64) {
    if fs::metadata(log).is_ok_and(|it| it.len() > longest) {
        let done = OpenOptions::new().write(true).open(log).and_then(|file| file.set_len(0));
        if let Err(error) = done {
            tracing::warn!("{}: {error}", log.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_envoy_writes_is_read_for_the_trace_that_is_asked_for() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let line = |trace: &str, key: &str| {
            format!(
                r#"{{"cluster":"cart:80-0123456789abcdef","from":"10.0.0.1","host":"cart.internal","key":{key},"path":"/","served_by":null,"status":200,"trace":"00-{trace}-b7ad6b7169203331-01"}}"#
            )
        };
        let lines = [line("aaaa", "\"npk\""), "{\"half".to_owned(), line("bbbb", "null"), line("aaaa", "null")];
        std::fs::write(log.path(), lines.join("\n")).unwrap();
        let seen = read(log.path(), "aaaa");
        assert_eq!(seen.iter().map(|seen| seen.key.is_some()).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn a_log_is_read_from_its_end_and_does_not_grow_without_bound() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let line = r#"{"status":200,"trace":"00-aaaa-b7ad6b7169203331-01"}"#.to_owned() + "\n";
        let fits = usize::try_from(LARGEST).unwrap() / line.len();
        std::fs::write(log.path(), line.repeat(fits)).unwrap();
        limit(log.path());
        assert_eq!(read(log.path(), "aaaa").len(), fits);
        std::fs::write(log.path(), line.repeat(fits + 100)).unwrap();
        assert_eq!(read(log.path(), "aaaa").len(), fits);
        limit(log.path());
        assert_eq!(read(log.path(), "aaaa").len(), 0);
    }
}
