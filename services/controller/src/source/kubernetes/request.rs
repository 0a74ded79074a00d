//! Questions to the API server, and what comes back.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use kube::Client;
use kube::client::Body;
use serde::Deserialize;

use super::object::Object;
use super::reflector::WATCH_SECONDS;
use super::resources::Depth;

/// Longest answer to a question that is no watch, in bytes: a page of objects, each up to 1.5 MiB in etcd.
const LONGEST_ANSWER: usize = 512 << 20;
/// How long a watch may say nothing.
const SILENT_WATCH: Duration = Duration::from_secs(WATCH_SECONDS as u64 + 30);
/// Longest error text that is read, in bytes.
const LONGEST_ERROR: usize = 64 << 10;

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// Nobody answers, or nobody who makes sense.
    #[error("{0}")]
    Lost(String),
    /// The server cannot, through a fault of its own (500), as when its etcd changes leaders. It may pass.
    #[error("{0}")]
    Faulty(String),
    /// The server does not know us (401) or does not let us (403).
    #[error("{0}")]
    Denied(String),
    /// There is no such resource or object (404).
    #[error("there is none")]
    Missing,
    /// The version to go on from is too old (410).
    #[error("the version is too old")]
    Expired,
    /// The server will not do that: any other status.
    #[error("{message} (status {code})")]
    Refused {
        /// HTTP status.
        code: u16,
        /// What the server says.
        message: String,
    },
}

impl Failure {
    /// Whether it says nothing of the kind that was asked for, but of the server.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Faulty(_))
    }
}

/// What the API server says when it says no.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    code: u16,
    message: String,
    reason: String,
}

impl Status {
    pub(super) fn failure(self) -> Failure {
        match (self.code, self.reason.as_str()) {
            (410, _) | (_, "Expired" | "Gone") => Failure::Expired,
            (404, _) => Failure::Missing,
            (401 | 403, _) => Failure::Denied(self.message),
            // Too many requests, or a server that is not yet or no longer one.
            (code @ (429 | 502 | 503 | 504), _) => Failure::Lost(format!("{} (status {code})", self.message)),
            (500, _) => Failure::Faulty(format!("{} (status 500)", self.message)),
            (code, _) => Failure::Refused { code, message: self.message },
        }
    }
}

/// Which form of an answer is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Objects, or a list of them, as they are.
    Whole,
    /// An object's metadata; of a watch, each object's.
    Metadata,
    /// A list of objects' metadata.
    MetadataList,
}

impl Form {
    /// The form of a watch.
    pub(super) fn watch(depth: Depth) -> Self {
        if depth == Depth::Metadata { Self::Metadata } else { Self::Whole }
    }

    /// The form of a list.
    pub(super) fn list(depth: Depth) -> Self {
        if depth == Depth::Metadata { Self::MetadataList } else { Self::Whole }
    }

    fn accept(self) -> &'static str {
        match self {
            Self::Whole => "application/json",
            Self::Metadata => "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
            Self::MetadataList => "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
        }
    }
}

/// Asks; the answer is still to be read.
pub(super) async fn ask(client: &Client, path: &str, form: Form) -> Result<Body, Failure> {
    let request = Request::get(path).header(header::ACCEPT, form.accept()).body(Body::empty());
    let request = request.map_err(|error| Failure::Lost(error.to_string()))?;
    let response = client.send(request).await.map_err(|error| Failure::Lost(nuncio_telemetry::causes(&error)))?;
    let status = response.status();
    if status.is_success() { Ok(response.into_body()) } else { Err(refusal(status, response.into_body()).await) }
}

/// Asks for one JSON value, as text.
pub(super) async fn get(client: &Client, path: &str, form: Form) -> Result<Bytes, Failure> {
    let body = ask(client, path, form).await?;
    let whole = Limited::new(body, LONGEST_ANSWER).collect().await.map_err(|error| Failure::Lost(error.to_string()))?;
    Ok(whole.to_bytes())
}

