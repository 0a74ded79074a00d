//! Taking changes in: into the world first, then to the Envoys.
//!
//! In two steps, because a source may have to fetch what the first made it want: a TLSContext that names another Secret must
//! not reach an Envoy before that Secret does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use nuncio_api::{Kind, ObjectId};
use nuncio_ir::Delta;
use tracing::{Span, info_span};

use super::changes::Before;
use super::{Engine, merge};
use crate::event::Event;
use crate::source::FileChange;

/// Changes that are in the world and not on their way yet.
#[derive(Debug)]
pub(super) struct Staged {
    noticed: Instant,
    span: Span,
    files: BTreeSet<Arc<str>>,
    /// The objects that were named, as they were before.
    before: BTreeMap<ObjectId, Before>,
    delta: Delta,
}

impl Engine {
    /// Takes changed files in and sends what they change.
    pub(crate) fn ingest(&mut self, changes: Vec<FileChange>, noticed: Instant) -> Vec<Event> {
        self.stage(changes, noticed);
        self.send_staged()
    }

    /// Takes changed files in and sends nothing yet.
    pub(crate) fn stage(&mut self, changes: Vec<FileChange>, noticed: Instant) {
        let span = info_span!("change", files = changes.len(), revision = tracing::field::Empty);
        let mut staged = self.staged.take().unwrap_or_else(|| Staged {
            noticed,
            span,
            files: BTreeSet::new(),
            before: BTreeMap::new(),
            delta: Delta::default(),
        });
        let _entered = staged.span.clone().entered();
        staged.files.extend(changes.iter().map(|change| Arc::clone(&change.file)));
        let objects = info_span!("parse").in_scope(|| self.files.apply(changes));
        for (id, _) in &objects {
            staged.before.entry(id.clone()).or_insert_with(|| self.before(id));
        }
        let given = objects.clone();
        let delta = info_span!("compile").in_scope(|| self.world.apply(objects));
        self.know_foreign(given);
        merge(&mut staged.delta, delta);
        self.staged = Some(staged);
    }

    /// Sends what was taken in.
    pub(crate) fn send_staged(&mut self) -> Vec<Event> {
        let Some(Staged { noticed, span, files, before, delta }) = self.staged.take() else { return Vec::new() };
        let _entered = span.clone().entered();
        let (files, ids): (Vec<_>, Vec<_>) = (files.into_iter().collect(), before.keys().cloned().collect());
        let changes = self.changes(before);
        let revision = self.publish(&delta, noticed, &span);
        let refused = self.forget_refusals();
        for (id, _) in &changes.effective {
            self.changed.insert(id.clone(), self.revision);
        }
        if !self.loaded || !ids.iter().all(is_alone) {
            self.touched.everything();
        }
        let mut concerned = self.concerned(ids);
        concerned.extend(self.world.take_turned());
        let mut events = self.new_problems(&files, &concerned);
        events.extend(refused);
        if self.loaded {
            events.splice(0..0, changes.events(revision));
        } else {
            self.loaded = true;
            events.insert(0, self.serving());
        }
        events
    }

    /// The changed objects, and those that may have become wrong by them: the frame is made as a whole.
    fn concerned(&self, mut ids: Vec<ObjectId>) -> Vec<ObjectId> {
        if self.loaded && !ids.iter().all(is_alone) {
            let frame = [
                Kind::Host,
                Kind::Ingress,
                Kind::Listener,
                Kind::TCPMapping,
                Kind::TLSContext,
                Kind::AuthService,
                Kind::RateLimitService,
                Kind::RateLimit,
            ];
            let of_frame = |id: &&ObjectId| frame.contains(&id.kind);
            ids.extend(self.world.objects().map(|object| &object.id).filter(of_frame).cloned());
        }
        ids
    }
}

/// Whether nothing but objects of its kind hang on an object.
fn is_alone(id: &ObjectId) -> bool {
    matches!(id.kind, Kind::Mapping | Kind::EndpointSlice)
}
