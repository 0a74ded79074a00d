//! Names of limits in metrics: the domain, then `key` or `key_value` for each level.

use super::lookup::{Entry, Shares};

/// `name` without `key_` at its front: the value in a node's name.
pub(super) fn without_key<'n>(name: &'n str, key: &str) -> &'n str {
    name.strip_prefix(key).and_then(|rest| rest.strip_prefix('_')).unwrap_or(name)
}

/// Whether the level would be called by its node's own name.
pub(super) fn is_usual(name: &str, entry: &impl Entry, value: &str) -> bool {
    match name.strip_prefix(entry.key()) {
        Some("") => value.is_empty(),
        Some(rest) => !value.is_empty() && rest.strip_prefix('_') == Some(value),
        None => false,
    }
}

pub(super) fn push(text: &mut String, key: &str, value: &str) {
    text.push('.');
    text.push_str(key);
    if !value.is_empty() {
        text.push('_');
        text.push_str(value);
    }
}

/// The name for a limit that the request brought.
pub(super) fn of_override(text: &mut String, domain: &str, entries: &[impl Entry]) {
    text.clear();
    text.push_str(domain);
    if entries.is_empty() {
        text.push('.');
    }
    for entry in entries {
        push(text, entry.key(), entry.value());
    }
}

/// The name with `detailed_metric`: every value of the request, but globs where they share a counter.
pub(super) fn detailed(text: &mut String, domain: &str, entries: &[impl Entry], shares: &Shares<'_>) {
    text.clear();
    text.push_str(domain);
    for (index, entry) in entries.iter().enumerate() {
        match shares.iter().find(|(at, _)| *at == index) {
            Some((_, share)) => push(text, entry.key(), share),
            None => {
                push(text, entry.key(), entry.value());
                // Without shares the original joins key and value even where the value is empty.
                if entry.value().is_empty() && shares.is_empty() {
                    text.push('_');
                }
            }
        }
    }
}
