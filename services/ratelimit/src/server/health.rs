//! Whether the service is healthy.

use std::sync::{Arc, Mutex, PoisonError};

use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// What must be well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Component {
    /// There is a connection to Redis, or has been.
    Redis,
    /// There are rules.
    Config,
    /// Nobody has asked for an end.
    Running,
}

/// Knows what is well, and tells those who watch over gRPC.
#[derive(Clone)]
pub(crate) struct Health {
    failing: Arc<Mutex<Vec<Component>>>,
    reporter: HealthReporter,
}

/// The name of the service in `grpc.health.v1`.
const SERVICE: &str = "ratelimit";

impl Health {
    /// Everything in `failing` has yet to become well.
    pub(crate) async fn new(failing: Vec<Component>, reporter: HealthReporter) -> Self {
        let health = Self { failing: Arc::new(Mutex::new(failing)), reporter };
        health.report().await;
        health
    }

    pub(crate) async fn set(&self, component: Component, well: bool) {
        {
            let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
            failing.retain(|other| *other != component);
            if !well {
                failing.push(component);
            }
        }
        self.report().await;
    }

    pub(crate) fn is_well(&self) -> bool {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    async fn report(&self) {
        let status = if self.is_well() { ServingStatus::Serving } else { ServingStatus::NotServing };
        self.reporter.set_service_status(SERVICE, status).await;
    }
}
