//! A connection from when it was accepted to its end.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpStream, UnixStream};
use tokio_util::sync::CancellationToken;

use crate::stream::{Stream, Transport};
use crate::turn::TURN;
use crate::{Service, Tls};

/// Windows for what clients may send ahead: a connection carries thousands of small calls at once.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;

/// Calls that a client may take back before they were looked at: more than are read in a turn. After a stall an Envoy takes
/// back what came in the meantime, and a connection that is broken off for it takes every other call along.
const TAKEN_BACK: usize = TURN;

/// Silence after which a client is asked whether it is still there, and how long it may take to say so.
pub(crate) const SILENCE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(20));

/// How long a client may take until it speaks; as with the original.
pub(crate) const GREETING: Duration = Duration::from_secs(120);

/// What was accepted, in no runtime yet.
#[derive(Debug)]
pub(crate) enum Accepted {
    Tcp(std::net::TcpStream),
    Unix(std::os::unix::net::UnixStream),
}

impl Accepted {
    /// Takes it into this runtime, once a TLS handshake is through where there is one, and the client speaks HTTP/2.
    pub(crate) async fn open(self, tls: Option<Tls>, patience: Duration) -> std::io::Result<Stream> {
        let mut stream = Stream::new(self.transport(tls).await?);
        tokio::time::timeout(patience, stream.greeted()).await.map_err(|_| std::io::ErrorKind::TimedOut)??;
        Ok(stream)
    }

    async fn transport(self, tls: Option<Tls>) -> std::io::Result<Transport> {
        let stream = match self {
            Self::Unix(stream) => return UnixStream::from_std(stream).map(Transport::Unix),
            Self::Tcp(stream) => TcpStream::from_std(stream)?,
        };
        stream.set_nodelay(true)?;
        match tls {
            None => Ok(Transport::Tcp(stream)),
            Some(tls) => tls(stream).await.map(|stream| Transport::Tls(Box::new(stream))),
        }
    }
}

/// Answers the calls of a connection until the client ends it, it is too old, or the service stops. Then calls in
/// flight may end, but no more come.
pub(crate) async fn serve<S: Service>(
    stream: Stream,
    service: Arc<S>,
    (age, grace): (Duration, Duration),
    (silence, patience): (Duration, Duration),
    stop: CancellationToken,
) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let service = service.clone();
        async move { Ok::<_, Infallible>(service.answer(request).await) }
    });
    let turn = stream.turn.clone();
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        // Each call is a stream: a limit would hold an Envoy back.
        .max_concurrent_streams(u32::MAX)
        .max_pending_accept_reset_streams(TAKEN_BACK)
        .keep_alive_interval(silence)
        .keep_alive_timeout(patience)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), answer);
    let mut connection = pin!(connection);
    tokio::select! {
        ended = turn.of_each_poll(connection.as_mut()) => return ended.unwrap_or_else(|error| tracing::debug!("a connection broke: {error}")),
        () = tokio::time::sleep(age) => {}
        () = stop.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    match tokio::time::timeout(grace, turn.of_each_poll(connection)).await {
        Ok(ended) => ended.unwrap_or_else(|error| tracing::debug!("a connection broke: {error}")),
        Err(_) => tracing::debug!("a connection had calls left after {grace:?}"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::time::Instant;

    use http::Response;
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::Reply;

    struct Silent;

    impl Service for Silent {
        async fn answer(&self, _: Request<Incoming>) -> Response<Reply> {
            Response::default()
        }
    }

    /// A client whose machine is gone says nothing more, not even that it ends.
    #[tokio::test]
    async fn clients_that_are_gone_are_given_up() {
        let (mut client, server) = UnixStream::pair().unwrap();
        client.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
        let (day, given) = (Duration::from_secs(86_400), Duration::from_millis(100));
        let begun = Instant::now();
        let stream = Accepted::Unix(server.into_std().unwrap()).open(None, given).await.unwrap();
        serve(stream, Arc::new(Silent), (day, day), (given, given), CancellationToken::new()).await;
        assert!(begun.elapsed() >= 2 * given, "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn clients_that_do_not_speak_are_given_up() {
        for (said, expected) in [("PRI * HTTP/2.0\r\n", ErrorKind::TimedOut), ("GET /", ErrorKind::InvalidData)] {
            let (mut client, server) = UnixStream::pair().unwrap();
            client.write_all(said.as_bytes()).await.unwrap();
            let opened = Accepted::Unix(server.into_std().unwrap()).open(None, Duration::from_millis(100)).await;
            assert_eq!(opened.err().unwrap().kind(), expected, "{said}");
        }
    }
}
