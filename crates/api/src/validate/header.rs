//! Headers that are matched, added and removed.

use std::collections::BTreeMap;

use super::value::{header_text, is_token};
use super::{format, invalid, missing, no_effect, regex};
use crate::parse::Issues;
use crate::text::shorten;
use crate::yaml::Path;
use crate::{AddedHeader, AddedHeaders};

/// Headers to be added. Envoy refuses to touch `Host` and pseudo-headers this way.
pub(super) fn added<'a>(
    headers: impl IntoIterator<Item = (&'a String, &'a AddedHeader)>,
    path: &Path<'_>,
    issues: &mut Issues<'_>,
) {
    for (name, header) in headers {
        let path = path.key(name);
        changed_name(name, &path, issues);
        let value_path = path.key("value");
        if header.value.is_empty() {
            invalid(&value_path, "an added header needs a value", issues);
        }
        header_text(Some(&header.value), &value_path, issues);
        if let Err(message) = format::check(&header.value) {
            issues.error(&value_path, "InvalidFormat", message);
        }
    }
}

/// Who is sent headers that are added.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reader {
    /// With requests. The gateway's word is for it, under any name.
    Service,
    /// With answers.
    Visitor,
}

/// Takes out headers whose values would show the key of a preview, or the gateway's word, to whom it is none of the business
/// of: a visitor, or a third party.
pub(super) fn keep_keys(headers: &mut AddedHeaders, reader: Reader, path: &Path<'_>, issues: &mut Issues<'_>) {
    let is_kept = |header: &str| match reader {
        Reader::Service => format::holds_key_of_preview(header),
        Reader::Visitor => format::holds_key(header, &[]),
    };
    headers.retain(|name, header| {
        let shown = format::kept_in(&header.value, is_kept);
        if let Some(shown) = &shown {
            let held = format::held_in(shown);
            let message = format!("is not added: {shown} {held}, which nobody else is to see");
            no_effect(&path.key(name).key("value"), message, issues);
        }
        shown.is_none()
    });
}

/// The gateway's word on who a request is from, which services believe.
const ASSERTION: &str = "x-nuncio-assertion";

/// Whether a header would pass for the gateway's word: servers in the manner of CGI cannot tell `_` from `-`.
#[must_use]
pub fn is_assertion(name: &str) -> bool {
    name.replace('_', "-").eq_ignore_ascii_case(ASSERTION)
}

/// Whether a value that is added reads the gateway's word, and so hands it on under another name.
#[must_use]
pub fn reads_assertion(value: &str) -> bool {
    format::kept_in(value, is_assertion).is_some()
}

/// Takes out headers of requests that would pass for the gateway's word.
pub(super) fn keep_word(headers: &mut AddedHeaders, path: &Path<'_>, issues: &mut Issues<'_>) {
    headers.retain(|name, _| {
        let is_word = is_assertion(name);
        if is_word {
            not_added(&path.key(name), issues);
        }
        !is_word
    });
}

/// Tells of a header of requests that would pass for the gateway's word, at the place of its name.
pub(super) fn tell_of_word(name: &str, path: &Path<'_>, issues: &mut Issues<'_>) {
    if is_assertion(name) {
        not_added(path, issues);
    }
}

fn not_added(path: &Path<'_>, issues: &mut Issues<'_>) {
    no_effect(path, "is not added: it is the gateway's own word on who a request is from, and nobody else's", issues);
}

/// The header in which a value that is added shows what may be the key of a preview, where `headers` hold that too.
#[must_use]
pub fn added_key(value: &str, headers: &[String]) -> Option<String> {
    format::kept_in(value, |header| format::holds_key(header, headers))
}

/// Headers to be removed.
pub(super) fn removed(names: &[String], path: &Path<'_>, issues: &mut Issues<'_>) {
    for (index, name) in names.iter().enumerate() {
        changed_name(name, &path.index(index), issues);
    }
}

/// The name of a header to be added, which has to be there.
pub(super) fn given_name(name: &str, path: &Path<'_>, issues: &mut Issues<'_>) {
    if name.is_empty() {
        missing(path, issues);
    } else {
        changed_name(name, path, issues);
    }
}

pub(super) fn changed_name(name: &str, path: &Path<'_>, issues: &mut Issues<'_>) {
    if name.starts_with(':') || name.eq_ignore_ascii_case("host") {
        let message = format!("\"{}\" cannot be added or removed: use host_rewrite or rewrite", shorten(name));
        issues.error(path, "InvalidHeaderName", message);
    } else if !is_token(name) {
        invalid_name(name, path, issues);
    }
}

fn invalid_name(name: &str, path: &Path<'_>, issues: &mut Issues<'_>) {
    issues.error(path, "InvalidHeaderName", format!("\"{}\" is no header name", shorten(name)));
}

/// Headers that requests are matched by, exactly.
pub(super) fn matched(headers: &BTreeMap<String, String>, path: &Path<'_>, issues: &mut Issues<'_>) {
    for (name, value) in headers {
        let path = path.key(name);
        matched_name(name, &path, issues);
        header_text(Some(value), &path, issues);
        if name.eq_ignore_ascii_case(":authority") && value.contains('*') {
            invalid(&path, "an exact host cannot hold a star: use hostname or regex_headers", issues);
        }
    }
}

/// Headers that requests are matched by, as expressions.
pub(super) fn matched_by_regex(headers: &BTreeMap<String, String>, path: &Path<'_>, issues: &mut Issues<'_>) {
    for (name, pattern) in headers {
        let path = path.key(name);
        matched_name(name, &path, issues);
        regex::pattern(pattern, &path, issues);
    }
}

fn matched_name(name: &str, path: &Path<'_>, issues: &mut Issues<'_>) {
    if !is_token(name.strip_prefix(':').unwrap_or(name)) {
        invalid_name(name, path, issues);
    }
}

/// Names of headers in a list.
pub(super) fn names(names: &[String], path: &Path<'_>, issues: &mut Issues<'_>) {
    for (index, name) in names.iter().enumerate().filter(|(_, name)| !is_token(name)) {
        invalid_name(name, &path.index(index), issues);
    }
}
