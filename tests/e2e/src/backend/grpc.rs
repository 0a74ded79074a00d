//! A gRPC server.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::task::AbortOnDropHandle;
use tonic::transport::Server;

/// A running server of `grpc.health.v1.Health`, which says that `service` serves.
#[derive(Debug)]
pub struct Grpc {
    address: SocketAddr,
    _server: AbortOnDropHandle<()>,
}

impl Grpc {
    /// Starts it.
    ///
    /// # Panics
    /// If it cannot listen.
    pub async fn start(service: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (reporter, health) = tonic_health::server::health_reporter();
        reporter.set_service_status(service, tonic_health::ServingStatus::Serving).await;
        let server = Server::builder().add_service(health).serve_with_incoming(TcpListenerStream::new(listener));
        let server = tokio::spawn(async move { server.await.expect("the gRPC server") });
        Self { address, _server: AbortOnDropHandle::new(server) }
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
