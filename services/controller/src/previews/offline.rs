//! Previews in a directory that nobody serves, or somebody else: for commands.

use std::path::Path;
use std::sync::Mutex;

use nuncio_api::{Kind, ObjectId};

use super::policy;
use super::rights::in_namespace;
use super::store::{Manifest, Store};
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
    in_namespace(policy(&lock(&engine))?.1, namespace)?;
    Store::unfollowed(directory.to_owned(), ambassador_id).put(&engine, &manifest)
}

/// Takes a Preview away from the directory that was read.
///
/// # Errors
/// When there is none, or its file cannot be removed.
pub fn delete_preview(offline: Offline, directory: &Path, (namespace, name): (&str, &str)) -> Result<(), PreviewError> {
    let (ambassador_id, engine) = offline.into_parts();
    let id = ObjectId::new(Kind::Preview, namespace, name);
    match Store::unfollowed(directory.to_owned(), ambassador_id).remove(&Mutex::new(engine), &id)? {
        true => Ok(()),
        false => Err(PreviewError::Missing(format!("{namespace}/{name}"))),
    }
}
