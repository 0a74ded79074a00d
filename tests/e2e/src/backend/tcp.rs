//! A server of bytes.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

/// A running server that echoes lines, with its name before them.
#[derive(Debug)]
pub struct Tcp {
    address: SocketAddr,
    _server: AbortOnDropHandle<()>,
}

impl Tcp {
    /// Starts it.
    ///
    /// # Panics
    /// If it cannot listen.
    pub async fn start(name: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = tokio::spawn(accept(listener, name.to_owned()));
        Self { address, _server: AbortOnDropHandle::new(server) }
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn accept(listener: TcpListener, name: String) {
    let mut connections = JoinSet::new();
    while let Ok((tcp, _)) = listener.accept().await {
        connections.spawn(echo(tcp, name.clone()));
    }
}

async fn echo(tcp: TcpStream, name: String) {
    let (read, mut write) = tcp.into_split();
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if write.write_all(format!("{name}: {line}\n").as_bytes()).await.is_err() {
            return;
        }
    }
}
