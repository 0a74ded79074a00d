//! What was made by a request and has ended for long goes: nobody else would take it away.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use nuncio_api::{Object, ObjectId};

use super::store::{Now, Step};
use super::{Lifecycle, hook, pulls};
use crate::admin::PreviewError;
use crate::engine::Engine;
use crate::run::lock;

/// How often it is looked. It is a day since anything was said of what is found.
const LOOK: Duration = Duration::from_secs(60);

/// Takes away what has ended. Runs until it is dropped.
pub(super) async fn follow(lifecycle: Arc<Lifecycle>, engine: Arc<Mutex<Engine>>) {
    let mut tick = tokio::time::interval(LOOK);
    loop {
        tick.tick().await;
        let over = over(&lock(&engine), &lifecycle);
        for id in over {
            let (lifecycle, engine) = (Arc::clone(&lifecycle), Arc::clone(&engine));
            // It writes, and waits for what it has written.
            let removed = tokio::task::spawn_blocking(move || remove(&engine, &lifecycle, &id)).await;
            if let Ok(Err(error)) = removed {
                tracing::warn!("a preview that has ended stays: {error}");
            }
        }
    }
}

/// Takes one away that has ended for long, unless a request has begun it anew since that was found.
fn remove(engine: &Mutex<Engine>, lifecycle: &Lifecycle, id: &ObjectId) -> Result<(), PreviewError> {
    let is_over = |now: Now<'_>| now.times.is_forgotten && !now.object.is_some_and(is_a_memory);
    let decide = |now: Now<'_>| Ok(if is_over(now) { Step::Remove } else { Step::Stay });
    lifecycle.store.change(engine, id, decide).map(drop)
}

fn over(engine: &Engine, lifecycle: &Lifecycle) -> Vec<ObjectId> {
    let previews = engine.world.all_previews();
    let own = previews.filter(|object| lifecycle.store.is_own(object) && !is_a_memory(object));
    own.map(|object| object.id.clone()).filter(|id| engine.world.preview_has_ended(id, true)).collect()
}

/// Whether nothing else says that a delivery of a webhook was heard already, which may come again.
pub(super) fn is_a_memory(object: &Object) -> bool {
    hook::may_come_again(pulls::source(object), Timestamp::now())
}