/// Reads an answer, or an event of a watch.
pub(super) fn read<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, Failure> {
    serde_json::from_slice(text)
        .map_err(|error| Failure::Lost(format!("the server sent what is no such JSON: {error}")))
}

async fn refusal(status: StatusCode, body: Body) -> Failure {
    let text = Limited::new(body, LONGEST_ERROR).collect().await.map(|text| text.to_bytes()).unwrap_or_default();
    let said: Status = serde_json::from_slice(&text).unwrap_or_default();
    let message = if said.message.is_empty() { status.to_string() } else { said.message };
    Status { code: status.as_u16(), message, reason: said.reason }.failure()
}

/// One event of a watch.
#[derive(Debug, Deserialize)]
pub(super) struct WatchEvent<'a> {
    #[serde(rename = "type")]
    pub(super) kind: WatchEventKind,
    #[serde(borrow)]
    pub(super) object: Object<'a>,
}

/// What an event of a watch is about.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum WatchEventKind {
    Added,
    Modified,
    Deleted,
    Bookmark,
    Error,
}

/// The lines of a watch.
#[derive(Debug)]
pub(super) struct Events {
    body: Body,
    lines: Lines,
}

impl Events {
    pub(super) fn new(body: Body) -> Self {
        Self { body, lines: Lines::default() }
    }

    /// The text of the next event. `None` when the server ends the watch. Not cancel safe.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        loop {
            if let Some(line) = self.lines.next() {
                return Ok(Some(line));
            }
            // The server ends a watch that says nothing. What stands between may keep a dead one open.
            let frame = tokio::time::timeout(SILENT_WATCH, self.body.frame()).await;
            match frame.map_err(|_| Failure::Lost("the watch says nothing, and was not ended in time".to_owned()))? {
                None => return Ok(None),
                Some(Err(error)) => return Err(Failure::Lost(nuncio_telemetry::causes(&error))),
                Some(Ok(frame)) => self.lines.put(frame.data_ref().map(AsRef::as_ref).unwrap_or_default()),
            }
        }
    }
}

/// Cuts bytes into lines.
#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
    /// Bytes that were given out already.
    start: usize,
    /// Bytes in which no line feed was found.
    searched: usize,
}

impl Lines {
    fn put(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    fn next(&mut self) -> Option<Vec<u8>> {
        let Some(at) = self.bytes[self.searched..].iter().position(|byte| *byte == b'\n') else {
            self.searched = self.bytes.len();
            return None;
        };
        let end = self.searched + at;
        let line = self.bytes[self.start..end].to_vec();
        self.start = end + 1;
        self.searched = self.start;
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_whole_however_they_go_in() {
        let text = b"one\n\ntwo three\nfour";
        for size in 1..text.len() {
            let (mut lines, mut found) = (Lines::default(), Vec::new());
            for piece in text.chunks(size) {
                lines.put(piece);
                while let Some(line) = lines.next() {
                    found.push(String::from_utf8(line).unwrap());
                }
            }
            assert_eq!(found, ["one", "", "two three"], "in pieces of {size}");
        }
    }

    #[test]
    fn a_status_says_what_to_do() {
        let failure =
            |code, reason: &str| Status { code, reason: reason.to_owned(), message: "said".to_owned() }.failure();
        assert_eq!(failure(410, ""), Failure::Expired);
        assert_eq!(failure(0, "Expired"), Failure::Expired);
        assert_eq!(failure(404, "NotFound"), Failure::Missing);
        assert_eq!(failure(403, "Forbidden"), Failure::Denied("said".to_owned()));
        assert!(matches!(failure(503, ""), Failure::Lost(_)));
        assert!(matches!(failure(500, "InternalError"), Failure::Faulty(_)));
        assert!(matches!(failure(422, "Invalid"), Failure::Refused { code: 422, .. }));
    }

    #[test]
    fn events_are_read() {
        let event: WatchEvent<'_> = serde_json::from_str(r#"{"type":"BOOKMARK","object":{"metadata":{}}}"#).unwrap();
        assert_eq!(event.kind, WatchEventKind::Bookmark);
    }
}
