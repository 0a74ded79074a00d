//! References within a document. Those to other documents are not followed.

use serde_json::{Map, Value};

use crate::document::{Document, Version};

/// More hops than any sane document has.
const MAX_HOPS: usize = 20;

/// What a value means: itself, or what it refers to.
pub(crate) fn resolve<'v>(root: &'v Value, value: &'v Value) -> &'v Value {
    let mut value = value;
    for _ in 0..MAX_HOPS {
        match reference(value).and_then(|reference| resolve_pointer(root, reference)) {
            Some(target) => value = target,
            None => return value,
        }
    }
    value
}

/// The reference that a value is.
pub(crate) fn reference(value: &Value) -> Option<&str> {
    value.get("$ref")?.as_str()
}

/// What a reference within the document leads to.
pub(crate) fn resolve_pointer<'v>(root: &'v Value, reference: &str) -> Option<&'v Value> {
    let pointer = reference.strip_prefix('#')?;
    match pointer.contains('%') {
        true => root.pointer(&decoded(pointer)),
        false => root.pointer(pointer),
    }
}

/// A pointer in a URI has some characters escaped (RFC 6901, section 6).
fn decoded(pointer: &str) -> String {
    let mut bytes = Vec::with_capacity(pointer.len());
    let mut rest = pointer.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = tail.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (first, escaped) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The schemas that a document shares.
pub(super) fn schemas(document: &Document) -> Option<&Map<String, Value>> {
    match document.version {
        Version::V2 => document.value.get("definitions")?.as_object(),
        _ => document.value.get("components")?.get("schemas")?.as_object(),
    }
}

/// The name of the shared schema that a reference means.
pub(crate) fn schema_name(reference: &str) -> Option<String> {
    Some(pointer_name(below_schemas(reference)?))
}

/// The same of a reference to the whole of one, which has a page of its own, and not to a part: `…/Pet/$defs/Status`.
pub(super) fn whole_schema(reference: &str) -> Option<String> {
    below_schemas(reference).filter(|name| !name.contains('/')).map(pointer_name)
}

fn below_schemas(reference: &str) -> Option<&str> {
    reference.strip_prefix("#/components/schemas/").or(reference.strip_prefix("#/definitions/"))
}

/// The name that a part of a pointer means.
pub(crate) fn pointer_name(part: &str) -> String {
    decoded(part).replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_followed_within_the_document_only() {
        let root = json!({ "a": { "$ref": "#/b~1c" }, "b/c": { "$ref": "#/d%20e" }, "d e": 1,
            "loop": { "$ref": "#/loop" }, "far": { "$ref": "http://169.254.169.254/x" }, "gone": { "$ref": "#/nothing" } });
        assert_eq!(resolve(&root, &root["a"]), &json!(1));
        for stays in ["loop", "far", "gone"] {
            assert_eq!(resolve(&root, &root[stays]), &root[stays]);
        }
        assert_eq!(schema_name("#/components/schemas/A~1B%20C").as_deref(), Some("A/B C"));
        assert_eq!(whole_schema("#/definitions/A~1B%20C").as_deref(), Some("A/B C"));
        assert_eq!(whole_schema("#/components/schemas/A/$defs/B"), None);
    }
}
