//! Events, for what is wrong.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use k8s_openapi::jiff::Timestamp;
use nuncio_api::ObjectId;

use super::{Done, Writer};
use crate::status::api::{self, Target, WriteError};
use crate::status::condition::{ConditionType, Status};
use crate::status::events::Write;

impl Writer {
    /// Whether something else is wrong with an Ingress than was last told. Its status has no place for it.
    pub(super) fn is_news(&mut self, id: &ObjectId, status: &Status) -> bool {
        let Some((reason, message)) = complaint(status) else {
            self.told.remove(id);
            return false;
        };
        let text = format!("{reason}: {message}");
        self.told.insert(id.clone(), text.clone()) != Some(text)
    }

    /// The event for a status that says that something is wrong.
    pub(super) fn event(&mut self, target: &Target, status: &Status) -> Option<BoxFuture<'static, Done>> {
        let (reason, message) = complaint(status)?;
        let write = self.recorder.record(target, reason, message, (Instant::now(), Timestamp::now()))?;
        let (client, namespace) = (self.client.clone(), Arc::clone(&target.namespace));
        Some(Box::pin(async move {
            let written = match write {
                Write::Create(event) => match serde_json::to_value(event) {
                    Ok(event) => api::create_event(&client, &namespace, &event).await,
                    Err(error) => Err(WriteError::Refused(error.to_string())),
                },
                Write::Repeat { name, patch } => api::patch_event(&client, &namespace, &name, &patch).await,
            };
            // The status says it too.
            if let Err(error) = written {
                tracing::debug!(?error, "cannot write an event");
            }
            None
        }))
    }
}

/// What is wrong by a status: an object on its way is not.
fn complaint(status: &Status) -> Option<(&'static str, &str)> {
    let kinds = [ConditionType::Accepted, ConditionType::ResolvedRefs, ConditionType::Programmed];
    let failed = kinds.into_iter().filter_map(|kind| status.condition(kind)).find(|condition| !condition.holds)?;
    (!matches!(failed.reason, "Pending" | "NoEnvoy")).then_some((failed.reason, failed.message.as_str()))
}
