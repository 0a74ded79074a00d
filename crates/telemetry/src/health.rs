//! Whether a service should get traffic, and if not, why.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// Readiness as the sum of named conditions. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Health {
    state: Arc<RwLock<State>>,
}

#[derive(Debug, Default)]
struct State {
    draining: bool,
    /// Why each condition that does not hold does not.
    missing: BTreeMap<&'static str, String>,
}

/// One thing that must hold for a service to be ready.
#[derive(Clone, Debug)]
pub struct Condition {
    name: &'static str,
    health: Health,
}

/// Why a service is not ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotReady(Vec<String>);

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for NotReady {}

impl Health {
    /// Adds a condition, which does not hold until [`Condition::set_ready`].
    #[must_use]
    pub fn condition(&self, name: &'static str) -> Condition {
        let condition = Condition { name, health: self.clone() };
        condition.set_not_ready("not yet");
        condition
    }

    /// From now on the service is not ready whatever its conditions say: it is being shut down.
    pub fn drain(&self) {
        self.change(|state| state.draining = true);
    }

    /// Whether the service is being shut down.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.state.read().unwrap_or_else(PoisonError::into_inner).draining
    }

    /// Whether the service should get traffic.
    ///
    /// # Errors
    /// When a condition does not hold or the service is draining: every reason there is.
    pub fn ready(&self) -> Result<(), NotReady> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let draining = state.draining.then(|| "draining".to_owned());
        let missing = state.missing.iter().map(|(name, reason)| format!("{name}: {reason}"));
        let reasons: Vec<_> = draining.into_iter().chain(missing).collect();
        if reasons.is_empty() { Ok(()) } else { Err(NotReady(reasons)) }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Condition {
    /// The condition holds.
    pub fn set_ready(&self) {
        self.health.change(|state| drop(state.missing.remove(self.name)));
    }

    /// The condition does not hold, for the reason given.
    pub fn set_not_ready(&self, reason: impl Into<String>) {
        self.health.change(|state| drop(state.missing.insert(self.name, reason.into())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_ready_when_all_conditions_hold_and_not_while_draining() {
        let health = Health::default();
        let (source, envoy) = (health.condition("source"), health.condition("envoy"));
        assert_eq!(health.ready().unwrap_err().to_string(), "envoy: not yet; source: not yet");
        source.set_ready();
        envoy.set_not_ready("exited with status 1");
        assert_eq!(health.ready().unwrap_err().to_string(), "envoy: exited with status 1");
        envoy.set_ready();
        assert_eq!((health.ready(), health.is_draining()), (Ok(()), false));
        health.drain();
        assert!(health.is_draining());
        assert_eq!(health.ready().unwrap_err().to_string(), "draining");
    }
}
