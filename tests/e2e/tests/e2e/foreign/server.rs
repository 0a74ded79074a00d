//! A server that answers each path in a way of its own. It speaks by itself: no library would answer so.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

/// How a path is answered.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// With this, as it should be.
    Whole(Vec<u8>),
    /// With this, and then the service dies: more was promised.
    Cut(Vec<u8>),
    /// With more and more.
    Endless,
    /// With a byte now and then, as long as somebody waits.
    Drip,
    /// By sending whoever asks elsewhere.
    Elsewhere(&'static str),
}

/// Such a server, until it is dropped. It counts who connects.
#[derive(Debug)]
pub(super) struct Server {
    connections: Arc<AtomicUsize>,
    _serving: AbortOnDropHandle<()>,
}

impl Server {
    /// One whose paths are answered so; others not at all.
    pub(super) async fn start(at: SocketAddr, answer: impl Fn(&str) -> Option<Answer> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(at).await.unwrap();
        let (connections, answer) = (Arc::new(AtomicUsize::new(0)), Arc::new(answer));
        let counted = Arc::clone(&connections);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                let answer = Arc::clone(&answer);
                tokio::spawn(async move { serve(stream, &*answer).await });
            }
        });
        Self { connections, _serving: AbortOnDropHandle::new(serving) }
    }

    /// How many have connected.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

/// Answers one request. Whoever asked may go away at any time.
async fn serve(mut stream: TcpStream, answer: impl Fn(&str) -> Option<Answer>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut say = async |bytes: &[u8]| stream.write_all(bytes).await.ok();
    let begin = |length: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    match answer(head.split(' ').nth(1)?)? {
        Answer::Whole(body) => {
            say(begin(body.len()).as_bytes()).await?;
            say(&body).await
        }
        Answer::Cut(body) => {
            say(begin(2 * body.len()).as_bytes()).await?;
            say(&body).await
        }
        Answer::Elsewhere(to) => {
            let head =
                format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            say(head.as_bytes()).await
        }
        Answer::Endless => {
            say(b"HTTP/1.1 200 OK\r\n\r\nopenapi: 3.1.0\n").await?;
            loop {
                say(&b"x: 1\n".repeat(1 << 14)).await?;
            }
        }
        Answer::Drip => {
            say(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            loop {
                say(b" ").await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}
