//! What several portals have recorded of one API becomes one history.

use std::sync::Arc;

use super::step::step;
use super::{Version, Versions};
use crate::api::Api;
use crate::document::Document;
use crate::reference::Reference;

/// What others have (`remote`), and behind it what this portal alone has recorded since both had what `base` names. What it
/// has dropped since is dropped. A version that others recorded as well is theirs: it is there once.
pub(super) fn merge(
    base: &[String],
    remote: &[Arc<Version>],
    own: &[Arc<Version>],
    api: Option<&Arc<Api>>,
) -> Versions {
    let keys: Vec<String> = own.iter().map(|version| version.key()).collect();
    let (mut all, mut news) = (Versions::new(), Versions::new());
    for version in remote {
        let key = version.key();
        let is_news = !base.contains(&key);
        if is_news {
            news.push(Arc::clone(version));
        }
        if is_news || keys.contains(&key) {
            all.push(Arc::clone(version));
        }
    }
    for (place, version) in own.iter().enumerate() {
        let is_newest = place + 1 == own.len();
        // Only the newest has to be the last, since it is what the service says now.
        let is_told = match is_newest {
            true => all.last().is_some_and(|last| last.says_like(version)),
            false => news.iter().any(|other| other.says_like(version)),
        };
        if is_told || base.contains(&keys[place]) {
            continue;
        }
        let before = place.checked_sub(1).map(|place| &own[place].document);
        let came_after = before == all.last().map(|last| &last.document);
        append(&mut all, version, came_after, api);
    }
    all
}

/// A version behind others, after which it came perhaps: what has changed is told from the one before it.
fn append(all: &mut Versions, version: &Arc<Version>, came_after: bool, api: Option<&Arc<Api>>) {
    let number = all.last().map_or(1, |last| last.number + 1).max(version.number);
    if came_after {
        return all.push(Arc::new(Version { number, ..(**version).clone() }));
    }
    // It was read once already.
    match (api, Document::read(version.document.clone())) {
        (Some(api), Ok(document)) => {
            step(all, &Reference::new(Arc::clone(api), Arc::new(document)), version.visible_to.as_deref());
        }
        _ => all.push(Arc::new(Version { number, changes: Vec::new(), more_changes: 0, ..(**version).clone() })),
    }
}
