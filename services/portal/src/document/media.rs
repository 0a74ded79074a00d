//! Media types of bodies in 2.0, where operations list them.

use serde_json::Value;

/// What is a text of fields.
const URLENCODED: &str = "application/x-www-form-urlencoded";
/// What has each field in a part of its own, files among them.
const MULTIPART: &str = "multipart/form-data";

/// Those that an operation `consumes` or `produces`, or else all operations.
pub(crate) fn media_types(root: &Value, operation: &Value, key: &str) -> Vec<String> {
    let said = |object: &Value| {
        let list = object.get(key)?.as_array()?;
        Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>())
    };
    let said = said(operation).or_else(|| said(root)).filter(|media| !media.is_empty());
    said.unwrap_or_else(|| vec!["application/json".to_owned()])
}

/// Those in which an operation takes these fields of a form, texts first. Files are sent in parts alone, whatever is said.
pub(crate) fn form_media_types(root: &Value, operation: &Value, fields: &[&Value]) -> Vec<String> {
    let has_file = fields.iter().any(|field| field["type"] == "file");
    let is_usable = |media: &String| match is_urlencoded(media) {
        true => !has_file,
        false => media.to_ascii_lowercase().starts_with("multipart/"),
    };
    let mut all: Vec<_> = media_types(root, operation, "consumes").into_iter().filter(is_usable).collect();
    all.sort_by_key(|media| !is_urlencoded(media));
    if all.is_empty() {
        all.push(if has_file { MULTIPART } else { URLENCODED }.to_owned());
    }
    all
}

/// Whether a body is a text of fields.
pub(crate) fn is_urlencoded(media: &str) -> bool {
    media.to_ascii_lowercase().starts_with(URLENCODED)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_is_sent_as_its_operation_takes_it() {
        let (text, file) = (json!({ "name": "a", "type": "string" }), json!({ "name": "b", "type": "file" }));
        let types = |consumes: Value, fields: &[&Value]| {
            form_media_types(&json!({ "consumes": ["application/json"] }), &json!({ "consumes": consumes }), fields)
        };
        assert_eq!(types(json!([MULTIPART]), &[&text]), [MULTIPART]);
        assert_eq!(types(json!([MULTIPART, URLENCODED]), &[&text]), [URLENCODED, MULTIPART]);
        assert_eq!(types(json!([MULTIPART, URLENCODED]), &[&text, &file]), [MULTIPART]);
        assert_eq!(types(json!([URLENCODED]), &[&file]), [MULTIPART], "no text has files");
        assert_eq!(types(json!(null), &[&text]), [URLENCODED], "what all operations take is no form");
        assert_eq!(types(json!(["application/xml"]), &[&file]), [MULTIPART]);
    }

    #[test]
    fn what_an_operation_says_goes_before_what_the_document_says_of_all() {
        let root = json!({ "produces": ["application/xml", "application/json"] });
        assert_eq!(media_types(&root, &json!({ "produces": ["text/csv"] }), "produces"), ["text/csv"]);
        assert_eq!(media_types(&root, &json!({}), "produces"), ["application/xml", "application/json"]);
        assert_eq!(media_types(&root, &json!({}), "consumes"), ["application/json"]);
    }
}
