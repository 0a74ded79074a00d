//! Previews in a directory that nobody serves, or somebody else: for commands.

use std::path::Path;
use std::sync::Mutex;

use nuncio_api::{Kind, ObjectId};

use super::manifest::Manifest;
use super::rights::in_namespace;
use super::steps::{delete_step, extend_step, keep_generation, keep_source, length, withdraw_step};
use super::store::{Step, Store};
use super::{keys, policy};
use crate::admin::{PreviewError, PreviewOutcome};
use crate::offline::Offline;
use crate::run::lock;

/// Makes a Preview be as its manifest says, in the directory that was read.
///
/// # Errors
/// When it is no Preview that could be used, or cannot be written.
pub fn put_preview(
    offline: Offline,
    directory: &Path,
    (namespace, name): (&str, &str),
    text: &str,
) -> Result<PreviewOutcome, PreviewError> {
    let manifest = Manifest::parse(namespace, name, text)?;
    let (ambassador_id, engine) = offline.into_parts();
    let engine = Mutex::new(engine);
    let without_keys = {
        let engine = lock(&engine);
        in_namespace(policy(&engine)?.1, namespace)?;
        engine.world.lacks_preview_keys()
    };
    // Its URL stays what it is when a gateway serves it that makes changes.
    if let Some(gateway) = without_keys {
        keys::make_in(directory, &gateway).map_err(PreviewError::Conflict)?;
    }
    let store = Store::unfollowed(directory.to_owned(), ambassador_id);
    store.change(&engine, &manifest.id, |now| {
        let mut manifest = manifest.clone();
        keep_source(&mut manifest.spec, now.spec());
        keep_generation(&mut manifest.spec, now.spec());
        Ok(Step::Put(manifest.into()))
    })
}

/// Has a Preview shown for longer, in the directory that was read.
///
/// # Errors
/// When there is none, it cannot be shown for longer, or its file cannot be written.
pub fn extend_preview(
    offline: Offline,
    directory: &Path,
    (namespace, name): (&str, &str),
    ttl: Option<&str>,
) -> Result<PreviewOutcome, PreviewError> {
    let (ambassador_id, engine) = offline.into_parts();
    let id = ObjectId::new(Kind::Preview, namespace, name);
    let (store, length) = (Store::unfollowed(directory.to_owned(), ambassador_id), length(ttl)?);
    store.change(&Mutex::new(engine), &id, |now| extend_step(&id, now, length))
}

/// Has no link to a Preview of the directory that was read let anybody in any more.
///
/// # Errors
/// When there is none, nobody sees it by a link, or its file cannot be written.
pub fn withdraw_preview_links(
    offline: Offline,
    directory: &Path,
    (namespace, name): (&str, &str),
) -> Result<PreviewOutcome, PreviewError> {
    let (ambassador_id, engine) = offline.into_parts();
    let id = ObjectId::new(Kind::Preview, namespace, name);
    let store = Store::unfollowed(directory.to_owned(), ambassador_id);
    store.change(&Mutex::new(engine), &id, |now| withdraw_step(&id, now))
}

/// Ends a Preview in the directory that was read. It stays there for a day, so that what is told late of it is known to be late.
/// Gives whether it was shown until now.
///
/// # Errors
/// When its file cannot be written.
pub fn delete_preview(
    offline: Offline,
    directory: &Path,
    (namespace, name): (&str, &str),
) -> Result<bool, PreviewError> {
    let (ambassador_id, engine) = offline.into_parts();
    let id = ObjectId::new(Kind::Preview, namespace, name);
    let store = Store::unfollowed(directory.to_owned(), ambassador_id);
    let outcome = store.change(&Mutex::new(engine), &id, |now| Ok(delete_step(now)))?;
    Ok(outcome == PreviewOutcome::Deleted)
}
