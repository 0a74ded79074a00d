//! Kubernetes' `Secret`.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};

/// A `Secret`. Neither `Debug` nor `Serialize` shows what is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Secret {
    /// Its type, such as `kubernetes.io/tls`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its contents by key, base64 in the manifest. Those of `stringData` have been added when parsing is done.
    pub data: BTreeMap<String, SecretBytes>,
    /// Contents as plain text, which win over `data`; empty when parsing is done.
    #[serde(rename = "stringData", skip_serializing)]
    pub string_data: BTreeMap<String, SecretText>,
}

impl Secret {
    /// The text under a key. A line break at its end is none of it.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        let text = std::str::from_utf8(self.data.get(key)?.expose()).ok()?.trim_end_matches(['\r', '\n']);
        Some(text).filter(|text| !text.is_empty())
    }

    /// Moves `stringData` into `data`, as the API server does.
    pub(crate) fn merge_text(&mut self) {
        for (key, text) in std::mem::take(&mut self.string_data) {
            self.data.insert(key, SecretBytes(text.0.into_bytes()));
        }
    }
}

/// Bytes that are not to be shown.
#[derive(Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// The bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} secret bytes)", self.0.len())
    }
}

impl Serialize for SecretBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("(secret)")
    }
}

impl<'de> Deserialize<'de> for SecretBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = String::deserialize(deserializer)?;
        text.retain(|c| !c.is_ascii_whitespace());
        STANDARD.decode(text).map(Self).map_err(|_| de::Error::custom("expected base64"))
    }
}

/// Text that is not to be shown.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(with = "String")]
pub struct SecretText(String);

impl SecretText {
    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("(secret)")
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} secret bytes)", self.0.len())
    }
}
