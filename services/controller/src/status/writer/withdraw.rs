//! Taking back what was said of an object that is another instance's from now on.
//!
//! If that instance has said something of it already, this may take that away too, since both write under the same name. It sees
//! that, and says it again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use nuncio_api::ObjectId;
use serde_json::json;

use super::{Done, Writer};
use crate::run::lock;
use crate::source::kubernetes::resources::api_kind;
use crate::status::api::{self, Target, WriteError};
use crate::status::look::has_status;

/// Longest time between tries.
const LONGEST: Duration = Duration::from_secs(300);

impl Writer {
    /// Applies a status that says nothing, which removes the other fields that are ours, if the object was given away.
    pub(super) fn withdraw(&mut self, id: &ObjectId) -> Option<BoxFuture<'static, Done>> {
        if !self.given_away.contains_key(id) {
            return None;
        }
        let Some((target, generation)) = self.given_away(id) else {
            self.given_away.remove(id);
            return None;
        };
        let (client, id) = (self.client.clone(), id.clone());
        let withdrawal = async move {
            // Without any field it would be no object any more, which definitions do not allow.
            let nothing = json!({ "observedGeneration": generation });
            let result = api::apply_status(&client, &target, &nothing).await.map(drop);
            Done::Withdrawal { id, result }
        };
        Some(withdrawal.boxed())
    }

    /// The object as another instance's, if it still is; with its generation.
    fn given_away(&self, id: &ObjectId) -> Option<(Target, i64)> {
        let api = api_kind(id.kind).filter(|_| id.kind.is_ours() && self.except != Some(id.kind))?;
        let engine = lock(&self.engine);
        let object = engine.foreign(id).filter(|object| has_status(object))?;
        let (uid, generation) = (object.uid.clone()?, object.generation?);
        Some((Target { api, namespace: Arc::clone(&id.namespace), name: Arc::clone(&id.name), uid }, generation))
    }

    /// What was said is taken back, or not yet.
    pub(super) fn withdrawn(&mut self, id: ObjectId, result: Result<(), WriteError>) {
        self.queue.ends(&id);
        self.metrics.status(result.is_ok());
        let now = Instant::now();
        match result {
            // Also where there is nothing of ours: the object is gone or another, or its definition has no room for a status.
            Ok(()) | Err(WriteError::Gone | WriteError::Conflict | WriteError::NoRoom(_)) => {
                self.given_away.remove(&id);
                return;
            }
            Err(WriteError::Unavailable(why)) => self.pause(&why, now),
            Err(WriteError::Refused(why) | WriteError::Denied(why)) => self.limits.complain(id.kind, &why),
        }
        let wait = self.given_away.entry(id.clone()).or_default().next_up_to(LONGEST);
        self.queue.put_later(id, now + wait);
    }
}
