//! Serving a service: what all of them have in common.

use std::fmt;
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router, middleware};
use http::{HeaderName, HeaderValue};
use reqwest::Url;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use utoipa::openapi::{InfoBuilder, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;

/// Which service and version answered.
const SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");
/// How long requests may take to finish after a signal to stop; event streams would never end by themselves.
const GRACE: Duration = Duration::from_secs(1);

/// A socket that accepts for a service that may not be put together yet, so that services can know each other.
pub(crate) struct Door {
    listener: TcpListener,
    /// Where others reach the service
    pub(crate) url: Url,
}

impl Door {
    /// Listens on an address.
    pub(crate) async fn open(address: std::net::SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        let url = Url::parse(&format!("http://{}", listener.local_addr()?))?;
        Ok(Self { listener, url })
    }
}

/// A service that is ready to serve.
pub(crate) struct Served {
    name: &'static str,
    version: String,
    door: Door,
    router: Router,
}

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} on {}", self.name, self.version, self.door.url)
    }
}

impl Served {
    /// Adds to a service's own routes what each of them has.
    pub(crate) fn new(
        name: &'static str,
        version: &str,
        door: Door,
        routes: OpenApiRouter,
    ) -> Result<Self, http::header::InvalidHeaderValue> {
        let served_by = HeaderValue::from_str(&format!("{name}/{version}"))?;
        let info = InfoBuilder::new().title(name).version(version).build();
        let (router, document) =
            OpenApiRouter::with_openapi(OpenApiBuilder::new().info(info).build()).merge(routes).split_for_parts();
        let router = router
            .route("/openapi.json", get(async || Json(document)))
            .route("/healthz", get(async || "ok"))
            .layer(middleware::map_response_with_state(served_by, say_who_served));
        Ok(Self { name, version: version.to_owned(), door, router })
    }

    /// Where the service is reached.
    #[cfg(test)]
    pub(crate) fn url(&self) -> &Url {
        &self.door.url
    }

    /// Serves until `stop`, then finishes the requests it has.
    pub(crate) async fn serve(self, stop: CancellationToken) -> std::io::Result<()> {
        axum::serve(self.door.listener, self.router).with_graceful_shutdown(stop.cancelled_owned()).await
    }
}

async fn say_who_served(State(served_by): State<HeaderValue>, mut response: Response) -> Response {
    response.headers_mut().insert(SERVED_BY, served_by);
    response
}

/// Serves until SIGINT or SIGTERM, or until one of the services fails.
pub(crate) async fn run(services: Vec<Served>) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let mut serving: JoinSet<_> = services.into_iter().map(|service| service.serve(stop.clone())).collect();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        Some(ended) = serving.join_next() => ended?.context("a service ended")?,
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    stop.cancel();
    // What is still open after the grace ends with the process.
    let _ = tokio::time::timeout(GRACE, serving.join_all()).await;
    Ok(())
}
