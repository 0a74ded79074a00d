//! gRPC: threads with a runtime each, that connections are dealt out to.
//!
//! A connection's calls are answered by one thread, with a connection to Redis of its own: nothing is handed from core
//! to core. Envoys hold few connections for long, so that these are dealt out in turn, rather than by the kernel's hash of
//! addresses, by which one thread may get all.

mod service;
mod stream;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_service_server::RateLimitServiceServer;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic_health::pb::health_server::{Health as HealthService, HealthServer};

use crate::limiter::Limiter;
use crate::tls::ReloadingAcceptor;
use service::Service;
use stream::Stream;

/// Windows for what clients may send ahead: a connection carries thousands of small calls at once.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;
/// How long calls may take to end when the service stops.
const DRAIN: Duration = Duration::from_secs(10);

/// What threads need.
pub(crate) struct WorkersSetup<H> {
    /// How many.
    pub(crate) threads: usize,
    /// Makes the limiter of a thread, in its runtime.
    pub(crate) limiter: Arc<dyn Fn() -> Limiter + Send + Sync>,
    /// `grpc.health.v1`.
    pub(crate) health: HealthServer<H>,
    /// TLS, where it is used.
    pub(crate) tls: Option<ReloadingAcceptor>,
    /// How old connections may become, and how long they may then take to end.
    pub(crate) max_age: (Duration, Duration),
    /// Ends it all.
    pub(crate) stop: CancellationToken,
}

/// The threads.
pub(crate) struct Workers {
    queues: Vec<mpsc::UnboundedSender<Accepted>>,
    next: AtomicUsize,
    threads: Vec<JoinHandle<()>>,
    done: Vec<oneshot::Receiver<()>>,
}

enum Accepted {
    Tcp(std::net::TcpStream),
    Unix(std::os::unix::net::UnixStream),
}

impl Workers {
    pub(crate) fn start<H: HealthService>(setup: WorkersSetup<H>) -> std::io::Result<Self> {
        let mut workers = Self { queues: Vec::new(), next: AtomicUsize::new(0), threads: Vec::new(), done: Vec::new() };
        let tls = setup.tls.map(Arc::new);
        for index in 0..setup.threads.max(1) {
            let (queue, accepted) = mpsc::unbounded_channel();
            let (done, is_done) = oneshot::channel();
            let worker = Worker {
                limiter: setup.limiter.clone(),
                health: setup.health.clone(),
                tls: tls.clone(),
                max_age: setup.max_age,
                stop: setup.stop.clone(),
            };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let thread = std::thread::Builder::new().name(format!("grpc-{index}")).spawn(move || {
                runtime.block_on(worker.run(accepted));
                _ = done.send(());
            })?;
            workers.queues.push(queue);
            workers.threads.push(thread);
            workers.done.push(is_done);
        }
        Ok(workers)
    }

    /// Accepts connections over TCP until stopped.
    pub(crate) async fn accept(&self, listener: TcpListener, stop: &CancellationToken) {
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                accepted = listener.accept() => accepted.and_then(|(stream, _)| stream.into_std()),
            };
            self.deal(accepted.map(Accepted::Tcp)).await;
        }
    }

    /// Accepts connections over a Unix socket until stopped.
    pub(crate) async fn accept_unix(&self, listener: UnixListener, stop: &CancellationToken) {
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                accepted = listener.accept() => accepted.and_then(|(stream, _)| stream.into_std()),
            };
            self.deal(accepted.map(Accepted::Unix)).await;
        }
    }

    async fn deal(&self, accepted: std::io::Result<Accepted>) {
        match accepted {
            Ok(accepted) => {
                let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.queues.len();
                _ = self.queues[turn].send(accepted);
            }
            Err(error) => {
                // Out of files, most likely: accepting at once again would only turn the wheel.
                tracing::warn!("cannot accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// Waits for the calls in flight, for a while.
    pub(crate) async fn drained(self) {
        drop(self.queues);
        let all = async {
            for done in self.done {
                _ = done.await;
            }
        };
        if tokio::time::timeout(DRAIN, all).await.is_err() {
            tracing::warn!("some calls have not ended after {DRAIN:?}");
            return;
        }
        for thread in self.threads {
            _ = thread.join();
        }
    }
}

struct Worker<H> {
    limiter: Arc<dyn Fn() -> Limiter + Send + Sync>,
    health: HealthServer<H>,
    tls: Option<Arc<ReloadingAcceptor>>,
    max_age: (Duration, Duration),
    stop: CancellationToken,
}

impl<H: HealthService> Worker<H> {
    async fn run(self, accepted: mpsc::UnboundedReceiver<Accepted>) {
        let (ready, incoming) = mpsc::unbounded_channel();
        let stop = self.stop.clone();
        tokio::spawn(prepare(accepted, self.tls, ready));
        let service = Service::new(Arc::new((self.limiter)()));
        let incoming = UnboundedReceiverStream::new(incoming).map(Ok::<Stream, std::io::Error>);
        let served = Server::builder()
            // Each call is a stream: a limit would hold an Envoy back.
            .max_concurrent_streams(Some(u32::MAX))
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_connection_age(self.max_age.0)
            .max_connection_age_grace(self.max_age.1)
            .add_service(RateLimitServiceServer::new(service))
            .add_service(self.health)
            .serve_with_incoming_shutdown(incoming, stop.cancelled_owned())
            .await;
        if let Err(error) = served {
            tracing::error!("a gRPC server ended: {error}");
        }
    }
}

/// Makes streams of what was accepted; handshakes go on side by side.
async fn prepare(
    mut accepted: mpsc::UnboundedReceiver<Accepted>,
    tls: Option<Arc<ReloadingAcceptor>>,
    ready: mpsc::UnboundedSender<Stream>,
) {
    while let Some(accepted) = accepted.recv().await {
        let stream = match accepted {
            Accepted::Unix(stream) => UnixStream::from_std(stream).map(Stream::Unix),
            Accepted::Tcp(stream) => match (TcpStream::from_std(stream), &tls) {
                (Ok(stream), None) => stream.set_nodelay(true).map(|()| Stream::Tcp(stream)),
                (Ok(stream), Some(tls)) => {
                    tokio::spawn(handshake(tls.clone(), stream, ready.clone()));
                    continue;
                }
                (Err(error), _) => Err(error),
            },
        };
        match stream {
            Ok(stream) => _ = ready.send(stream),
            Err(error) => tracing::debug!("a connection was gone: {error}"),
        }
    }
}

async fn handshake(tls: Arc<ReloadingAcceptor>, stream: TcpStream, ready: mpsc::UnboundedSender<Stream>) {
    _ = stream.set_nodelay(true);
    match tls.accept(stream).await {
        Ok(stream) => _ = ready.send(Stream::Tls(Box::new(stream))),
        Err(error) => tracing::info!("a TLS handshake failed: {error}"),
    }
}
