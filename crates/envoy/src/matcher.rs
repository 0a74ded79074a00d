//! Matchers for texts, shared by routes and filters.

use envoy_types::pb::envoy::config::route::v3::{
    HeaderMatcher, QueryParameterMatcher, header_matcher::HeaderMatchSpecifier,
    query_parameter_matcher::QueryParameterMatchSpecifier,
};
use envoy_types::pb::envoy::r#type::matcher::v3::{
    RegexMatchAndSubstitute, RegexMatcher, StringMatcher, string_matcher::MatchPattern,
};
use nuncio_ir::{HeaderMatch, QueryMatch, ValueMatch};

pub(crate) fn regex(pattern: &str) -> RegexMatcher {
    RegexMatcher { regex: pattern.to_owned(), ..Default::default() }
}

/// `text` as an RE2 expression that matches just it.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if r"\.+*?()|[]{}^$".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// Replaces every match of `pattern`.
pub(crate) fn substitution(pattern: &str, substitution: &str) -> RegexMatchAndSubstitute {
    RegexMatchAndSubstitute { pattern: Some(regex(pattern)), substitution: substitution.to_owned() }
}

pub(crate) fn exact(text: &str) -> StringMatcher {
    string(MatchPattern::Exact(text.to_owned()), false)
}

pub(crate) fn prefix(text: &str) -> StringMatcher {
    string(MatchPattern::Prefix(text.to_owned()), false)
}

pub(crate) fn whole(pattern: &str) -> StringMatcher {
    string(MatchPattern::SafeRegex(regex(pattern)), false)
}

fn string(pattern: MatchPattern, ignore_case: bool) -> StringMatcher {
    StringMatcher { ignore_case, match_pattern: Some(pattern) }
}

/// `None` where the value does not matter.
fn value(value: &ValueMatch) -> Option<StringMatcher> {
    match value {
        ValueMatch::Exact(text) => Some(exact(text)),
        ValueMatch::Prefix { value, ignore_case } => Some(string(MatchPattern::Prefix(value.clone()), *ignore_case)),
        ValueMatch::Suffix { value, ignore_case } => Some(string(MatchPattern::Suffix(value.clone()), *ignore_case)),
        ValueMatch::Contains(text) => Some(string(MatchPattern::Contains(text.clone()), false)),
        ValueMatch::Regex(pattern) => Some(whole(pattern)),
        ValueMatch::Present => None,
    }
}

/// An absent header fails Envoy's matchers even when they are inverted, unless it is taken for an
/// empty one.
pub(crate) fn header(condition: &HeaderMatch) -> HeaderMatcher {
    let specifier =
        value(&condition.value).map_or(HeaderMatchSpecifier::PresentMatch(true), HeaderMatchSpecifier::StringMatch);
    HeaderMatcher {
        name: condition.name.clone(),
        invert_match: condition.invert,
        treat_missing_header_as_empty: condition.invert && condition.value != ValueMatch::Present,
        header_match_specifier: Some(specifier),
    }
}

pub(crate) fn query(condition: &QueryMatch) -> QueryParameterMatcher {
    let specifier = value(&condition.value)
        .map_or(QueryParameterMatchSpecifier::PresentMatch(true), QueryParameterMatchSpecifier::StringMatch);
    QueryParameterMatcher { name: condition.name.clone(), query_parameter_match_specifier: Some(specifier) }
}
