//! A request that another gateway follows: what is seen of it here is written down until that gateway has heard it.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nuncio_api::{Kind, ObjectId};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Lifecycle;
use super::probe::{busy, no_envoy, placed, start_log, switch};
use super::seen::{log_beside, read};
use crate::admin::{AdminClient, PlacedCallView, PreviewError, WatchView, WatchedPreview};
use crate::engine::Engine;
use crate::run::lock;

/// How long is written down for somebody who never comes back: longer than a request that is followed takes.
const LONGEST: Duration = Duration::from_secs(30);

/// What is watched for.
#[derive(Debug)]
pub(super) struct Watching {
    trace: String,
    stop: oneshot::Sender<()>,
    over: JoinHandle<()>,
}

impl Lifecycle {
    /// Begins to write down what is seen of a trace. Blocks.
    pub(crate) fn watch(&self, engine: &Mutex<Engine>, wanted: &WatchedPreview) -> Result<WatchView, PreviewError> {
        self.store.is_allowed()?;
        let told = WatchView { gateway: self.peers.own().to_owned() };
        if self.peers.is_own(&wanted.by) {
            return Ok(told);
        }
        // Without one no trace has a mark.
        let envoy = self.envoy.as_deref().ok_or_else(no_envoy)?;
        let mark = lock(engine).world.preview_probe(&of(wanted)).and_then(|probe| probe.mark);
        if mark.is_none_or(|mark| !wanted.trace.starts_with(&*mark)) {
            let why = "it does not show the preview, or makes its keys of another secret";
            return Err(PreviewError::Conflict(why.to_owned()));
        }
        // Held until it is known what is watched for: who has two addresses is asked twice at the same time.
        let mut watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        if watching.as_ref().is_some_and(|watching| watching.trace == wanted.trace) {
            return Ok(told);
        }
        let alone = Arc::clone(&self.probing).try_lock_owned().map_err(|_| busy())?;
        let admin = AdminClient::unix(envoy);
        start_log(envoy);
        Handle::current().block_on(switch(&admin, 100))?;
        let (stop, stopped) = oneshot::channel();
        let over = Handle::current().spawn(async move {
            // Whoever wanted it may be gone.
            _ = timeout(LONGEST, stopped).await;
            if let Err(error) = switch(&admin, 0).await {
                tracing::warn!("{error}");
            }
            drop(alone);
        });
        *watching = Some(Watching { trace: wanted.trace.clone(), stop, over });
        Ok(told)
    }

    /// What was seen of it, and no more from now on. Blocks.
    pub(crate) fn watched(
        &self,
        engine: &Mutex<Engine>,
        wanted: &WatchedPreview,
    ) -> Result<Vec<PlacedCallView>, PreviewError> {
        let envoy = self.envoy.as_deref().ok_or_else(no_envoy)?;
        let over = || PreviewError::Conflict("nobody watches for this trace, or not any more".to_owned());
        let watching = self.stop_watching(&wanted.trace).ok_or_else(over)?;
        let calls = self.calls(engine, envoy, wanted);
        // One that is gone has waited for too long, and has stopped by itself.
        _ = watching.stop.send(());
        _ = Handle::current().block_on(watching.over);
        Ok(calls)
    }

    fn stop_watching(&self, trace: &str) -> Option<Watching> {
        let mut watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        watching.take_if(|watching| watching.trace == trace)
    }

    /// What is written down of a trace.
    pub(super) fn calls(&self, engine: &Mutex<Engine>, envoy: &Path, wanted: &WatchedPreview) -> Vec<PlacedCallView> {
        let id = of(wanted);
        let seen = read(&log_beside(envoy), &wanted.trace);
        let engine = lock(engine);
        seen.iter().map(|seen| placed(&engine, &id, seen)).collect()
    }
}

fn of(wanted: &WatchedPreview) -> ObjectId {
    ObjectId::new(Kind::Preview, &*wanted.namespace, &*wanted.name)
}

#[cfg(test)]
mod tests {
    use super::super::deliveries::tests::lifecycle;
    use super::*;
    use crate::engine::fixture;

    #[test]
    fn a_gateway_without_an_envoy_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let wanted =
            WatchedPreview { by: "other".into(), namespace: "shop".into(), name: "tax".into(), trace: "0".repeat(32) };
        let refused = lifecycle(directory.path()).watch(&Mutex::new(fixture::engine()), &wanted);
        assert_eq!(refused, Err(no_envoy()));
    }
}
