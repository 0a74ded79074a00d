//! gRPC: threads with a runtime each, that connections are dealt out to.
//!
//! A connection's calls are answered by one thread, with a connection to Redis of its own: nothing is handed from core
//! to core. Envoys hold few connections for long, so that these are dealt out in turn, rather than by the kernel's hash of
//! addresses, by which one thread may get all.

mod connection;
mod deadline;
mod service;
mod stream;
mod turn;
mod unary;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic_health::pb::health_server::{Health as HealthService, HealthServer};

use crate::limiter::Limiter;
use crate::tls::ReloadingAcceptor;
use connection::Accepted;
use service::Service;

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
    /// Serves connections until stopped, and then until they have ended.
    async fn run(self, mut accepted: mpsc::UnboundedReceiver<Accepted>) {
        let service = Arc::new(Service { limiter: (self.limiter)(), health: self.health.clone() });
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                Some(_) = connections.join_next() => {}
                accepted = accepted.recv() => match accepted {
                    Some(accepted) => _ = connections.spawn(self.serve(accepted, service.clone())),
                    None => break,
                },
            }
        }
        while connections.join_next().await.is_some() {}
    }

    fn serve(&self, accepted: Accepted, service: Arc<Service<H>>) -> impl Future<Output = ()> + Send + use<H> {
        let (tls, stop) = (self.tls.clone(), self.stop.clone());
        let max_age = (about(self.max_age.0), unlimited_when_zero(self.max_age.1));
        async move {
            let opened = tokio::select! {
                // Who has not spoken yet, or is amid a handshake, has no call: nobody waits for it.
                () = stop.cancelled() => return,
                opened = accepted.open(tls, connection::GREETING) => opened,
            };
            match opened {
                Ok(stream) => connection::serve(stream, service, max_age, connection::SILENCE, stop).await,
                Err(error) => tracing::info!("a connection came to nothing: {error}"),
            }
        }
    }
}

/// A tenth more or less, so that connections that came at once do not go at once.
fn about(age: Duration) -> Duration {
    unlimited_when_zero(age.mul_f64(0.9 + fastrand::f64() / 5.0))
}

fn unlimited_when_zero(time: Duration) -> Duration {
    if time.is_zero() { Duration::MAX } else { time }
}
