//! The process that stands in: each request is passed on to it, and its answer back.

use std::error::Error;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::uri::Scheme;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header, request};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::ext::Protocol;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use nuncio_controller::{splice, unanswered};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tower::Service;

use super::show::Show;
use crate::cli::PreviewServeArgs;

/// How long a process of this machine may take to be there. The gateway waits for its greeting meanwhile.
const PROMPT: Duration = Duration::from_secs(1);

/// A body of a request, or of an answer.
pub(super) type Body = UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>;

/// Connects to the process, whatever host a request is for.
#[derive(Clone, Debug)]
struct Connect(SocketAddr);

impl Service<Uri> for Connect {
    type Response = TokioIo<TcpStream>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let address = self.0;
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(TokioIo::new(stream))
        })
    }
}

/// Why there is no answer.
#[derive(Debug)]
enum Unanswered {
    /// Nothing listens.
    Silent(String),
    /// Something does, and gives none.
    Broken(String),
}

/// The process.
#[derive(Clone)]
pub(super) struct Local {
    address: SocketAddr,
    /// What it stands in for, where that was said.
    service: Option<Arc<str>>,
    http1: Client<Connect, Body>,
    http2: Client<Connect, Body>,
    /// It is to be spoken to by HTTP/2 whatever comes.
    speaks_http2: bool,
    /// Requests whose answers are not over.
    in_flight: TaskTracker,
    /// Until when they are waited for, where it is to end.
    end: Arc<OnceLock<Instant>>,
    show: Show,
}

impl Local {
    /// The one that the command line names.
    pub(super) fn new(args: &PreviewServeArgs, show: Show) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
        let http1 = Client::builder(TokioExecutor::new()).build(Connect(address));
        let http2 = Client::builder(TokioExecutor::new()).http2_only(true).build(Connect(address));
        let service = args.service.as_deref().map(Into::into);
        let (in_flight, end) = (TaskTracker::new(), Arc::default());
        Self { address, service, http1, http2, speaks_http2: args.http2, in_flight, end, show }
    }

    /// Says so where nothing listens there: most likely the port is another. One that is too busy to say anything is there.
    pub(super) async fn warn_if_silent(&self) {
        if let Ok(Err(error)) = timeout(PROMPT, TcpStream::connect(self.address)).await {
            self.show.silent(self.address, &error.to_string());
        }
    }

    /// What is not over is waited for until then, and so is what comes until the gateway knows: where there is something, it is
    /// said.
    pub(super) fn ends_at(&self, end: Instant) {
        // It is told to stop once.
        _ = self.end.set(end);
        if !self.in_flight.is_empty() {
            self.say_what_is_waited_for();
        }
    }

    /// Says for how long it is still waited, where it is to end.
    fn say_what_is_waited_for(&self) {
        if let Some(end) = self.end.get() {
            self.show.stopping(end.saturating_duration_since(Instant::now()));
        }
    }

    /// What it answers, or why it does not.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let (began, in_flight) = (Instant::now(), self.in_flight.token());
        self.say_what_is_waited_for();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let wants_page = wants_page(request.headers());
        let response = match request.extensions().get::<Protocol>().cloned() {
            Some(protocol) => self.switch(request, &protocol).await,
            None => self.pass(request).await,
        };
        let (response, why) = match response {
            Ok(response) => {
                self.show.answers(self.address, began);
                let response = response.map(|body| body.map_frame(move |frame| counted(&in_flight, frame)));
                (response.map(|body| body.map_err(Into::into).boxed_unsync()), None)
            }
            Err(Unanswered::Silent(cause)) => {
                self.show.fell_silent(self.address, &cause);
                let why = format!("nothing listens at {} there: {cause}", self.address);
                (self.refused(&method, wants_page, &why), None)
            }
            Err(Unanswered::Broken(why)) => (self.refused(&method, wants_page, &why), Some(why)),
        };
        self.show.request(&method, &path, response.status(), began.elapsed(), why.as_deref());
        response
    }

    /// What a visitor is told in the place of an answer: as by the gateway where nobody is connected.
    fn refused(&self, method: &Method, wants_page: bool, why: &str) -> Response<Body> {
        let told = unanswered(self.service.as_deref(), why);
        let (text, kind) = match wants_page {
            true => (told.page, "text/html; charset=utf-8"),
            false => (told.problem, "application/problem+json"),
        };
        // A body after HEAD breaks the rules of HTTP/2, and with them the answer.
        let text = if method == Method::HEAD { String::new() } else { text };
        let mut response = Response::new(Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync());
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    async fn pass(&self, request: Request<Incoming>) -> Result<Response<Incoming>, Unanswered> {
        let (mut head, body) = request.into_parts();
        let kind = head.headers.get(header::CONTENT_TYPE);
        let is_grpc = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
        let body = body.map_err(Into::into).boxed_unsync();
        if self.speaks_http2 || is_grpc {
            head.version = Version::HTTP_2;
            self.send(&self.http2, head, body).await
        } else {
            head.version = Version::HTTP_11;
            head.headers.remove(header::TE);
            self.send(&self.http1, head, body).await
        }
    }

    /// Has the process speak another protocol, a WebSocket's: what HTTP/2 asks for in one way (RFC 8441), and HTTP/1.1 in another.
    async fn switch(
        &self,
        mut request: Request<Incoming>,
        protocol: &Protocol,
    ) -> Result<Response<Incoming>, Unanswered> {
        let near = hyper::upgrade::on(&mut request);
        let (mut head, _) = request.into_parts();
        head.method = Method::GET;
        head.version = Version::HTTP_11;
        head.extensions.clear();
        let name = HeaderValue::from_str(protocol.as_str()).map_err(|error| Unanswered::Broken(error.to_string()))?;
        head.headers.insert(header::UPGRADE, name);
        head.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
        let mut response = self.send(&self.http1, head, body).await?;
        match response.status() {
            StatusCode::SWITCHING_PROTOCOLS => {
                self.in_flight.spawn(splice(near, hyper::upgrade::on(&mut response)));
                *response.status_mut() = StatusCode::OK;
                response.headers_mut().remove(header::UPGRADE);
                response.headers_mut().remove(header::CONNECTION);
                Ok(response)
            }
            status if status.is_success() => {
                Err(Unanswered::Broken(format!("{} does not speak {}", self.address, protocol.as_str())))
            }
            _ => Ok(response),
        }
    }

    async fn send(
        &self,
        client: &Client<Connect, Body>,
        mut head: request::Parts,
        body: Body,
    ) -> Result<Response<Incoming>, Unanswered> {
        let mut uri = head.uri.into_parts();
        uri.scheme = Some(Scheme::HTTP);
        head.uri =
            Uri::from_parts(uri).map_err(|error| Unanswered::Broken(format!("the request names no host: {error}")))?;
        client.request(Request::from_parts(head, body)).await.map_err(|error| {
            let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            match error.is_connect() {
                true => Unanswered::Silent(cause),
                false => Unanswered::Broken(format!("{} does not answer: {cause}", self.address)),
            }
        })
    }
}

/// The frame of a body that is counted until it is over.
fn counted<T>(_: &TaskTrackerToken, frame: T) -> T {
    frame
}

/// As the gateway's own answers find it out.
fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT);
    accepted.iter().any(|value| value.to_str().is_ok_and(|value| value.contains("text/html")))
}
