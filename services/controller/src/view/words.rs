//! Conditions in words.

use nuncio_ir::{CHAIN_HEADER, HeaderMatch, PathMatch, RouteMatch, ValueMatch};
use nuncio_translate::CLEAR_CHAIN;

/// `prefix /cart/, method GET`.
pub(super) fn conditions(matches: &RouteMatch) -> String {
    let path = match &matches.path {
        PathMatch::Prefix { value, case_sensitive } => format!("prefix {value}{}", fold(*case_sensitive)),
        PathMatch::Segments(value) => format!("path segments {value}"),
        PathMatch::Exact { value, case_sensitive } => format!("path {value}{}", fold(*case_sensitive)),
        PathMatch::Regex(value) => format!("regex {value}"),
    };
    std::iter::once(path).chain(beside_path(matches, false)).collect::<Vec<_>>().join(", ")
}

/// The conditions on all but the path; without that on the method where it is told otherwise.
pub(super) fn beside_path(matches: &RouteMatch, without_method: bool) -> Vec<String> {
    let headers = matches.headers.iter().filter(|header| !without_method || header.name != ":method").map(header_text);
    let query = matches.query.iter().map(|query| format!("query {} {}", query.name, value_text(&query.value)));
    headers.chain(query).collect()
}

fn fold(case_sensitive: bool) -> &'static str {
    if case_sensitive { "" } else { " (any case)" }
}

fn header_text(header: &HeaderMatch) -> String {
    let HeaderMatch { name, value, invert } = header;
    let not = if *invert { "not " } else { "" };
    match (&**name, value) {
        (CHAIN_HEADER, ValueMatch::Exact(chain)) if chain == CLEAR_CHAIN => format!("{not}in clear text"),
        // The Host's own; nothing else asks for one.
        (CHAIN_HEADER, _) => format!("{not}on a connection that was opened for this name"),
        ("x-forwarded-proto", ValueMatch::Exact(scheme)) if scheme == "https" => format!("{not}secure"),
        _ => format!("{} {not}{}", name.trim_start_matches(':'), value_text(value)),
    }
}

fn value_text(value: &ValueMatch) -> String {
    match value {
        ValueMatch::Exact(text) => text.clone(),
        ValueMatch::Prefix { value, .. } => format!("{value}*"),
        ValueMatch::Suffix { value, .. } => format!("*{value}"),
        ValueMatch::Regex(regex) => format!("~{regex}"),
        ValueMatch::Present => "present".to_owned(),
    }
}
