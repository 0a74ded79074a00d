//! Threads with a runtime each, that connections are dealt out to.
//!
//! A connection's calls are answered by one thread: nothing is handed from core to core. Envoys hold few connections for
//! long, so that these are dealt out in turn, rather than by the kernel's hash of addresses, by which one thread may get all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::Service;
use crate::connection::{self, Accepted};

/// How long calls may take to end when the service stops.
const DRAIN: Duration = Duration::from_secs(10);

/// Takes a TLS handshake with a client.
pub type Tls = Arc<dyn Fn(TcpStream) -> BoxFuture<'static, std::io::Result<TlsStream<TcpStream>>> + Send + Sync>;

/// What threads need.
pub struct Setup<S> {
    /// How many; [`threads`] says what is usual.
    pub threads: usize,
    /// Makes what answers the calls of a thread, in its runtime.
    pub service: Arc<dyn Fn() -> S + Send + Sync>,
    /// TLS, where it is used.
    pub tls: Option<Tls>,
    /// How old connections may become, and how long they may then take to end; zero for any time.
    pub max_age: (Duration, Duration),
    /// Ends it all.
    pub stop: CancellationToken,
}

/// As many threads as cores, unless somebody says how many.
#[must_use]
pub fn threads(asked: usize) -> usize {
    if asked > 0 { asked } else { std::thread::available_parallelism().map_or(1, std::num::NonZero::get) }
}

impl<S> std::fmt::Debug for Setup<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup").field("threads", &self.threads).finish_non_exhaustive()
    }
}

/// The threads.
#[derive(Debug)]
pub struct Workers {
    queues: Vec<mpsc::UnboundedSender<Accepted>>,
    next: AtomicUsize,
    threads: Vec<JoinHandle<()>>,
    done: Vec<oneshot::Receiver<()>>,
    /// What a thread has opened, others may use: runtimes live until all calls have ended, or nobody waits for that. Calls that
    /// are left then end with them.
    all_done: DropGuard,
}

impl Workers {
    /// Starts them.
    ///
    /// # Errors
    /// When the system gives no more threads.
    pub fn start<S: Service>(setup: Setup<S>) -> std::io::Result<Self> {
        let all_done = CancellationToken::new();
        let mut workers = Self {
            queues: Vec::new(),
            next: AtomicUsize::new(0),
            threads: Vec::new(),
            done: Vec::new(),
            all_done: all_done.clone().drop_guard(),
        };
        let setup = Arc::new(setup);
        for index in 0..setup.threads.max(1) {
            let (queue, accepted) = mpsc::unbounded_channel();
            let (done, is_done) = oneshot::channel();
            let (setup, all_done) = (setup.clone(), all_done.clone());
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let thread = std::thread::Builder::new().name(format!("grpc-{index}")).spawn(move || {
                runtime.block_on(all_done.run_until_cancelled(async {
                    run(&setup, accepted).await;
                    _ = done.send(());
                    std::future::pending::<()>().await;
                }));
            })?;
            workers.queues.push(queue);
            workers.threads.push(thread);
            workers.done.push(is_done);
        }
        Ok(workers)
    }

    /// Accepts connections over TCP until stopped.
    pub async fn accept(&self, listener: TcpListener, stop: &CancellationToken) {
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                accepted = listener.accept() => accepted.and_then(|(stream, _)| stream.into_std()),
            };
            self.deal(accepted.map(Accepted::Tcp)).await;
        }
    }

    /// Accepts connections over a Unix socket until stopped.
    pub async fn accept_unix(&self, listener: UnixListener, stop: &CancellationToken) {
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
    pub async fn drained(self) {
        self.drained_within(DRAIN).await;
    }

    async fn drained_within(self, time: Duration) {
        drop(self.queues);
        let all = async {
            for done in self.done {
                _ = done.await;
            }
        };
        if tokio::time::timeout(time, all).await.is_err() {
            tracing::warn!("some calls have not ended after {time:?}");
            return;
        }
        drop(self.all_done);
        for thread in self.threads {
            _ = thread.join();
        }
    }
}

/// Serves the connections of a thread until stopped, and then until they have ended.
async fn run<S: Service>(setup: &Setup<S>, mut accepted: mpsc::UnboundedReceiver<Accepted>) {
    let service = Arc::new((setup.service)());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = setup.stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = accepted.recv() => match accepted {
                Some(accepted) => _ = connections.spawn(serve(setup, accepted, service.clone())),
                None => break,
            },
        }
    }
    while connections.join_next().await.is_some() {}
}

fn serve<S: Service>(
    setup: &Setup<S>,
    accepted: Accepted,
    service: Arc<S>,
) -> impl Future<Output = ()> + Send + use<S> {
    let (tls, stop) = (setup.tls.clone(), setup.stop.clone());
    let max_age = (about(setup.max_age.0), unlimited_when_zero(setup.max_age.1));
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

/// A tenth more or less, so that connections that came at once do not go at once.
fn about(age: Duration) -> Duration {
    unlimited_when_zero(age.mul_f64(0.9 + fastrand::f64() / 5.0))
}

fn unlimited_when_zero(time: Duration) -> Duration {
    if time.is_zero() { Duration::MAX } else { time }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{Request, Response};
    use http_body_util::Empty;
    use hyper::client::conn::http2;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use tokio::net::UnixStream;

    use super::*;
    use crate::{Incoming, Reply};

    /// Tells of each call, and answers none.
    struct Silent(mpsc::UnboundedSender<()>);

    impl Service for Silent {
        async fn answer(&self, _: Request<Incoming>) -> Response<Reply> {
            self.0.send(()).unwrap();
            std::future::pending().await
        }
    }

    /// Workers, their threads, what stops them, and what tells of calls.
    fn started() -> (Workers, Vec<JoinHandle<()>>, CancellationToken, mpsc::UnboundedReceiver<()>) {
        let (called, calls) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let mut workers = Workers::start(Setup {
            threads: 3,
            service: Arc::new(move || Silent(called.clone())),
            tls: None,
            max_age: (Duration::ZERO, Duration::ZERO),
            stop: stop.clone(),
        })
        .unwrap();
        let threads = std::mem::take(&mut workers.threads);
        (workers, threads, stop, calls)
    }

    async fn ended(threads: &[JoinHandle<()>]) {
        let ended = async {
            while !threads.iter().all(JoinHandle::is_finished) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(DRAIN, ended).await.expect("they end");
    }

    /// As when not all of them could be started.
    #[tokio::test]
    async fn no_thread_is_left_where_nobody_waits_for_them() {
        let (workers, threads, ..) = started();
        drop(workers);
        ended(&threads).await;
    }

    #[tokio::test]
    async fn a_call_that_does_not_end_in_time_keeps_no_thread() {
        let (workers, threads, stop, mut calls) = started();
        let (client, server) = UnixStream::pair().unwrap();
        workers.deal(server.into_std().map(Accepted::Unix)).await;
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(client)).await.unwrap();
        tokio::spawn(connection);
        let call = tokio::spawn(sender.send_request(Request::new(Empty::<Bytes>::new())));
        calls.recv().await.unwrap();
        stop.cancel();
        let begun = std::time::Instant::now();
        let time = Duration::from_millis(50);
        workers.drained_within(time).await;
        assert!(begun.elapsed() >= time, "it is waited for");
        ended(&threads).await;
        assert!(call.await.unwrap().is_err(), "it got no answer");
    }
}
