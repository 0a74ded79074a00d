//! What is known of the objects of one kind: enough to tell what changed, and what a new listing lacks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::object::Item;
use crate::source::{Content, FileChange};

/// The objects of a kind, by file and digest.
#[derive(Debug, Default)]
pub(super) struct Known {
    digests: BTreeMap<Arc<str>, u128>,
    /// While a listing is under way: what it has not mentioned yet.
    unlisted: Option<BTreeSet<Arc<str>>>,
}

impl Known {
    /// A listing begins, perhaps anew.
    pub(super) fn begin(&mut self) {
        self.unlisted = Some(self.digests.keys().cloned().collect());
    }

    /// An object is there. Says so if it is other than before.
    pub(super) fn put(&mut self, item: Item) -> Option<FileChange> {
        let Item { file, digest, bytes, .. } = item;
        if let Some(unlisted) = &mut self.unlisted {
            unlisted.remove(&file);
        }
        if self.digests.insert(Arc::clone(&file), digest) == Some(digest) {
            return None;
        }
        Some(FileChange { file, content: Content::Json(bytes) })
    }

    /// An object is gone.
    pub(super) fn remove(&mut self, file: &Arc<str>) -> Option<FileChange> {
        self.digests.remove(file)?;
        Some(FileChange { file: Arc::clone(file), content: Content::Gone })
    }

    /// A listing is complete: what it did not mention is gone.
    pub(super) fn end(&mut self) -> Vec<FileChange> {
        let gone = self.unlisted.take().unwrap_or_default();
        gone.iter().filter_map(|file| self.remove(file)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str, digest: u128) -> Item {
        Item { file: name.into(), digest, bytes: digest.to_string().into_bytes(), status: (0, serde_json::Value::Null) }
    }

    fn gone(name: &str) -> FileChange {
        FileChange { file: name.into(), content: Content::Gone }
    }

    #[test]
    fn a_new_listing_of_the_same_changes_nothing() {
        let mut known = Known::default();
        known.begin();
        assert!(known.put(item("a", 1)).is_some());
        assert!(known.put(item("b", 1)).is_some());
        assert_eq!(known.end(), []);
        known.begin();
        assert_eq!(known.put(item("b", 1)), None);
        assert_eq!(known.put(item("a", 1)), None);
        assert_eq!(known.end(), []);
    }

    #[test]
    fn a_new_listing_says_what_is_gone_and_what_is_other() {
        let mut known = Known::default();
        for name in ["a", "b", "c"] {
            known.put(item(name, 1));
        }
        known.begin();
        assert_eq!(known.put(item("a", 1)), None);
        assert!(known.put(item("c", 2)).is_some());
        assert_eq!(known.end(), [gone("b")]);
        assert_eq!(known.remove(&"b".into()), None, "it is gone only once");
    }

    #[test]
    fn a_listing_that_broke_off_takes_nothing_away() {
        let mut known = Known::default();
        known.put(item("a", 1));
        known.begin();
        known.begin();
        known.put(item("a", 1));
        assert_eq!(known.end(), []);
        known.begin();
        assert_eq!(known.remove(&"a".into()), Some(gone("a")));
        assert_eq!(known.end(), []);
    }
}
