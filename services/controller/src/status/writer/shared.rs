//! Objects for several instances, which have one status: one for which an object only waits says nothing over the word of another.

use nuncio_api::ObjectId;

use super::Writer;
use crate::status::condition::{Seen, Status};

impl Writer {
    /// What is said of an object now is this instance's word.
    pub(super) fn note_said(&mut self, id: &ObjectId, status: &Status, seen: Seen) {
        if status.shared {
            self.said.insert(id.clone(), seen);
        }
    }

    /// Whether what is said of this generation is the word of another instance.
    pub(super) fn is_anothers(&self, id: &ObjectId, generation: i64, seen: Seen) -> bool {
        seen.is_of(generation) && !self.said.get(id).is_some_and(|said| said.says(&seen))
    }
}
