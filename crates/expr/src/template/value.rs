//! What templates work with.

use std::collections::BTreeMap;

use http::HeaderMap;
use serde_json::Value as Json;

/// What each part of a value takes up.
const ITEM: usize = 32;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `nil`; also what is not there.
    Null,
    /// A bool.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number: those of JSON are all floating, as in Go.
    Float(f64),
    /// A text.
    Text(String),
    /// A slice.
    List(Vec<Value>),
    /// A map or a struct.
    Map(BTreeMap<String, Value>),
    /// `http.Header`: names as Go writes them.
    Headers(BTreeMap<String, Vec<String>>),
}

impl From<&Json> for Value {
    fn from(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            Json::String(text) => Self::Text(text.clone()),
            Json::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Json::Object(entries) => {
                Self::Map(entries.iter().map(|(key, value)| (key.clone(), Self::from(value))).collect())
            }
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Value {
    /// About how many bytes it holds.
    pub(super) fn size(&self) -> usize {
        let texts = |texts: &[String]| texts.iter().map(|text| ITEM + text.len()).sum::<usize>();
        ITEM + match self {
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Float(_) => 0,
            Self::Text(text) => text.len(),
            Self::List(items) => items.iter().map(Self::size).sum(),
            Self::Map(entries) => entries.iter().map(|(key, value)| key.len() + value.size()).sum(),
            Self::Headers(entries) => entries.iter().map(|(key, values)| key.len() + texts(values)).sum(),
        }
    }

    /// A map of these entries.
    #[must_use]
    pub fn map<const N: usize>(entries: [(&str, Self); N]) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// `http.Header` of these.
    #[must_use]
    pub fn headers(headers: &HeaderMap) -> Self {
        let mut map: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            map.entry(canonical(name.as_str())).or_default().push(value);
        }
        Self::Headers(map)
    }

    /// Whether `if` takes it for true: Go's zero values are not.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(value) => *value,
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Map(entries) => !entries.is_empty(),
            Self::Headers(entries) => !entries.is_empty(),
        }
    }

    /// For [`json`](super::functions).
    pub(super) fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Int(number) => Json::from(*number),
            #[expect(clippy::cast_possible_truncation, reason = "whole numbers in the range that doubles hold exactly")]
            Self::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => Json::from(*number as i64),
            Self::Float(number) => Json::from(*number),
            Self::Text(text) => Json::String(text.clone()),
            Self::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Self::Map(entries) => {
                Json::Object(entries.iter().map(|(key, value)| (key.clone(), value.to_json())).collect())
            }
            Self::Headers(entries) => {
                Json::Object(entries.iter().map(|(key, values)| (key.clone(), Json::from(values.clone()))).collect())
            }
        }
    }
}

/// The name of a header as Go writes it: `X-Request-Id`.
pub(super) fn canonical(name: &str) -> String {
    let mut upper = true;
    name.chars()
        .map(|c| {
            let written = if upper { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
            upper = c == '-';
            written
        })
        .collect()
}
