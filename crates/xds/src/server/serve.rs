//! Listening sockets.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_server::AggregatedDiscoveryServiceServer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio_stream::Stream;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::server::{Connected, TcpIncoming};

use super::Server;
use super::ads::Ads;

/// The largest request. A client that reconnects names all it has, with versions, in one: 100 000 resources
/// make about 10 MB, more than gRPC's default of 4 MiB.
const MAX_REQUEST_BYTES: usize = 256 << 20;
/// How often an idle connection is probed, and how long an answer may take: a vanished client is noticed
/// and its stream ends.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the server does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen for xDS on {0}: {1}")]
    BindTcp(SocketAddr, #[source] io::Error),
    /// The path cannot be listened on.
    #[error("cannot listen for xDS on {path}: {error}", path = .0.display(), error = .1)]
    BindUnix(PathBuf, #[source] io::Error),
    /// The server failed while it ran.
    #[error("the xDS server failed")]
    Transport(#[from] tonic::transport::Error),
}

pub(super) async fn tcp(
    server: Server,
    addr: SocketAddr,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let listener = TcpListener::bind(addr).await.map_err(|error| ServeError::BindTcp(addr, error))?;
    serve(server, TcpIncoming::from(listener).with_nodelay(Some(true)), shutdown).await
}

pub(super) async fn unix(server: Server, path: &Path, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
    let bind_error = |error| ServeError::BindUnix(path.to_owned(), error);
    remove_stale(path).await.map_err(bind_error)?;
    let listener = UnixListener::bind(path).map_err(bind_error)?;
    let result = serve(server, UnixListenerStream::new(listener), shutdown).await;
    if let Err(error) = std::fs::remove_file(path) {
        tracing::debug!(path = %path.display(), %error, "the socket file is gone already");
    }
    result
}

/// Removes a socket file on which nobody listens any more.
async fn remove_stale(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(file) if !file.file_type().is_socket() => Err(io::ErrorKind::AlreadyExists.into()),
        Ok(_) if UnixStream::connect(path).await.is_ok() => Err(io::ErrorKind::AddrInUse.into()),
        Ok(_) => std::fs::remove_file(path),
    }
}

async fn serve<C>(
    server: Server,
    incoming: impl Stream<Item = io::Result<C>>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError>
where
    C: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    let (stop, stopped) = watch::channel(false);
    let ads = AggregatedDiscoveryServiceServer::new(Ads { server, stop: stopped })
        .max_decoding_message_size(MAX_REQUEST_BYTES)
        .max_encoding_message_size(usize::MAX);
    let shutdown = async move {
        shutdown.await;
        // Streams have no end of their own: without this the server would wait for its clients.
        stop.send_replace(true);
    };
    tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .add_service(ads)
        .serve_with_incoming_shutdown(incoming, shutdown)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    #[tokio::test]
    async fn says_why_it_cannot_listen() {
        let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = other.local_addr().unwrap();
        let (server, _events) = Server::new(Options::default());
        let error = tcp(server.clone(), address, std::future::pending()).await.unwrap_err().to_string();
        assert!(error.contains(&address.to_string()) && error.contains("in use"), "{error}");
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("xds");
        let _other = UnixListener::bind(&path).unwrap();
        let error = unix(server, &path, std::future::pending()).await.unwrap_err().to_string();
        assert!(error.contains("/xds") && error.contains("in use"), "{error}");
    }
}
