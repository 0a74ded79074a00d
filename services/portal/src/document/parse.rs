//! From text to a value, within bounds: a service may send anything.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_saphyr::DuplicateKeyPolicy;

/// The deepest nesting.
const MAX_DEPTH: usize = 100;
/// The most objects, lists and scalars.
const MAX_NODES: usize = 500_000;
/// The most aliases of YAML.
const MAX_ALIASES: usize = 1_000;

/// Why a text is no document. Nothing of the text is told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DocumentError {
    /// It is empty.
    #[error("the text is empty")]
    Empty,
    /// It is a page for people.
    #[error("the text is an HTML page, and no OpenAPI document: is the path right?")]
    Html,
    /// Some of it is no text.
    #[error("the text is not UTF-8 from byte {0} on")]
    NotUtf8(usize),
    /// It is no JSON.
    #[error("the text is no JSON: {0}")]
    Json(String),
    /// It is no YAML.
    #[error("the text is no YAML: {0}")]
    Yaml(String),
    /// It is larger than it is long.
    #[error("the document has more than {MAX_NODES} values, aliases followed")]
    TooManyNodes,
    /// It nests too deeply.
    #[error("the document nests more than {MAX_DEPTH} levels")]
    TooDeep,
    /// It is something else.
    #[error("the text says neither `openapi` nor `swagger`: it is no OpenAPI document")]
    NotOpenApi,
    /// It says where documents are.
    #[error(
        "the text lists documents and is none itself, as /openapi/v3 of a Kubernetes API server does: name one of them, \
         /openapi/v3/apis/apps/v1 for one"
    )]
    Index,
    /// It is of a version that there was not.
    #[error("{0} {1} is no known version: expected swagger 2.0 or openapi 3.x")]
    UnknownVersion(&'static str, String),
}

/// The value of a text, and whether it is YAML.
pub(super) fn value(text: &[u8]) -> Result<(Value, bool), DocumentError> {
    let text = std::str::from_utf8(text).map_err(|error| DocumentError::NotUtf8(error.valid_up_to()))?;
    let text = text.trim_start_matches('\u{feff}').trim();
    let (value, is_yaml) = match text.bytes().next() {
        None => return Err(DocumentError::Empty),
        Some(b'<') => return Err(DocumentError::Html),
        Some(b'{') => match serde_json::from_str(text) {
            Ok(value) => (value, false),
            // A map of YAML may begin so, too.
            Err(error) => yaml(text).map(|value: Value| (value, true)).map_err(|_| json_error(&error))?,
        },
        Some(_) => (yaml(text)?, true),
    };
    bounded(&value, 0, &mut 0)?;
    Ok((value, is_yaml))
}

fn json_error(error: &serde_json::Error) -> DocumentError {
    let what = if error.is_eof() { "it ends too early" } else { "it is not well formed" };
    DocumentError::Json(format!("{what} at line {}, column {}", error.line(), error.column()))
}

/// The same text as something of which only a part is looked at.
pub(super) fn lenient<T: DeserializeOwned>(text: &[u8], is_yaml: bool) -> Option<T> {
    let text = std::str::from_utf8(text).ok()?.trim_start_matches('\u{feff}').trim();
    if is_yaml { yaml(text).ok() } else { serde_json::from_str(text).ok() }
}

fn yaml<T: DeserializeOwned>(text: &str) -> Result<T, DocumentError> {
    let budget = serde_saphyr::budget! {
        max_depth: MAX_DEPTH,
        max_nodes: MAX_NODES,
        max_events: 3 * MAX_NODES,
        max_aliases: MAX_ALIASES,
        max_documents: 1,
        max_inclusion_depth: 0,
    };
    let aliases = serde_saphyr::alias_limits! { max_total_replayed_events: MAX_NODES };
    let options = serde_saphyr::options! {
        budget: budget,
        alias_limits: aliases,
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        // `no` is a country.
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| yaml_error(&error))
}

