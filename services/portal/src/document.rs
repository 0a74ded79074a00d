//! OpenAPI documents, as they were written: JSON values, so that nothing that we do not know is lost.

mod item;
mod media;
mod order;
mod parse;
mod place;
mod version;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

pub(crate) use self::item::{
    has_operations, operation_of, operations_of, put_operation, remove_operation, take_operations,
};
pub(crate) use self::media::{form_media_types, is_urlencoded, media_types};
pub(crate) use self::parse::DocumentError;
pub(crate) use self::version::Version;
use crate::reference::resolve;

/// A document that was read.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) version: Version,
    pub(crate) value: Arc<Value>,
    /// Which of its [`operations`] the text has first, then, and so on: values keep no order.
    pub(crate) order: Arc<[usize]>,
    /// As it came, JSON or YAML.
    pub(crate) original: Bytes,
    /// Whether it came as YAML.
    pub(crate) is_yaml: bool,
    /// Where it is, by which relative URLs in it are read: a path at its service, the root where that is not known; or a URL.
    pub(crate) place: Arc<str>,
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// What is wrong with it. It holds nothing of the text: that is for those who may see the API.
    pub(crate) fn read(text: Bytes) -> Result<Self, DocumentError> {
        let (value, is_yaml) = parse::value(&text)?;
        let version = Version::of(&value)?;
        let order = order::of(&text, is_yaml, &value).into();
        Ok(Self { version, value: Arc::new(value), order, original: text, is_yaml, place: "/".into() })
    }

    /// The same, found at this path, or at this URL.
    pub(crate) fn at(mut self, place: &str) -> Self {
        if let Ok(url) = reqwest::Url::parse(place) {
            place::write_out(Arc::make_mut(&mut self.value), self.version, &url);
        }
        Self { place: place.into(), ..self }
    }

    /// A text of `info`; nothing where it is empty.
    pub(crate) fn info(&self, key: &str) -> Option<&str> {
        text(&self.value["info"], key)
    }
}

/// A text of an object; nothing where it is empty.
pub(crate) fn text<'v>(object: &'v Value, key: &str) -> Option<&'v str> {
    object.get(key)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// The methods that a path item of any version may have, in the order in which they are shown.
pub(crate) const METHODS: [&str; 9] = ["get", "query", "head", "post", "put", "patch", "delete", "options", "trace"];

/// Where a path item has operations of methods that have no key of their own.
pub(crate) const MORE_OPERATIONS: &str = "additionalOperations";

/// The most operations of a document: many paths may have the same large item.
pub(crate) const MAX_OPERATIONS: usize = 50_000;

/// The operations of a document: path, method in upper case, path item, operation. A path item may stand elsewhere in it.
pub(crate) fn operations(document: &Value) -> impl Iterator<Item = (&str, String, &Value, &Value)> {
    let paths = document.get("paths").and_then(Value::as_object).into_iter().flatten();
    let all = paths.filter(|(path, _)| path.starts_with('/')).flat_map(|(path, item)| {
        let item = resolve(document, item);
        methods(item).map(move |(method, operation)| (path.as_str(), method, item, operation))
    });
    all.take(MAX_OPERATIONS)
}

/// The operations of a path item: method in upper case, operation.
pub(crate) fn methods(item: &Value) -> impl Iterator<Item = (String, &Value)> {
    let known = METHODS.iter().filter_map(move |method| Some(((*method).to_owned(), item.get(method)?)));
    let others = item.get(MORE_OPERATIONS).and_then(Value::as_object).into_iter().flatten();
    let others = others.map(|(method, operation)| (method.clone(), operation));
    let all = known.chain(others).filter(|(_, operation)| operation.is_object());
    all.map(|(method, operation)| (method.to_ascii_uppercase(), operation))
}

/// A path without the names of its parameters: to clients they are nothing.
pub(crate) fn without_names(path: &str) -> String {
    let mut parts = path.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |template, part| format!("{template}{{{}", part.find('}').map_or(part, |end| &part[end..])))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_small_document_has_no_more_operations_than_any_other() {
        let methods: serde_json::Map<_, _> = (0..1_000).map(|number| (format!("M{number}"), json!({}))).collect();
        let paths: serde_json::Map<_, _> =
            (0..1_000).map(|number| (format!("/{number}"), json!({ "$ref": "#/components/pathItems/many" }))).collect();
        let item = json!({ "additionalOperations": methods });
        let document = json!({ "paths": paths, "components": { "pathItems": { "many": item } } });
        assert_eq!(operations(&document).count(), MAX_OPERATIONS);
    }

    #[test]
    fn paths_are_without_names_of_parameters() {
        for (path, expected) in
            [("/a/{id}/b/{x}", "/a/{}/b/{}"), ("/a", "/a"), ("/{id", "/{id"), ("/{a}-{b}.json", "/{}-{}.json")]
        {
            assert_eq!(without_names(path), expected);
        }
    }
}
