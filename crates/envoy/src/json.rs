//! Resources as canonical proto-JSON, for people, snapshots and diagnostics.

mod empty;

use std::sync::OnceLock;

use nuncio_ir::auth::{FILTER_TYPE, RULE_SET_TYPE};
use prost_reflect::{DescriptorError, DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::Value;

use crate::ResourceKind;

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
    if type_url == ResourceKind::Secret.type_url() {
        redact(&mut value);
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
