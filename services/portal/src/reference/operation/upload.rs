//! Bodies that are no text: forms with files, and files.

use serde_json::Value;

use crate::document::text;
use crate::reference::resolve::resolve;

/// A part of a form; of a body that is one file the only one, without a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) is_file: bool,
    /// Any number of them.
    pub(crate) is_repeated: bool,
    pub(crate) required: bool,
}

/// The most parts of a form.
const MAX_PARTS: usize = 200;

/// What a body of this media type and schema is put together from; nothing where that is one text.
pub(super) fn parts(root: &Value, media: &str, schema: Option<&Value>) -> Vec<Part> {
    let media = media.to_ascii_lowercase();
    if is_text(&media) {
        return Vec::new();
    }
    if !media.starts_with("multipart/") {
        return vec![Part { name: String::new(), is_file: true, is_repeated: false, required: true }];
    }
    let Some(schema) = schema.map(|schema| resolve(root, schema)) else { return Vec::new() };
    let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    let properties = schema["properties"].as_object().into_iter().flatten();
    let part = |(name, schema): (&String, &Value)| {
        let schema = resolve(root, schema);
        let items = schema.get("items").filter(|_| schema["type"] == "array").map(|items| resolve(root, items));
        Part {
            name: name.clone(),
            is_file: is_file(items.unwrap_or(schema)),
            is_repeated: items.is_some(),
            required: required.contains(&Value::from(name.as_str())),
        }
    };
    properties.take(MAX_PARTS).map(part).collect()
}

/// Whether a body can be written by hand.
pub(super) fn is_text(media: &str) -> bool {
    let media = media.to_ascii_lowercase();
    ["json", "xml", "yaml", "x-www-form-urlencoded", "*/*"].iter().any(|part| media.contains(part))
        || media.starts_with("text/")
}

/// As 2.0, 3.0 and 3.1 say it, in this order.
fn is_file(schema: &Value) -> bool {
    let is_other = |media: &str| !is_text(media);
    schema["type"] == "file"
        || matches!(text(schema, "format"), Some("binary" | "byte"))
        || text(schema, "contentMediaType").is_some_and(is_other)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn files_are_told_from_texts_in_every_version() {
        let root = json!({ "components": { "schemas": { "Picture": { "type": "string", "format": "binary" } } } });
        let schema = json!({ "required": ["picture"], "properties": {
            "album": { "type": "string" },
            "old": { "type": "file" },
            "more": { "type": "array", "items": { "contentMediaType": "image/png" } },
            "picture": { "$ref": "#/components/schemas/Picture" },
        } });
        let found = parts(&root, "multipart/form-data", Some(&schema));
        let told: Vec<_> =
            found.iter().map(|part| (&*part.name, part.is_file, part.is_repeated, part.required)).collect();
        let expected = [
            ("album", false, false, false),
            ("more", true, true, false),
            ("old", true, false, false),
            ("picture", true, false, true),
        ];
        assert_eq!(told.len(), 4);
        assert!(expected.iter().all(|part| told.contains(part)), "{told:?}");
        assert!(parts(&root, "application/json", Some(&schema)).is_empty());
        assert_eq!(parts(&root, "image/png", None).len(), 1);
    }
}
