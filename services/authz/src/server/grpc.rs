//! `envoy.service.auth.v3.Authorization`.

use std::sync::Arc;
use std::time::Duration;

use envoy_types::pb::envoy::service::auth::v3::CheckResponse;
use http::{Request, Response};
use nuncio_grpc::{Incoming, Reply, Setup, Workers};
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};

use super::asked::Check;
use super::{Listener, check};
use crate::engine::Engine;
use crate::run::RunError;

/// What health is asked of.
const NAME: &str = "envoy.service.auth.v3.Authorization";
/// The path of the one method.
const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";
/// How long a check may be: a body of the 4 MiB that a Filter may ask for, and the headers, some of them twice, of which a Module
/// may allow 8 MiB.
const LONGEST: usize = 24 << 20;
/// How long a connection may take to end when the service is stopped: an identity provider may have to answer first.
const LAST_CALLS: Duration = Duration::from_secs(5);

struct Service<H> {
    engine: Arc<Engine>,
    health: HealthServer<H>,
}

impl<H: Health> nuncio_grpc::Service for Service<H> {
    async fn answer(&self, request: Request<Incoming>) -> Response<Reply> {
        if request.uri().path() != CHECK {
            return nuncio_grpc::health(&self.health, request).await;
        }
        match nuncio_grpc::receive::<Check>(request.into_body(), LONGEST).await {
            Ok(asked) => nuncio_grpc::response(&self.check(asked).await),
            Err(status) => status.into_http(),
        }
    }
}

impl<H: Health> Service<H> {
    async fn check(&self, asked: Check) -> CheckResponse {
        match asked.into_request() {
            // Boxed, since what a connection runs is moved several times.
            Some((set, request)) => check::response(Box::pin(self.engine.decide(set.as_deref(), request)).await),
            None => check::nothing(),
        }
    }
}

/// Answers until stopped. What is in flight then goes on for as long as there are the workers, and so does what it has begun.
pub(crate) async fn serve(
    engine: Arc<Engine>,
    listener: Listener,
    stop: CancellationToken,
) -> Result<Workers, RunError> {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_service_status(NAME, ServingStatus::Serving).await;
    let workers = Workers::start(Setup {
        threads: nuncio_grpc::threads(0),
        service: Arc::new(move || Service { engine: engine.clone(), health: health.clone() }),
        tls: None,
        max_age: (Duration::ZERO, LAST_CALLS),
        stop: stop.clone(),
    })
    .map_err(RunError::Threads)?;
    match listener {
        Listener::Tcp(listener) => workers.accept(listener, &stop).await,
        Listener::Unix(listener, _place) => workers.accept_unix(listener, &stop).await,
    }
    Ok(workers)
}
