//! What becomes of an API's versions when its newest document is seen.

use std::sync::Arc;

use super::{Version, Versions};
use crate::document::Document;
use crate::reference::Reference;

/// Takes the newest document, for these groups. It takes long where that is another than before.
pub(super) fn step(versions: &mut Versions, reference: &Reference, groups: Option<&[String]>) {
    claim(versions, groups);
    let document = &reference.document;
    let number = match versions.last() {
        Some(newest) if newest.document == document.original && newest.visible_to.as_deref() == groups => return,
        newest => newest.map_or(1, |newest| newest.number + 1),
    };
    once_to_and_fro(versions, document);
    let version = match versions.last().map(|newest| (newest, newest.changes_to(reference))) {
        None => Version::first(number, reference),
        // It is shown to others now: what was before is not theirs.
        Some((newest, changes)) if !newest.is_for_all_of(groups) => match changes.is_empty() {
            true => {
                let number = newest.number;
                versions.pop();
                Version::first(number, reference)
            }
            false => Version::first(number, reference),
        },
        // For clients it is the same, in other words.
        Some((newest, changes)) if changes.is_empty() => {
            let version = Version { document: document.original.clone(), ..(**newest).clone() };
            versions.pop();
            version
        }
        Some((_, changes)) => Version::next(number, reference, changes),
    };
    versions.push(Arc::new(Version { visible_to: groups.map(<[String]>::to_vec), ..version }));
}

/// Of versions that were kept when APIs had no groups nobody knows for whom they were: they are for no more than see the API
/// now, and stay so.
fn claim(versions: &mut Versions, groups: Option<&[String]>) {
    for version in versions.iter_mut().filter(|version| version.is_of_unknown) {
        let visible_to = groups.map(<[String]>::to_vec);
        *version = Arc::new(Version { visible_to, is_of_unknown: false, ..(**version).clone() });
    }
}

/// While two releases are served side by side, a document goes to and fro: that is told once.
fn once_to_and_fro(versions: &mut Versions, document: &Document) {
    if let [.., first, other, again] = &versions[..]
        && first.document == again.document
        && other.document == document.original
    {
        versions.truncate(versions.len() - 2);
    }
}
