//! A connection to a process that stands in: HTTP/2, spoken backwards.
//!
//! Its first request is no visitor's: over it the gateway tells the process how it stands, in lines of JSON; and the answer is open
//! for as long as the process wants requests.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::Request;
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2;
use hyper::rt::{Read, Write};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

/// A body of a request to the process, or of an answer.
pub(super) type Body = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;
/// What sends requests to it.
pub(super) type Sender = http2::SendRequest<Body>;

/// How long a process may take to answer the first request.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked whether the process is still there, and how long that may take.
const PING: Duration = Duration::from_secs(3);
/// What may be on its way of each answer, and of all together: one that its visitor does not read holds up no
/// other, unless there are 64 of them.
const STREAM_WINDOW: u32 = 256 << 10;
const WINDOW: u32 = 16 << 20;

/// Why most connections end.
const BROKE: &str = "the connection broke";

/// Where the first request goes. No visitor's has this scheme.
const HELLO: &str = "nuncio://tunnel/";

/// What the process is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Word {
    /// It gets requests from now on.
    Connected {
        /// Where the preview can be seen.
        urls: Vec<String>,
        /// What is wrong with the preview.
        problems: Vec<String>,
    },
    /// It gets them by another connection that it has made.
    Moved,
    /// It gets none any more.
    Closed {
        /// Why.
        reason: String,
    },
}

/// A connection to a process.
pub(super) struct Link {
    pub(super) sender: Sender,
    connection: AbortOnDropHandle<()>,
    words: mpsc::Sender<Bytes>,
    reply: Incoming,
}

impl Link {
    /// Greets the process at the other end of a stream.
    pub(super) async fn open(stream: impl Read + Write + Unpin + Send + 'static) -> Result<Self, String> {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).keep_alive_interval(PING).keep_alive_timeout(PING).keep_alive_while_idle(true);
        builder.initial_stream_window_size(STREAM_WINDOW).initial_connection_window_size(WINDOW);
        let opened = builder.handshake(stream).await;
        let (mut sender, connection): (Sender, _) = opened.map_err(|error| error.to_string())?;
        let connection = AbortOnDropHandle::new(tokio::spawn(async move {
            // Why it broke is of no use to anybody.
            _ = connection.await;
        }));
        let (words, said) = mpsc::channel(4);
        let hello = Request::post(HELLO).body(body(said)).map_err(|error| error.to_string())?;
        let reply = timeout(PATIENCE, sender.send_request(hello)).await.map_err(|_| "no answer in time".to_owned())?;
        let reply = reply.map_err(|error| error.to_string())?;
        match reply.status() {
            http::StatusCode::OK => Ok(Self { sender, connection, words, reply: reply.into_body() }),
            status => Err(format!("it answers {status}")),
        }
    }

    /// Tells the process something.
    pub(super) async fn say(&self, word: &Word) {
        let line = serde_json::to_string(word).unwrap_or_default() + "\n";
        // One that is gone needs no telling.
        _ = self.words.send(line.into()).await;
    }

    /// Waits until the process wants no more requests, or is gone: why.
    pub(super) async fn over(&mut self) -> &'static str {
        tokio::select! {
            _ = &mut self.connection => BROKE,
            // What it says is nothing that counts.
            why = async {
                loop {
                    match self.reply.frame().await {
                        Some(Ok(_)) => {}
                        Some(Err(_)) => return BROKE,
                        None => return "it left",
                    }
                }
            } => why,
        }
    }
}

fn body(said: mpsc::Receiver<Bytes>) -> Body {
    let frames = stream::unfold(said, async |mut said| {
        let line = said.recv().await?;
        Some((Ok::<_, Infallible>(Frame::data(line)), said))
    });
    StreamBody::new(frames).map_err(|never| match never {}).boxed_unsync()
}
