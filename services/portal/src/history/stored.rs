//! A version as a text, in a directory or elsewhere.

use std::borrow::Cow;
use std::io;

use serde::{Deserialize, Deserializer, Serialize};

use super::Version;
use crate::api::ApiId;
use crate::changes::Change;

/// A version, and of which API it is one.
#[derive(Serialize, Deserialize)]
struct Stored<'s> {
    namespace: Cow<'s, str>,
    name: Cow<'s, str>,
    /// Which API of the object it is, where that may have several.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    part: Cow<'s, str>,
    number: u64,
    since: String,
    version: Option<Cow<'s, str>>,
    changes: Cow<'s, [Change]>,
    more_changes: usize,
    /// The groups whose it was; `null` where it was everybody's. What was written before APIs had groups says nothing.
    #[serde(default, deserialize_with = "said")]
    visible_to: Option<Option<Cow<'s, [String]>>>,
    /// As the service gave it.
    document: Cow<'s, str>,
}

/// Tells `null` from nothing.
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A version as a text.
pub(super) fn write(id: &ApiId, version: &Version) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Stored {
        namespace: Cow::Borrowed(&id.namespace),
        name: Cow::Borrowed(&id.name),
        part: Cow::Borrowed(&id.part),
        number: version.number,
        since: version.since.to_string(),
        version: version.label.as_deref().map(Cow::Borrowed),
        changes: Cow::Borrowed(&version.changes),
        more_changes: version.more_changes,
        visible_to: Some(version.visible_to.as_deref().map(Cow::Borrowed)),
        document: String::from_utf8_lossy(&version.document),
    })
}

/// What a text says.
pub(super) fn read(text: &[u8]) -> io::Result<(ApiId, Version)> {
    let stored: Stored<'_> = serde_json::from_slice(text)?;
    let version = Version {
        number: stored.number,
        since: stored.since.parse().map_err(io::Error::other)?,
        label: stored.version.map(Cow::into_owned),
        changes: stored.changes.into_owned(),
        more_changes: stored.more_changes,
        is_of_unknown: stored.visible_to.is_none(),
        // Until it is known whose the API is.
        visible_to: stored.visible_to.map_or(Some(Vec::new()), |groups| groups.map(Cow::into_owned)),
        document: stored.document.into_owned().into(),
    };
    let (namespace, name) = (stored.namespace.into_owned(), stored.name.into_owned());
    Ok((ApiId { namespace, name, part: stored.part.into_owned() }, version))
}

/// Names of objects may be anything, and those of files and fields may not.
pub(super) fn digest(id: &ApiId) -> String {
    let named = format!("{}\n{}", id.namespace, id.segment());
    format!("{:032x}", xxhash_rust::xxh3::xxh3_128(named.as_bytes()))
}
