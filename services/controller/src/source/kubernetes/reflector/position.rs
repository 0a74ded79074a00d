//! Where a reflector is, and how it asks for the next listing.

use super::Failure;
use crate::source::kubernetes::backoff::Backoff;

/// Where it is.
#[derive(Default)]
pub(super) struct Position {
    /// The version from which to go on; `None` for a new listing.
    pub(super) version: Option<String>,
    pub(super) listing: Listing,
    /// It failed, and has told so.
    pub(super) failed: bool,
    pub(super) backoff: Backoff,
}

/// How the next listing is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Listing {
    /// As the first events of a watch.
    #[default]
    Streamed,
    /// Page by page, this once: the server failed to stream it, be it for a moment or because its etcd is too old.
    PagedOnce,
    /// Page by page: the server has no streamed ones.
    Paged,
}

impl Position {
    /// A listing by pages is complete.
    pub(super) fn has_listed(&mut self, version: String) {
        self.version = Some(version);
        if self.listing == Listing::PagedOnce {
            self.listing = Listing::Streamed;
        }
    }

    /// Whether the listing that failed so is to be asked for page by page at once. Servers before 1.32, or with an old etcd,
    /// refuse to stream it in one of several ways.
    pub(super) fn turns_to_pages(&mut self, failure: &Failure) -> bool {
        if self.version.is_some() || self.listing == Listing::Paged {
            return false;
        }
        self.listing = match (self.listing, failure) {
            (Listing::Streamed, Failure::Refused { .. }) => Listing::Paged,
            (Listing::Streamed, Failure::Faulty(_)) => Listing::PagedOnce,
            _ => Listing::Streamed,
        };
        self.listing == Listing::Paged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_does_not_stream_is_asked_for_pages_and_one_that_failed_to_only_once() {
        let refused = Failure::Refused { code: 422, message: "sendInitialEvents is forbidden".to_owned() };
        let mut old = Position::default();
        assert!(old.turns_to_pages(&refused) && !old.turns_to_pages(&refused));
        old.has_listed("7".to_owned());
        assert_eq!(old.listing, Listing::Paged);

        let faulty = Failure::Faulty("leader changed".to_owned());
        let mut position = Position::default();
        assert!(!position.turns_to_pages(&faulty), "not at once");
        assert_eq!(position.listing, Listing::PagedOnce);
        assert!(!position.turns_to_pages(&faulty), "nor are pages any better");
        assert_eq!(position.listing, Listing::Streamed);
        assert!(!position.turns_to_pages(&Failure::Lost("reset".to_owned())));
        assert_eq!(position.listing, Listing::Streamed);
        position.turns_to_pages(&faulty);
        position.has_listed("7".to_owned());
        assert_eq!(position.listing, Listing::Streamed, "pages are no habit");
    }
}
