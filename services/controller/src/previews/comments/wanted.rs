//! Which comments should be there, and what they should say.

use std::collections::BTreeMap;
use std::sync::Mutex;

use nuncio_api::{ObjectId, PreviewRepository};

use super::text;
use crate::engine::Engine;
use crate::previews::pulls::{self, Of, PullRequest};
use crate::run::lock;
use crate::view::preview_view;

/// A comment that should be there.
#[derive(Clone, Debug, Default)]
pub(super) struct Comment {
    pub(super) repository: PreviewRepository,
    pub(super) token: String,
    pub(super) marker: String,
    /// What it says of each preview.
    previews: BTreeMap<ObjectId, String>,
    /// It says of previews that went, and will say nothing else.
    pub(super) is_farewell: bool,
}

impl Comment {
    /// It says so of a preview.
    pub(super) fn add(&mut self, id: ObjectId, section: String) {
        self.previews.insert(id, section);
    }

    /// The whole text.
    pub(super) fn body(&self) -> String {
        text::comment(&self.marker, self.previews.values())
    }

    /// The one that says that all of its previews are gone.
    pub(super) fn into_farewell(mut self) -> Self {
        self.previews.iter_mut().for_each(|(id, section)| *section = text::gone(id));
        Self { is_farewell: true, ..self }
    }
}

/// The comments that should be there. The engine is held for one Preview after the other, and not while texts are written.
pub(super) fn all(engine: &Mutex<Engine>) -> BTreeMap<PullRequest, Comment> {
    let mut comments: BTreeMap<PullRequest, Comment> = BTreeMap::new();
    let (domain, found) = pulls::all(&lock(engine));
    for Of { pull, repository, token, object, has_ended } in found {
        let shown = (!has_ended).then(|| {
            let engine = lock(engine);
            (preview_view(&engine, &object), engine.world.preview_end(&object.id))
        });
        let section = match shown {
            Some((view, end)) => text::preview(&object.id, &view, end),
            None => text::gone(&object.id),
        };
        let marker = || text::marker(&domain);
        let comment = comments.entry(pull);
        let comment = comment.or_insert_with(|| Comment { repository, token, marker: marker(), ..Comment::default() });
        comment.add(object.id.clone(), section);
    }
    comments
}
