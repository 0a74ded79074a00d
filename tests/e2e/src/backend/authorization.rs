//! A service that decides by Envoy's `Authorization/Check`.

use std::net::SocketAddr;

use envoy_types::pb::envoy::service::auth::v3::authorization_server::{Authorization, AuthorizationServer};
use envoy_types::pb::envoy::service::auth::v3::{CheckRequest, CheckResponse};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::task::AbortOnDropHandle;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

/// A running service, which answers as its test says.
#[derive(Debug)]
pub struct Authorizer {
    address: SocketAddr,
    _server: AbortOnDropHandle<()>,
}

struct Answers<F>(F);

#[tonic::async_trait]
impl<F> Authorization for Answers<F>
where
    F: Fn(CheckRequest) -> CheckResponse + Send + Sync + 'static,
{
    async fn check(&self, request: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        Ok(Response::new(self.0(request.into_inner())))
    }
}

impl Authorizer {
    /// Starts it.
    ///
    /// # Panics
    /// If it cannot listen.
    pub async fn start(answer: impl Fn(CheckRequest) -> CheckResponse + Send + Sync + 'static) -> Self {
        // With a body of 4 MiB a message is larger than what services take unless they are told to.
        Self::that_takes(8 << 20, answer).await
    }

    /// The same, of messages up to a length in bytes.
    ///
    /// # Panics
    /// If it cannot listen.
    pub async fn that_takes(
        most: usize,
        answer: impl Fn(CheckRequest) -> CheckResponse + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let service = AuthorizationServer::new(Answers(answer)).max_decoding_message_size(most);
        let server = Server::builder().add_service(service).serve_with_incoming(TcpListenerStream::new(listener));
        let server = tokio::spawn(async move { server.await.expect("the authorization server") });
        Self { address, _server: AbortOnDropHandle::new(server) }
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
