//! Connections of clients, of whatever kind.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

use crate::turn::Turn;

/// What a client says first, in HTTP/2.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection that reads no more than its turn allows.
pub(crate) struct Stream {
    transport: Transport,
    pub(crate) turn: Arc<Turn>,
    /// Read already, and to be read once more.
    again: &'static [u8],
}

/// How bytes are carried.
pub(crate) enum Transport {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Unix(UnixStream),
}

impl Stream {
    pub(crate) fn new(transport: Transport) -> Self {
        Self { transport, turn: Arc::default(), again: &[] }
    }

    /// Waits until a client speaks HTTP/2: before, nobody asks it whether it is still there.
    pub(crate) async fn greeted(&mut self) -> io::Result<()> {
        let mut expected = PREFACE;
        while !expected.is_empty() {
            let mut bytes = [0; PREFACE.len()];
            let read = self.read(&mut bytes[..expected.len()]).await?;
            let rest = expected.strip_prefix(&bytes[..read]).filter(|_| read > 0);
            expected = rest.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the client speaks no HTTP/2"))?;
        }
        self.again = PREFACE;
        Ok(())
    }
}

/// Calls a method of whatever stream there is.
macro_rules! on_transport {
    ($stream:expr, $inner:ident => $call:expr) => {
        match &mut $stream.transport {
            Transport::Tcp($inner) => $call,
            Transport::Tls($inner) => $call,
            Transport::Unix($inner) => $call,
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.turn.is_over() {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if !self.again.is_empty() {
            let (now, later) = self.again.split_at(self.again.len().min(buffer.remaining()));
            buffer.put_slice(now);
            self.again = later;
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(on_transport!(self, stream => Pin::new(stream).poll_read(context, buffer)))?;
        self.turn.has_read(buffer.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        on_transport!(self, stream => Pin::new(stream).poll_write(context, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_transport!(self, stream => Pin::new(stream).poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_transport!(self, stream => Pin::new(stream).poll_shutdown(context))
    }

    // No `writev`: where there is one, h2 writes each message of 256 bytes apart from all others.
}
