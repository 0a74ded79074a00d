//! What becomes of a Preview by what somebody asks for, and what stays as it was.

use nuncio_api::{Duration, ObjectId, Preview, PreviewSource};

use super::store::{Now, Step};
use crate::admin::{Caller, PreviewError};

/// Whoever does not say what a Preview is of leaves that as it was. What forges alone can say of it is for them to say: who
/// said it himself could have them unheard, or have it forgotten what was heard of them.
pub(super) fn keep_source(spec: &mut Preview, old: Option<&Preview>) {
    let old = old.and_then(|old| old.source.clone());
    let Some(source) = &mut spec.source else {
        spec.source = old;
        return;
    };
    let PreviewSource { updated, fork, approved, .. } = old.unwrap_or_default();
    *source = PreviewSource { updated, fork, approved, ..std::mem::take(source) };
}

pub(super) fn extend_step(id: &ObjectId, now: Now<'_>, length: Option<Duration>) -> Result<Step, PreviewError> {
    now.object.map(|_| Step::Extend(length)).ok_or_else(|| missing(id))
}

/// What ends stays for a while, so that nobody takes it for one that never was, nor makes it anew by what he hears late.
pub(super) fn delete_step(id: &ObjectId, now: Now<'_>) -> Result<Step, PreviewError> {
    match (now.object, now.spec()) {
        (Some(_), Some(_)) if !now.times.has_ended => Ok(Step::End(None)),
        // What cannot be used never was there for anybody.
        (Some(_), None) => Ok(Step::Remove),
        _ => Err(missing(id)),
    }
}

fn missing(id: &ObjectId) -> PreviewError {
    PreviewError::Missing(format!("{}/{}", id.namespace, id.name))
}

/// Whoever made it first is its author, whatever the manifest says. What a CI job makes is its repository's.
pub(super) fn note_author(spec: &mut Preview, old: Option<&Preview>, by: Option<&Caller>) {
    let author = match old {
        Some(old) => old.source.as_ref().and_then(|source| source.author.clone()),
        None => by.map(|by| by.subject.clone()),
    };
    match (&mut spec.source, author) {
        (Some(source), author) => source.author = author,
        (None, Some(author)) => {
            spec.source = Some(PreviewSource { author: Some(author), ..PreviewSource::default() });
        }
        (None, None) => {}
    }
}
