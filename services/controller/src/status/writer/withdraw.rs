//! Taking back what was said of an object that is another instance's from now on.
//!
//! If that instance has said something of it already, this may take that away too, since both write under the same name. It sees
//! that, and says it again.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use nuncio_api::ObjectId;
use serde_json::json;

use super::{Done, Writer};
use crate::run::lock;
use crate::source::kubernetes::resources::api_kind;
use crate::status::api::{self, Target};
use crate::status::look::has_status;

impl Writer {
    /// Applies a status that says nothing, which removes the other fields that are ours. It is tried once: what it leaves is wrong,
    /// but harmless.
    pub(super) fn withdraw(&self, id: &ObjectId) -> Option<BoxFuture<'static, Done>> {
        let api = api_kind(id.kind).filter(|_| id.kind.is_ours() && self.except != Some(id.kind))?;
        let (uid, generation) = {
            let engine = lock(&self.engine);
            let object = engine.foreign(id).filter(|object| has_status(object))?;
            (object.uid.clone()?, object.generation?)
        };
        let target = Target { api, namespace: Arc::clone(&id.namespace), name: Arc::clone(&id.name), uid };
        let client = self.client.clone();
        Some(Box::pin(async move {
            // Without any field it would be no object any more, which definitions do not allow.
            let nothing = json!({ "observedGeneration": generation });
            if let Err(error) = api::apply_status(&client, &target, &nothing).await {
                tracing::debug!(?error, "cannot take back the status of {}", target.name);
            }
            Done::Withdrawal
        }))
    }
}
