//! Header edits.

use envoy_types::pb::envoy::config::core::v3::{
    HeaderValue, HeaderValueOption, header_value_option::HeaderAppendAction,
};
use nuncio_ir::{HeaderAdd, HeaderEdits};

/// Envoy applies removals before additions, whatever their order: a header that is both removed
/// and added ends up added.
pub(crate) fn additions(edits: &HeaderEdits) -> Vec<HeaderValueOption> {
    edits.add.iter().map(addition).collect()
}

fn addition(add: &HeaderAdd) -> HeaderValueOption {
    if add.append { appended(&add.name, &add.value) } else { overwrite(&add.name, &add.value) }
}

/// Adds the format string `value` to what `name` was.
pub(crate) fn appended(name: &str, value: &str) -> HeaderValueOption {
    option(name, value, HeaderAppendAction::AppendIfExistsOrAdd)
}

/// Sets `name` to the format string `value`, whatever it was.
pub(crate) fn overwrite(name: &str, value: &str) -> HeaderValueOption {
    option(name, value, HeaderAppendAction::OverwriteIfExistsOrAdd)
}

/// Sets `name` to the format string `value` where there is no such header.
pub(crate) fn unless_there(name: &str, value: &str) -> HeaderValueOption {
    option(name, value, HeaderAppendAction::AddIfAbsent)
}

fn option(name: &str, value: &str, action: HeaderAppendAction) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(HeaderValue { key: name.to_owned(), value: value.to_owned(), ..Default::default() }),
        append_action: action as i32,
        ..Default::default()
    }
}

/// `text` as a format string that yields just it.
pub(crate) fn literal(text: &str) -> String {
    text.replace('%', "%%")
}
