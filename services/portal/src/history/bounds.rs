//! How much is kept.

use super::{Kept, Version, Versions};
use crate::api::ApiId;
use crate::changes::Change;

/// The most that is kept. What is oldest goes first, but of each API the newest stays as long as another has more than
/// one: it is what the next is compared with.
#[derive(Debug)]
pub(super) struct Bounds {
    /// Versions of one API.
    pub(super) versions: usize,
    /// Bytes of all documents, and of what is said of them. The newest version of all is kept in any case.
    pub(super) bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { versions: 20, bytes: 64 << 20 }
    }
}

impl Bounds {
    /// Drops what is too much, and says what that was.
    pub(super) fn enforce(&self, kept: &mut Kept) -> Vec<(ApiId, u64)> {
        let mut dropped = Vec::new();
        for (id, versions) in kept.iter_mut() {
            let too_many = versions.len().saturating_sub(self.versions);
            dropped.extend(versions.drain(..too_many).map(|version| (id.clone(), version.number)));
        }
        let of_each = |(id, versions): (&ApiId, &Versions)| versions.iter().map(|one| weight(id, one)).sum::<usize>();
        let mut bytes: usize = kept.iter().map(of_each).sum();
        let mut count: usize = kept.values().map(Vec::len).sum();
        while bytes > self.bytes && count > 1 {
            let all = kept.iter_mut().filter(|(_, versions)| !versions.is_empty());
            let oldest = all.min_by_key(|(_, versions)| (versions.len() == 1, versions[0].since));
            let Some((id, versions)) = oldest else { break };
            let version = versions.remove(0);
            bytes -= weight(id, &version);
            count -= 1;
            dropped.push((id.clone(), version.number));
        }
        kept.retain(|_, versions| !versions.is_empty());
        dropped
    }
}

/// About how many bytes a version takes, with the name that it is kept by.
pub(super) fn weight(id: &ApiId, version: &Version) -> usize {
    let name = id.namespace.len() + id.name.len() + id.part.len();
    let label = version.label.as_ref().map_or(0, String::len);
    let changes = version.changes.iter().map(Change::weight).sum::<usize>();
    size_of::<Version>() + name + label + changes + version.document.len()
}
