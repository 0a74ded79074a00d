//! `envoy.service.auth.v3.Authorization`.

use std::sync::Arc;

use envoy_types::pb::envoy::service::auth::v3::authorization_server::{Authorization, AuthorizationServer};
use envoy_types::pb::envoy::service::auth::v3::{CheckRequest, CheckResponse};
use tokio_stream::wrappers::UnixListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use super::{Listener, check};
use crate::engine::Engine;
use crate::run::RunError;
use crate::settings::Address;

/// Windows for what Envoys may send ahead: a connection carries thousands of checks at once.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;

struct Service(Arc<Engine>);

#[tonic::async_trait]
impl Authorization for Service {
    async fn check(&self, request: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        let Some((set, request)) = check::request(request.into_inner()) else {
            return Ok(Response::new(check::nothing()));
        };
        let decision = self.0.decide(set.as_deref(), request).await;
        Ok(Response::new(check::response(decision)))
    }
}

/// Answers until stopped.
pub(crate) async fn serve(engine: Arc<Engine>, address: &Address, stop: CancellationToken) -> Result<(), RunError> {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_serving::<AuthorizationServer<Service>>().await;
    let server = Server::builder()
        // Each check is a stream: a limit would hold an Envoy back.
        .max_concurrent_streams(Some(u32::MAX))
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .add_service(AuthorizationServer::new(Service(engine)))
        .add_service(health);
    let served = match Listener::bind(address).await? {
        Listener::Tcp(listener) => {
            let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
            server.serve_with_incoming_shutdown(incoming, stop.cancelled_owned()).await
        }
        Listener::Unix(listener, _place) => {
            server.serve_with_incoming_shutdown(UnixListenerStream::new(listener), stop.cancelled_owned()).await
        }
    };
    served.map_err(RunError::Serve)
}
