//! What answers calls.

use http::{Request, Response};
use hyper::body::Incoming;
use tonic_health::pb::health_server::{Health, HealthServer};
use tower::Service as _;

use crate::Reply;

/// Answers the calls of a thread's connections.
pub trait Service: Send + Sync + 'static {
    /// Answers a call of any method.
    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = Response<Reply>> + Send;
}

/// Answers a call of `grpc.health.v1`, and refuses those of methods that there are not.
pub async fn health<H: Health>(health: &HealthServer<H>, request: Request<Incoming>) -> Response<Reply> {
    match health.clone().call(request).await {
        Ok(response) => response.map(Reply::Other),
        Err(never) => match never {},
    }
}
