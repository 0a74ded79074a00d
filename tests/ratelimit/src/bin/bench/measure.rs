//! A service with its Redis, and what both use for what they are asked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nuncio_ratelimit_tests::{Redis, Service, Which};
use nuncio_test_support::load::{self, Plan};
use nuncio_test_support::usage::{cpu, resident};
use prost::Message;

use crate::cases::{Case, Load, RULES};
use crate::place::Place;

/// Calls in flight on a connection at most.
pub(crate) const STREAMS: usize = 64;

const PATH: &str = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";

/// Of a load at a fixed rate.
const CONNECTIONS: u64 = 4;

/// One of the two that are compared.
pub(crate) struct Side {
    service: Service,
    redis: Redis,
}

/// All rounds of a case under a load.
#[derive(Default)]
pub(crate) struct Measured {
    seconds: f64,
    /// Processor time, in microseconds.
    service: f64,
    redis: f64,
    /// How long each decision took.
    times: Vec<Duration>,
}

impl Side {
    pub(crate) async fn start(which: Which, place: Place) -> anyhow::Result<Self> {
        let redis = Redis::start_pinned(place.redis)?;
        let url = redis.address();
        let variables =
            [("REDIS_URL", url.as_str()), ("LOCAL_CACHE_SIZE_IN_BYTES", "10000000"), ("NUNCIO_RATELIMIT_THREADS", "1")];
        let service = Service::start_pinned(which, place.service, RULES, &variables).await?;
        Ok(Self { service, redis })
    }

    /// Resident memory of the service in MB.
    pub(crate) fn memory(&self) -> f64 {
        resident(self.service.process().id())
    }

    /// Processor time of the service and of Redis, in microseconds.
    fn used(&self) -> [f64; 2] {
        [self.service.process(), self.redis.process()].map(|process| cpu(process.id()).as_secs_f64() * 1e6)
    }

    /// Asks for this long, and adds what came of it.
    pub(crate) async fn run(
        &self,
        case: Case,
        load: Load,
        length: Duration,
        measured: &mut Measured,
    ) -> anyhow::Result<()> {
        let (before, begun) = (self.used(), Instant::now());
        let mut running = tokio::task::JoinSet::new();
        let address = SocketAddr::from(([127, 0, 0, 1], self.service.grpc_port()));
        for plan in plans(address, case, load, begun + length) {
            running.spawn(load::run(plan));
        }
        while let Some(times) = running.join_next().await {
            measured.times.extend(times??);
        }
        let after = self.used();
        measured.seconds += begun.elapsed().as_secs_f64();
        measured.service += after[0] - before[0];
        measured.redis += after[1] - before[1];
        Ok(())
    }
}

/// What each connection does.
fn plans(address: SocketAddr, case: Case, load: Load, end: Instant) -> impl Iterator<Item = Plan> {
    let (connections, pause) = match load {
        Load::Saturated { connections } => (connections, None),
        Load::Fixed { rate } => (CONNECTIONS, Some(Duration::from_secs_f64(CONNECTIONS as f64 / rate as f64))),
    };
    let request = case.request;
    (0..connections).map(move |index| Plan {
        address,
        path: PATH,
        // Writing to memory that grows does not fail.
        message: Arc::new(move |number, bytes| _ = request(number).encode(bytes)),
        end,
        streams: STREAMS,
        numbers: (index, connections),
        pause,
    })
}

impl Measured {
    fn decisions(&self) -> f64 {
        self.times.len() as f64
    }

    /// Decisions a second.
    pub(crate) fn rate(&self) -> f64 {
        self.decisions() / self.seconds
    }

    /// Microseconds of the service's processor time for a decision.
    pub(crate) fn service(&self) -> f64 {
        self.service / self.decisions()
    }

    /// Microseconds of Redis' processor time for a decision.
    pub(crate) fn redis(&self) -> f64 {
        self.redis / self.decisions()
    }

    /// The milliseconds that 99 of 100 decisions do not exceed.
    pub(crate) fn p99(&self) -> f64 {
        let mut times = self.times.clone();
        times.sort_unstable();
        times.get(times.len() * 99 / 100).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    }
}
