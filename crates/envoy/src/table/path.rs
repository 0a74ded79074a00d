//! Conditions on paths, and their rewriting.

use envoy_types::pb::envoy::config::route::v3::{
    RedirectAction, RouteAction, redirect_action::PathRewriteSpecifier, route_match::PathSpecifier,
};
use envoy_types::pb::envoy::r#type::matcher::v3::RegexMatchAndSubstitute;
use nuncio_ir::{PathMatch, PathRewrite};

use crate::{header, matcher};

/// Envoy's condition, and whether case counts.
pub(super) fn specifier(path: &PathMatch) -> (PathSpecifier, bool) {
    match path {
        PathMatch::Prefix { value, case_sensitive } => (PathSpecifier::Prefix(value.clone()), *case_sensitive),
        PathMatch::Exact { value, case_sensitive } => (PathSpecifier::Path(value.clone()), *case_sensitive),
        // Envoy refuses a separated prefix without a segment; every path has none.
        PathMatch::Segments(value) if value.is_empty() || value == "/" => (PathSpecifier::Prefix("/".to_owned()), true),
        PathMatch::Segments(value) => (PathSpecifier::PathSeparatedPrefix(value.clone()), true),
        PathMatch::Regex(pattern) => (PathSpecifier::SafeRegex(matcher::regex(pattern)), true),
    }
}

/// Envoy's ways to change a path.
enum Rewrite {
    Prefix(String),
    /// A format string.
    Full(String),
    Regex(RegexMatchAndSubstitute),
}

fn rewrite(path: &PathMatch, rewrite: &PathRewrite) -> Rewrite {
    match (path, rewrite) {
        // `/a` → `/` by prefix would make `//b` of `/a/b`, where Gateway API wants `/b`.
        (PathMatch::Segments(prefix), PathRewrite::Matched(to)) if to.trim_end_matches('/').is_empty() => {
            Rewrite::Regex(matcher::substitution(&format!("^{}/*", matcher::escape(prefix.trim_end_matches('/'))), "/"))
        }
        (_, PathRewrite::Matched(to)) => Rewrite::Prefix(to.clone()),
        (_, PathRewrite::Full(to)) => Rewrite::Full(header::literal(to)),
        (_, PathRewrite::Regex { pattern, substitution }) => {
            Rewrite::Regex(matcher::substitution(pattern, substitution))
        }
    }
}

/// Changes the path of requests that are sent on.
pub(super) fn apply_to_route(path: &PathMatch, change: &PathRewrite, action: &mut RouteAction) {
    match rewrite(path, change) {
        Rewrite::Prefix(to) => action.prefix_rewrite = to,
        Rewrite::Full(to) => action.path_rewrite = to,
        Rewrite::Regex(substitution) => action.regex_rewrite = Some(substitution),
    }
}

/// Changes the path to which clients are sent.
pub(super) fn apply_to_redirect(path: &PathMatch, change: &PathRewrite, action: &mut RedirectAction) {
    action.path_rewrite_specifier = Some(match rewrite(path, change) {
        Rewrite::Prefix(to) => PathRewriteSpecifier::PrefixRewrite(to),
        Rewrite::Full(to) => PathRewriteSpecifier::PathRewrite(to),
        Rewrite::Regex(substitution) => PathRewriteSpecifier::RegexRewrite(substitution),
    });
}
