//! From the socket that Envoy sends to, into the tunnel.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::uri::Scheme;
use http::{Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::link::{Body, Sender};
use crate::splice::splice;

/// How long one waits that cannot accept a connection, such as for want of file descriptors: until it can, that comes at once.
const PAUSE: Duration = Duration::from_millis(100);

/// A socket that is there for as long as this.
pub(super) struct Relay {
    listener: UnixListener,
    path: PathBuf,
}

impl Relay {
    /// Listens at a path.
    pub(super) fn bind(path: PathBuf) -> io::Result<Self> {
        Ok(Self { listener: UnixListener::bind(&path)?, path })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Passes requests on, until it is dropped.
    pub(super) async fn run(self, sender: Sender) {
        let mut connections = JoinSet::new();
        let mut is_said = false;
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => drop(connections.spawn(serve(stream, sender.clone()))),
                    Err(error) => {
                        if !is_said {
                            tracing::warn!("{}: {error}", self.path.display());
                        }
                        is_said = true;
                        sleep(PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // The directory goes with the gateway at the latest.
        _ = fs::remove_file(&self.path);
    }
}

async fn serve(stream: UnixStream, sender: Sender) {
    let service = service_fn(move |request| {
        let sender = sender.clone();
        async move { Ok::<_, Infallible>(pass(request, sender).await) }
    });
    let mut server = http2::Builder::new(TokioExecutor::new());
    server.timer(TokioTimer::new()).enable_connect_protocol();
    // Why Envoy's connection ends is of no use.
    _ = server.serve_connection(TokioIo::new(stream), service).await;
}

async fn pass(mut request: Request<Incoming>, mut sender: Sender) -> Response<Body> {
    // WebSockets and the like (RFC 8441).
    let upgrade = (request.method() == Method::CONNECT).then(|| hyper::upgrade::on(&mut request));
    let (mut head, body) = request.into_parts();
    head.uri = with_scheme(head.uri);
    let request = Request::from_parts(head, body.map_err(Into::into).boxed_unsync());
    match sender.send_request(request).await {
        Ok(mut response) => {
            if let Some(upgrade) = upgrade.filter(|_| response.status() == StatusCode::OK) {
                tokio::spawn(splice(upgrade, hyper::upgrade::on(&mut response)));
            }
            response.map(|body| body.map_err(Into::into).boxed_unsync())
        }
        Err(_) if sender.is_closed() => refused(StatusCode::SERVICE_UNAVAILABLE, "the tunnel is closed"),
        Err(error) => refused(StatusCode::BAD_GATEWAY, &format!("the tunnel failed: {error}")),
    }
}

/// With others the process is told something else.
fn with_scheme(uri: Uri) -> Uri {
    let mut parts = uri.into_parts();
    parts.scheme = parts.authority.is_some().then_some(Scheme::HTTP);
    Uri::from_parts(parts).unwrap_or_default()
}

fn refused(status: StatusCode, why: &str) -> Response<Body> {
    let body = Full::new(Bytes::from(format!("{why}\n"))).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
