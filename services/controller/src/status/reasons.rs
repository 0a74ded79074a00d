//! What each problem says of its object: which condition it belongs to.

use nuncio_api::{Problem, Severity};

/// Which condition a problem belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Concern {
    /// The object itself: `Accepted`.
    Object,
    /// Something that it names: `ResolvedRefs`.
    Reference,
    /// Whether anything leads to it: `Programmed`.
    Attachment,
    /// What Envoy thinks of it: `Programmed`.
    Proxy,
}

/// The reasons that are not about the object itself.
const CONCERNS: [(&str, Concern); 26] = [
    ("Deleted", Concern::Attachment),
    ("Expired", Concern::Attachment),
    ("FilterNotFound", Concern::Reference),
    ("HostNotUsable", Concern::Attachment),
    ("IncludeMissing", Concern::Reference),
    ("InvalidClientCA", Concern::Reference),
    ("InvalidFilter", Concern::Reference),
    ("InvalidSecret", Concern::Reference),
    ("InvalidTLSContext", Concern::Reference),
    ("InvalidTLSSecret", Concern::Reference),
    ("NoAuthenticationService", Concern::Attachment),
    ("NoCertificate", Concern::Reference),
    ("NoClientCA", Concern::Reference),
    ("NoEndpoints", Concern::Reference),
    ("NoHosts", Concern::Attachment),
    ("NoListener", Concern::Attachment),
    ("NoMatchingHost", Concern::Attachment),
    ("NoPreviewPolicy", Concern::Attachment),
    ("NotFetched", Concern::Attachment),
    ("NotReached", Concern::Reference),
    ("NotResolved", Concern::Reference),
    ("ProviderUnavailable", Concern::Reference),
    ("RefusedByProxy", Concern::Proxy),
    ("ReservedForPreviews", Concern::Attachment),
    ("ResolverNotFound", Concern::Reference),
    ("TLSContextNotFound", Concern::Reference),
];

/// What a problem is about. A warning of an object is none: it serves all the same.
pub(super) fn concern(problem: &Problem) -> Option<Concern> {
    let row = CONCERNS.iter().find(|(reason, _)| *reason == problem.reason);
    match row {
        Some((_, concern)) => Some(*concern),
        None if problem.severity == Severity::Error => Some(Concern::Object),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_says_each_reason_once() {
        assert!(CONCERNS.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn what_is_not_in_the_table_is_about_the_object_if_it_is_an_error() {
        assert_eq!(concern(&Problem::error("InvalidValue", "", "")), Some(Concern::Object));
        assert_eq!(concern(&Problem::warning("UnknownField", "", "")), None);
        assert_eq!(concern(&Problem::error("ResolverNotFound", "", "")), Some(Concern::Reference));
    }
}
