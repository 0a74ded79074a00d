//! What is known about one resource on one stream.

use std::sync::Arc;
use std::time::Instant;

use super::turn::Turn;
use crate::event::Hold;
use crate::resource::{Key, Resource, Revision};

/// A resource as one client sees it. It exists while the client subscribes to the resource and either the
/// client or the store has it, and for names that the client asked for in vain.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    /// What the client acknowledged, or said it has.
    pub(crate) have: Option<Have>,
    /// Versions in responses that were rejected as a whole: the client may have applied them.
    pub(crate) doubt: Vec<Arc<Resource>>,
    /// A removal was sent and not yet acknowledged.
    pub(crate) leaving: bool,
    /// The version that the client rejected when it was sent alone.
    pub(crate) rejected: Option<Rejected>,
    /// The oldest revision that is not sent yet and counts as due.
    pub(crate) due: Option<Revision>,
    /// It stands in the queue of its type.
    pub(crate) queued: bool,
    /// It goes before what has waited longer, until it is sent.
    pub(crate) hurried: bool,
    /// It is part of the response in flight.
    pub(crate) sending: bool,
    /// To be sent even if the client has it: the client asked again.
    pub(crate) force: bool,
    /// The client was told that it does not exist.
    pub(crate) told_absent: bool,
    /// Why it is held back.
    pub(crate) held: Option<Held>,
    /// The version that is no longer held back, since the wait took too long.
    pub(crate) waived: Option<Arc<str>>,
    /// The version of which it was reported that the wait takes too long.
    pub(crate) overdue: Option<Arc<str>>,
    /// When it is to be looked at again.
    pub(crate) timer: Option<Instant>,
    /// Its turns in the updates by which it changed.
    pub(super) turns: Vec<(Revision, Turn)>,
}

/// A version that a client has.
#[derive(Debug)]
pub(crate) struct Have {
    pub(crate) version: Arc<str>,
    /// The content; unknown for what the client had from an earlier connection.
    pub(crate) resource: Option<Arc<Resource>>,
    /// From when others may rely on it.
    pub(crate) settled: Instant,
}

/// A version that a client rejected.
#[derive(Debug)]
pub(crate) struct Rejected {
    pub(crate) version: Arc<str>,
    pub(crate) message: Arc<str>,
}

/// A resource, or a removal, that is held back.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) why: Hold,
    pub(crate) since: Instant,
    /// In whose list of waiters it stands.
    pub(crate) waits_for: Option<Key>,
}

impl Slot {
    /// Whether the client certainly has some version.
    pub(crate) fn is_had(&self) -> bool {
        self.have.is_some() && !self.leaving
    }

    /// Whether the client certainly has this version and no other.
    pub(crate) fn is_at(&self, version: &str) -> bool {
        self.is_had() && self.doubt.is_empty() && self.have.as_ref().is_some_and(|have| *have.version == *version)
    }

    /// Whether the client may have any version.
    pub(crate) fn may_be_had(&self) -> bool {
        self.have.is_some() || !self.doubt.is_empty()
    }

    pub(crate) fn is_rejected(&self, version: &str) -> bool {
        self.rejected.as_ref().is_some_and(|rejected| *rejected.version == *version)
    }

    /// Whether it is held back until something that it needs and that was rejected is mended.
    pub(crate) fn needs_rejected(&self) -> bool {
        self.held.as_ref().is_some_and(|held| matches!(held.why, Hold::NeedsRejected(_)))
    }

    /// The content of what the client has, if known.
    pub(crate) fn known(&self) -> Option<&Arc<Resource>> {
        self.have.as_ref().filter(|_| !self.leaving)?.resource.as_ref()
    }
}
