//! A connection to the gateway, while it is there: the gateway is the client, and this is the server.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use reqwest::Upgraded;
use serde::Deserialize;
use tokio::pin;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::local::{Body, Local};
use super::show::Show;

/// How often it is looked whether the gateway is still there, and how long that may take.
const PING: Duration = Duration::from_secs(5);
/// Requests at once. Others wait at the gateway.
const STREAMS: u32 = 256;
/// What may be on its way of each request's body, and of all together: a process that does not read one holds up no other.
const STREAM_WINDOW: u32 = 256 << 10;
const WINDOW: u32 = 64 << 20;
/// How long what has begun may take to finish.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// The longest line that the gateway says.
const LONGEST_LINE: usize = 64 << 10;
/// The scheme of the gateway's own request. No visitor's has it.
const OWN: &str = "nuncio";

/// What the gateway says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    /// Requests come from now on.
    Connected { urls: Vec<String>, problems: Vec<String> },
    /// They come by another connection of ours.
    Moved,
    /// None come any more.
    Closed { reason: String },
}

/// How a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// As we were told to.
    Stopped,
    /// Another connection of ours has taken its place.
    Moved,
    Lost(String),
}

/// A connection.
pub(super) struct Session {
    stream: Upgraded,
    local: Local,
    show: Show,
}

/// What the gateway's own request is answered with.
struct Greeting {
    words: mpsc::UnboundedSender<Word>,
    /// We want no more requests.
    leaving: CancellationToken,
    was_said: AtomicBool,
}

impl Session {
    pub(super) fn new(stream: Upgraded, local: Local, show: Show) -> Self {
        Self { stream, local, show }
    }

    /// Serves until it ends. When we are to stop, the gateway first learns of it, so that no request comes that nobody takes.
    pub(super) async fn run(self, stop: &CancellationToken) -> End {
        let Self { stream, local, show } = self;
        let (words, mut said) = mpsc::unbounded_channel();
        let leaving = CancellationToken::new();
        let greeting = Arc::new(Greeting { words, leaving: leaving.clone(), was_said: AtomicBool::default() });
        let service = service_fn(move |request| {
            let (local, greeting) = (local.clone(), Arc::clone(&greeting));
            async move { Ok::<_, Infallible>(answer(request, &local, &greeting).await) }
        });
        let connection = builder().serve_connection(TokioIo::new(stream), service);
        pin!(connection);
        // Counts for as long as requests come.
        let mut _live = None;
        let (mut end, mut until) = (None, None);
        loop {
            tokio::select! {
                result = &mut connection => {
                    let broke = || result.err().map_or("the gateway closed the connection".to_owned(), |it| it.to_string());
                    return end.unwrap_or_else(|| End::Lost(broke()));
                }
                Some(word) = said.recv() => {
                    let over = match word {
                        Word::Connected { urls, problems } => {
                            _live = Some(show.connected(&urls, &problems));
                            continue;
                        }
                        Word::Moved => End::Moved,
                        Word::Closed { reason } => End::Lost(reason),
                    };
                    end.get_or_insert(over);
                    until.get_or_insert_with(|| Instant::now() + PATIENCE);
                    // The gateway's own request is none that is waited for.
                    leaving.cancel();
                    connection.as_mut().graceful_shutdown();
                }
                () = stop.cancelled(), if !leaving.is_cancelled() => {
                    leaving.cancel();
                    end = Some(End::Stopped);
                    until.get_or_insert_with(|| Instant::now() + PATIENCE);
                }
                () = at(until) => return end.unwrap_or_else(|| End::Lost("requests did not come to an end".to_owned())),
            }
        }
    }
}

fn builder() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.timer(TokioTimer::new()).keep_alive_interval(PING).keep_alive_timeout(PING);
    builder.max_concurrent_streams(STREAMS).enable_connect_protocol();
    builder.initial_stream_window_size(STREAM_WINDOW).initial_connection_window_size(WINDOW);
    builder
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

async fn answer(request: Request<Incoming>, local: &Local, greeting: &Greeting) -> Response<Body> {
    if request.uri().scheme_str() == Some(OWN) && !greeting.was_said.swap(true, Ordering::Relaxed) {
        tokio::spawn(listen(request.into_body(), greeting.words.clone()));
        return open_until(greeting.leaving.clone());
    }
    local.answer(request).await
}

/// An answer that is over when we leave.
fn open_until(leaving: CancellationToken) -> Response<Body> {
    let frames = stream::once(async move {
        leaving.cancelled().await;
        Ok::<_, Infallible>(Frame::data(Bytes::new()))
    });
    Response::new(StreamBody::new(frames).map_err(|never| match never {}).boxed_unsync())
}

/// Hears what the gateway says, line by line, up to its last word: whoever heard on would keep the connection from its end.
async fn listen(mut body: Incoming, words: mpsc::UnboundedSender<Word>) {
    let mut text = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else { continue };
        text.extend_from_slice(&data);
        while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
            let line: Vec<_> = text.drain(..=end).collect();
            // A gateway that is newer may say more than we understand.
            let Ok(word) = serde_json::from_slice::<Word>(&line) else { continue };
            let is_last = matches!(word, Word::Moved | Word::Closed { .. });
            _ = words.send(word);
            if is_last {
                return;
            }
        }
        if text.len() > LONGEST_LINE {
            return;
        }
    }
}
