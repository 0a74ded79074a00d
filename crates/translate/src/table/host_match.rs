//! The condition on the host that a route in a table of many names has.

use nuncio_ir::{HeaderMatch, Route, ValueMatch};

use crate::compiled::HostCondition;
use crate::group::Group;
use crate::pattern::HostPattern;

/// Adds the condition on the host, unless every name of `within` fulfils it. Without `within` the names
/// were looked at before, and only a regex that could not be tried is left.
pub(super) fn with_host(mut route: Route, group: &Group<'_>, within: Option<&HostPattern>) -> Route {
    let value = match (&group.first().host, within) {
        (HostCondition::Regex(regex, None), _) | (HostCondition::Regex(regex, _), Some(_)) => {
            Some(ValueMatch::Regex(any_case(regex)))
        }
        (HostCondition::Pattern(pattern), Some(within)) if !pattern.covers(within) => pattern_match(pattern),
        _ => None,
    };
    route.matches.headers.extend(value.map(authority));
    route
}

/// The star is never nothing: `.example.com` is no name below `example.com`.
fn pattern_match(pattern: &HostPattern) -> Option<ValueMatch> {
    match pattern {
        HostPattern::Exact(name) => Some(ValueMatch::Exact(name.to_string())),
        HostPattern::Suffix(suffix) => Some(ValueMatch::Regex(any_case(&format!(".+{}", regex::escape(suffix))))),
        HostPattern::Prefix(prefix) => Some(ValueMatch::Regex(any_case(&format!("{}.+", regex::escape(prefix))))),
        HostPattern::Any => None,
    }
}

pub(super) fn authority(value: ValueMatch) -> HeaderMatch {
    HeaderMatch { name: ":authority".to_owned(), value, invert: false }
}

/// Host names are case-insensitive.
pub(super) fn any_case(regex: &str) -> String {
    format!("(?i:{regex})")
}
