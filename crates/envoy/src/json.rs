//! Resources as canonical proto-JSON, for people, snapshots and diagnostics.

mod empty;

use std::sync::OnceLock;

use nuncio_ir::auth::{FILTER_TYPE, RULE_SET_TYPE};
use nuncio_ir::{KEY_LENGTH, KEY_PREFIX, ResourceType};
use prost_reflect::{DescriptorError, DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::Value;

/// Every message that Envoy knows.
static DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

const PREFIX: &str = "type.googleapis.com/";

/// Why bytes could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// The type is none of Envoy's.
    #[error("unknown type {0:?}")]
    UnknownType(String),
    /// The bytes are no message of the type.
    #[error("not a {type_url}: {source}")]
    Decode {
        /// The type.
        type_url: String,
        /// What is wrong with the bytes.
        source: prost::DecodeError,
    },
    /// The message has no JSON form: an `Any` in it holds something unknown or broken.
    #[error("no JSON for {type_url}: {source}")]
    Serialize {
        /// The type.
        type_url: String,
        /// What is wrong with the message.
        source: serde_json::Error,
    },
    /// The descriptors that this program was built with are broken.
    #[error("descriptors: {0}")]
    Descriptors(&'static DescriptorError),
}

/// The message of type `type_url` that `body` encodes as canonical JSON: every `Any` expanded, keys
/// sorted. Private keys are blotted out.
///
/// # Errors
/// Bytes that are no such message.
pub fn to_json(type_url: &str, body: &[u8]) -> Result<Value, JsonError> {
    if [FILTER_TYPE, RULE_SET_TYPE].contains(&type_url) {
        return of_authentication(type_url, body);
    }
    let mut value = with_secrets(type_url, body)?;
    if type_url == ResourceType::Secret.type_url() {
        redact(&mut value);
    }
    if [ResourceType::Route, ResourceType::ScopedRoute].map(|kind| kind.type_url()).contains(&type_url) {
        redact_keys(&mut value);
    }
    Ok(value)
}

/// The same, private keys and all.
pub(crate) fn with_secrets(type_url: &str, body: &[u8]) -> Result<Value, JsonError> {
    let mut message = decode(type_url, body)?;
    empty::name(&mut message);
    let mut value = message
        .serialize_with_options(serde_json::value::Serializer, &SerializeOptions::new())
        .map_err(|source| JsonError::Serialize { type_url: type_url.to_owned(), source })?;
    empty::unname(&mut value);
    value.sort_all_objects();
    Ok(value)
}

/// What the authentication service is sent is JSON already.
fn of_authentication(type_url: &str, body: &[u8]) -> Result<Value, JsonError> {
    let read = serde_json::from_slice(body);
    let mut value: Value = read.map_err(|source| JsonError::Serialize { type_url: type_url.to_owned(), source })?;
    if type_url == FILTER_TYPE {
        blot_out(&mut value);
    }
    value.sort_all_objects();
    Ok(value)
}

/// Fields of filters that hold what is not to be shown.
const SENSITIVE: [&str; 4] = ["secret", "client_secret", "users", "certificate"];

fn blot_out(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if SENSITIVE.contains(&name.as_str()) && !value.is_null() {
                    *value = Value::from("[redacted]");
                } else {
                    blot_out(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(blot_out),
        _ => {}
    }
}

/// Never shows, not even in part or by its length.
fn redact(secret: &mut Value) {
    if let Some(key) = secret.pointer_mut("/tlsCertificate/privateKey") {
        *key = Value::from("[redacted]");
    }
}

/// Keys of previews, wherever they stand.
fn redact_keys(value: &mut Value) {
    match value {
        Value::String(text) if text.contains(KEY_PREFIX) => *text = without_keys(text),
        Value::Object(fields) => fields.values_mut().for_each(redact_keys),
        Value::Array(items) => items.iter_mut().for_each(redact_keys),
        _ => {}
    }
}

fn without_keys(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(KEY_PREFIX) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit()).unwrap_or(from.len());
        shown.push_str(before);
        shown.push_str(if end < KEY_LENGTH { &from[..end] } else { "[redacted]" });
        rest = &from[end..];
    }
    shown + rest
}

pub(crate) fn decode(type_url: &str, body: &[u8]) -> Result<DynamicMessage, JsonError> {
    let unknown = || JsonError::UnknownType(type_url.to_owned());
    let name = type_url.strip_prefix(PREFIX).ok_or_else(unknown)?;
    let descriptor = pool()?.get_message_by_name(name).ok_or_else(unknown)?;
    DynamicMessage::decode(descriptor, body)
        .map_err(|source| JsonError::Decode { type_url: type_url.to_owned(), source })
}

/// Decoded when first asked for: it takes time and memory, and only diagnostics ask.
pub(crate) fn pool() -> Result<&'static DescriptorPool, JsonError> {
    static POOL: OnceLock<Result<DescriptorPool, DescriptorError>> = OnceLock::new();
    POOL.get_or_init(|| DescriptorPool::decode(DESCRIPTORS)).as_ref().map_err(JsonError::Descriptors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_previews_do_not_show() {
        let key = format!("{KEY_PREFIX}{}", "a2".repeat(13));
        assert_eq!(without_keys(&format!("h|{key}|class")), "h|[redacted]|class");
        assert_eq!(
            without_keys(&format!("nuncio-preview={key}%REQ(x)%,{key}")),
            "nuncio-preview=[redacted]%REQ(x)%,[redacted]"
        );
        for plain in ["npk", "anpkb.example|", "npkx"] {
            assert_eq!(without_keys(plain), plain);
        }
    }
}
