//! The order in which a text has its operations, which is the one that its author chose.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{operations, parse};

/// The keys of an object, in their order, with what each holds. What is no object has none.
#[derive(Default)]
struct Keys<T>(Vec<(String, T)>);

/// What of a document is looked at.
#[derive(Default, Deserialize)]
struct Paths {
    #[serde(default)]
    paths: Keys<Keys<Keys<IgnoredAny>>>,
}

/// The places of operations in [`operations`] of the value, in the order of the text.
pub(super) fn of(text: &[u8], is_yaml: bool, value: &Value) -> Vec<usize> {
    let Keys(paths) = parse::lenient::<Paths>(text, is_yaml).unwrap_or_default().paths;
    let mut ranks = BTreeMap::new();
    for (path, Keys(methods)) in &paths {
        for (method, Keys(inner)) in methods {
            // Methods that OpenAPI has no field for stand in an object of their own.
            let methods = inner.iter().map(|(inner, _)| inner).filter(|_| method == "additionalOperations");
            for method in std::iter::once(method).chain(methods) {
                let rank = ranks.len();
                // Of keys that are there twice the last counts.
                ranks.insert((path.as_str(), method.to_ascii_uppercase()), rank);
            }
        }
    }
    let ranked = operations(value).map(|(path, method, ..)| ranks.get(&(path, method)).copied().unwrap_or(usize::MAX));
    let mut places: Vec<(usize, usize)> = ranked.zip(0..).collect();
    places.sort_unstable();
    places.into_iter().map(|(_, place)| place).collect()
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Keys<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Ordered(std::marker::PhantomData))
    }
}

struct Ordered<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Ordered<T> {
    type Value = Keys<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys<T>, A::Error> {
        let mut keys = Vec::new();
        while let Some(entry) = map.next_entry()? {
            keys.push(entry);
        }
        Ok(Keys(keys))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Keys<T>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Keys(Vec::new()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Keys<T>, E> {
        Ok(Keys(Vec::new()))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Keys<T>, E> {
        Ok(Keys(Vec::new()))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Keys<T>, E> {
        Ok(Keys(Vec::new()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Keys<T>, E> {
        Ok(Keys(Vec::new()))
    }

    fn visit_str<E>(self, _: &str) -> Result<Keys<T>, E> {
        Ok(Keys(Vec::new()))
    }

    fn visit_unit<E>(self) -> Result<Keys<T>, E> {
        Ok(Keys(Vec::new()))
    }

    fn visit_none<E>(self) -> Result<Keys<T>, E> {
        Ok(Keys(Vec::new()))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::document::{Document, operations};

    fn order(text: &str) -> Vec<String> {
        let document = Document::read(Bytes::copy_from_slice(text.as_bytes())).unwrap();
        let all: Vec<_> = operations(&document.value).map(|(path, method, ..)| format!("{method} {path}")).collect();
        document.order.iter().map(|place| all[*place].clone()).collect()
    }

    #[test]
    fn operations_are_in_the_order_of_the_text() {
        let json = r#"{"openapi": "3.2.0", "info": {"title": "T"}, "tags": [{"name": "x"}], "paths": {
            "/z": {"parameters": [{"name": "a"}], "post": {"tags": ["x"]}, "get": {}, "summary": "s"},
            "x-own": [1], "x-none": null,
            "/a": {"additionalOperations": {"LINK": {}, "COPY": {}}, "delete": {}}}}"#;
        assert_eq!(order(json), ["POST /z", "GET /z", "LINK /a", "COPY /a", "DELETE /a"]);
        let yaml = "openapi: 3.1.0\npaths:\n  x-none:\n  /z: {put: {}, description:}\n  /m: {get: {}}\n  /b: &b {get: {}}\n  /a: *b\n";
        assert_eq!(order(yaml), ["PUT /z", "GET /m", "GET /b", "GET /a"]);
    }

    #[test]
    fn what_has_no_order_is_sorted() {
        assert_eq!(order(r#"{"openapi": "3.1.0", "paths": [1]}"#), [""; 0]);
        assert_eq!(
            order(r#"{"openapi": "3.1.0", "paths": {"/b": {"get": {}}, "/a": {"get": {}}, "/b": {"put": {}}}}"#),
            ["GET /a", "PUT /b"]
        );
    }
}
