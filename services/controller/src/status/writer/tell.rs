//! Events, for what is wrong.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use k8s_openapi::jiff::Timestamp;
use nuncio_api::ObjectId;

use super::{Done, Writer};
use crate::status::api::{self, Target, WriteError};
use crate::status::condition::{ConditionType, Status};
use crate::status::events::Write;

/// When an event is tried again that could not be written, or was one too many.
const LATER: Duration = Duration::from_secs(10);

impl Writer {
    /// Says by an event what is wrong with an object whose status has no place for it, unless that was said.
    pub(super) fn tell(&mut self, id: &ObjectId, target: &Target, status: &Status) -> Option<BoxFuture<'static, Done>> {
        let Some((reason, message)) = complaint(status) else {
            self.told.remove(id);
            return None;
        };
        let text = format!("{reason}: {message}");
        if self.told.get(id) == Some(&text) {
            return None;
        }
        let event = self.event(Some(id), target, status);
        if event.is_some() {
            self.told.insert(id.clone(), text);
        } else {
            self.queue.put_later(id.clone(), Instant::now() + LATER);
        }
        event
    }

    /// The event for a status that says that something is wrong; `alone` is the object if nothing else says it.
    pub(super) fn event(
        &mut self,
        alone: Option<&ObjectId>,
        target: &Target,
        status: &Status,
    ) -> Option<BoxFuture<'static, Done>> {
        let (reason, message) = complaint(status)?;
        let write = self.recorder.record(target, reason, message, (Instant::now(), Timestamp::now()))?;
        let (client, namespace, alone) = (self.client.clone(), Arc::clone(&target.namespace), alone.cloned());
        let written = async move {
            let (name, written) = match write {
                Write::Create(event) => {
                    let name = event.metadata.name.clone().unwrap_or_default();
                    let written = match serde_json::to_value(event) {
                        Ok(event) => api::create_event(&client, &namespace, &event).await,
                        Err(error) => Err(WriteError::Refused(error.to_string())),
                    };
                    (name, written)
                }
                Write::Repeat { name, patch } => {
                    let written = api::patch_event(&client, &namespace, &name, &patch).await;
                    (name, written)
                }
            };
            let lost = written.err().map(|error| {
                tracing::debug!(?error, "cannot write an event");
                name
            });
            Done::Event { alone, lost }
        };
        Some(written.boxed())
    }

    /// An event could not be written.
    pub(super) fn lost(&mut self, alone: Option<ObjectId>, event: &str) {
        let now = Instant::now();
        self.recorder.lost(event, now);
        if let Some(id) = alone {
            self.told.remove(&id);
            self.queue.put_later(id, now + LATER);
        }
    }
}

/// What is wrong by a status: an object on its way is not.
fn complaint(status: &Status) -> Option<(&'static str, &str)> {
    let kinds = [ConditionType::Accepted, ConditionType::ResolvedRefs, ConditionType::Programmed];
    let failed = kinds.into_iter().filter_map(|kind| status.condition(kind)).find(|condition| !condition.holds)?;
    (!matches!(failed.reason, "Pending" | "NoEnvoy")).then_some((failed.reason, failed.message.as_str()))
}
