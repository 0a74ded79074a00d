//! From the socket that Envoy sends to, into the tunnel.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::link::{Body, Sender};
use crate::splice::splice;

/// How long one waits that cannot accept a connection, such as for want of file descriptors: until it can, that comes at once.
const PAUSE: Duration = Duration::from_millis(100);
/// What visitors are told whose requests go nowhere.
const CLOSED: &str = "the tunnel is closed";

/// Requests at once, whatever the process says how many it takes. Others wait.
const REQUESTS: usize = 256;

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

    /// Passes requests on, and counts them, until it is dropped.
    pub(super) async fn run(self, sender: Sender, requests: Arc<AtomicU64>) {
        let mut connections = JoinSet::new();
        let mut is_said = false;
        let places = Arc::new(Semaphore::new(REQUESTS));
        loop {
            tokio::select! {
                (stream, _) = accepted(|| self.listener.accept(), &self.path, &mut is_said) => {
                    connections.spawn(serve(stream, sender.clone(), Arc::clone(&places), Arc::clone(&requests)));
                }
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

/// The next connection. That there can be none is said once.
async fn accepted<S, F: Future<Output = io::Result<S>>>(
    mut accept: impl FnMut() -> F,
    path: &Path,
    is_said: &mut bool,
) -> S {
    loop {
        match accept().await {
            Ok(stream) => return stream,
            Err(error) => {
                if !std::mem::replace(is_said, true) {
                    tracing::warn!("{}: {error}", path.display());
                }
                sleep(PAUSE).await;
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

async fn serve(stream: UnixStream, sender: Sender, places: Arc<Semaphore>, requests: Arc<AtomicU64>) {
    let service = service_fn(move |request| {
        requests.fetch_add(1, Ordering::Relaxed);
        let (sender, places) = (sender.clone(), Arc::clone(&places));
        async move {
            Ok::<_, Infallible>(match places.acquire_owned().await {
                Ok(place) => pass(request, sender, place).await,
                Err(_) => refused(StatusCode::SERVICE_UNAVAILABLE, CLOSED),
            })
        }
    });
    let mut server = http2::Builder::new(TokioExecutor::new());
    server.timer(TokioTimer::new()).enable_connect_protocol();
    // Why Envoy's connection ends is of no use.
    _ = server.serve_connection(TokioIo::new(stream), service).await;
}

/// Holds its place until the answer is over.
async fn pass(mut request: Request<Incoming>, mut sender: Sender, place: OwnedSemaphorePermit) -> Response<Body> {
    // WebSockets and the like (RFC 8441).
    let upgrade = (request.method() == Method::CONNECT).then(|| hyper::upgrade::on(&mut request));
    let (mut head, body) = request.into_parts();
    head.uri = with_scheme(head.uri);
    let request = Request::from_parts(head, body.map_err(Into::into).boxed_unsync());
    match sender.send_request(request).await {
        Ok(mut response) => {
            if let Some(upgrade) = upgrade.filter(|_| response.status() == StatusCode::OK) {
                let spliced = splice(upgrade, hyper::upgrade::on(&mut response));
                tokio::spawn(async move {
                    spliced.await;
                    drop(place);
                });
                return response.map(|body| body.map_err(Into::into).boxed_unsync());
            }
            response.map(|body| body.map_frame(move |frame| held(&place, frame)).map_err(Into::into).boxed_unsync())
        }
        Err(_) if sender.is_closed() => refused(StatusCode::SERVICE_UNAVAILABLE, CLOSED),
        Err(error) => refused(StatusCode::BAD_GATEWAY, &format!("the tunnel failed: {error}")),
    }
}

/// The frame of a body that has the place.
fn held<T>(_: &OwnedSemaphorePermit, frame: T) -> T {
    frame
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

#[cfg(test)]
mod tests {
    use http_body_util::Empty;
    use hyper::client::conn::http2::handshake;
    use tokio::sync::{mpsc, oneshot};
    use tokio::time::Instant;
    use tokio_util::task::AbortOnDropHandle;

    use super::*;

    #[tokio::test]
    async fn who_cannot_accept_waits_before_he_tries_again() {
        let (begun, mut tries) = (Instant::now(), 0);
        let accept = || {
            tries += 1;
            let error = io::Error::from_raw_os_error(24);
            std::future::ready(if tries < 4 { Err(error) } else { Ok(tries) })
        };
        let mut is_said = false;
        assert_eq!((accepted(accept, Path::new("relay.sock"), &mut is_said).await, is_said), (4, true));
        assert!(begun.elapsed() >= PAUSE * 3, "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn a_process_gets_no_more_requests_at_once_than_that_whatever_it_says() {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let (seen, mut came) = mpsc::unbounded_channel();
        let service = service_fn(move |_: Request<Incoming>| {
            let (answer, told) = oneshot::channel::<()>();
            _ = seen.send(answer);
            async move {
                _ = told.await;
                Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
            }
        });
        let mut process = http2::Builder::new(TokioExecutor::new());
        tokio::spawn(process.max_concurrent_streams(1_000).serve_connection(TokioIo::new(theirs), service));
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(ours)).await.unwrap();
        tokio::spawn(connection);

        let directory = tempfile::tempdir().unwrap();
        let relay = Relay::bind(directory.path().join("relay.sock")).unwrap();
        let path = relay.path().to_owned();
        let _relay = AbortOnDropHandle::new(tokio::spawn(relay.run(sender, Arc::default())));
        let mut visitors = JoinSet::new();
        for _ in 0..2 {
            let stream = TokioIo::new(UnixStream::connect(&path).await.unwrap());
            let (visitor, connection) = handshake(TokioExecutor::new(), stream).await.unwrap();
            tokio::spawn(connection);
            for _ in 0..150 {
                let mut visitor = visitor.clone();
                let request = Request::get("http://cart/").body(Empty::<Bytes>::new()).unwrap();
                visitors.spawn(async move { visitor.send_request(request).await.unwrap().status() });
            }
        }
        let mut at_once = Vec::new();
        for _ in 0..REQUESTS {
            at_once.push(came.recv().await.unwrap());
        }
        sleep(PAUSE).await;
        came.try_recv().unwrap_err();
        // Each is answered, and another comes in its place.
        drop(at_once);
        for _ in REQUESTS..300 {
            drop(came.recv().await.unwrap());
        }
        while let Some(status) = visitors.join_next().await {
            assert_eq!(status.unwrap(), StatusCode::OK);
        }
    }
}
