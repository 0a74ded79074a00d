//! What was made by a request and has ended for long goes: nobody else would take it away.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use nuncio_api::ObjectId;

use super::Lifecycle;
use super::store::{Now, Step};
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
    let decide = |now: Now<'_>| Ok(if now.times.is_forgotten { Step::Remove } else { Step::Stay });
    lifecycle.store.change(engine, id, decide).map(drop)
}

fn over(engine: &Engine, lifecycle: &Lifecycle) -> Vec<ObjectId> {
    let previews = engine.world.all_previews();
    let own = previews.filter(|object| lifecycle.store.is_own(object));
    own.map(|object| object.id.clone()).filter(|id| engine.world.preview_has_ended(id, true)).collect()
}