fn yaml_error(error: &serde_saphyr::Error) -> DocumentError {
    let place = error.location().map(|at| format!(" at line {}, column {}", at.line(), at.column()));
    DocumentError::Yaml(format!("it is not well formed, or larger than it may be,{}", place.unwrap_or_default()))
}

fn bounded(value: &Value, depth: usize, nodes: &mut usize) -> Result<(), DocumentError> {
    *nodes += 1;
    if *nodes > MAX_NODES {
        return Err(DocumentError::TooManyNodes);
    }
    if depth > MAX_DEPTH {
        return Err(DocumentError::TooDeep);
    }
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| bounded(item, depth + 1, nodes)),
        Value::Object(entries) => entries.values().try_for_each(|item| bounded(item, depth + 1, nodes)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::{Document, Version};
    use super::*;

    fn read(text: &str) -> Result<Document, DocumentError> {
        Document::read(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn every_version_is_read_as_json_and_as_yaml() {
        for (text, version, is_yaml) in [
            (r#"{"swagger": "2.0"}"#, Version::V2, false),
            ("swagger: 2.0\n", Version::V2, true),
            (r#"{"openapi": "3.0.4", "x-own": {"kept": [1]}}"#, Version::V3_0, false),
            ("openapi: 3.1\n", Version::V3_1, true),
            ("# comment\nopenapi: 3.1.1\n", Version::V3_1, true),
            ("openapi: 3.2.0\n", Version::V3_2, true),
            ("{openapi: 3.1.0}", Version::V3_1, true),
            ("\u{feff}{\"openapi\": \"3.0.0\"}", Version::V3_0, false),
        ] {
            let document = read(text).unwrap();
            assert_eq!((document.version, document.is_yaml), (version, is_yaml), "{text}");
        }
    }

    #[test]
    fn keys_of_yaml_are_texts_and_words_stay_words() {
        let document = read("openapi: 3.0.0\npaths: {/a: {get: {responses: {200: {description: no}}}}}\n").unwrap();
        assert_eq!(document.value["paths"]["/a"]["get"]["responses"]["200"]["description"], "no");
    }

    #[test]
    fn what_is_no_document_says_so_and_tells_nothing_of_it() {
        for (text, part) in [
            ("", "empty"),
            ("  <!DOCTYPE html>", "HTML"),
            ("{\"openapi\": \"3.0.0\", \"secret", "line 1, column"),
            ("openapi: [secret", "line 1"),
            ("secret: word", "neither `openapi` nor"),
            ("[1, 2]", "neither"),
            (r#"{"paths": {"secret": {"serverRelativeURL": "/openapi/v3/secret"}}}"#, "name one of them"),
            (r#"{"paths": {"/secret": {"get": {}}}}"#, "neither"),
            ("secret", "neither"),
            ("openapi: 4.0.0", "openapi 4.0.0"),
            ("{\"swagger\": \"1.2\"}", "swagger 1.2"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains("secret"), "{text}: {error}");
        }
        assert_eq!(Document::read(Bytes::from_static(b"{\xff}")).unwrap_err(), DocumentError::NotUtf8(1));
    }

    #[test]
    fn bombs_do_not_go_off() {
        let mut laughs = "openapi: 3.0.0\na: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for (name, before) in "bcdefghi".chars().zip("abcdefgh".chars()) {
            laughs += &format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 10].join(", "));
        }
        read(&laughs).unwrap_err();
        read(&format!("openapi: 3.0.0\na: {}{}", "[".repeat(200), "]".repeat(200))).unwrap_err();
        read(&format!("{{\"openapi\": \"3.0.0\", \"a\": {}{}}}", "[".repeat(110), "]".repeat(110))).unwrap_err();
        let many = format!("{{\"openapi\": \"3.0.0\", \"a\": [{}1]}}", "1,".repeat(MAX_NODES));
        assert_eq!(read(&many).unwrap_err(), DocumentError::TooManyNodes);
    }
}
