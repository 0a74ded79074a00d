//! Fields of forms, as bodies and whole queries have them.

use serde_json::Value;

use super::style::{Kind, Style, styled};
use crate::document::{is_urlencoded, text};
use crate::web::escape_path;

/// The content of a parameter that is the whole of a query (3.2), where that is fields of a form.
pub(super) fn query_fields(parameter: &Value) -> Option<&Value> {
    let content = parameter.get("content")?.as_object()?;
    let fields = content.iter().find(|(media, _)| is_urlencoded(media))?.1;
    (text(parameter, "in") == Some("querystring")).then_some(fields)
}

/// The whole of a query with this value: the fields of a form, or a text.
pub(super) fn query(parameter: &Value, value: &Value) -> Option<String> {
    match query_fields(parameter) {
        Some(content) => form(value, content.get("encoding")),
        None => Some(escape_path(&value.as_str().map_or_else(|| value.to_string(), str::to_owned))),
    }
}

/// A form's fields, as a body has them: each as its `encoding` says, where that says how.
pub(super) fn form(fields: &Value, encoding: Option<&Value>) -> Option<String> {
    let field = |(name, value): (&String, &Value)| {
        let is_how = |said: &&Value| ["style", "explode", "allowReserved"].iter().any(|key| said.get(key).is_some());
        let said = encoding.and_then(|encoding| encoding.get(name)).filter(is_how);
        let (kind, explode) = said.map_or((Kind::Form, true), |said| styled(said, Kind::Form));
        let keeps_reserved = said.is_some_and(|said| said.get("allowReserved") == Some(&Value::Bool(true)));
        let style = Style { name, place: "query", kind, explode, keeps_reserved };
        // An object is one value, and not fields of its own.
        let value = if value.is_object() && said.is_none() { &Value::from(value.to_string()) } else { value };
        style.written(value)
    };
    let written = fields.as_object()?.iter().map(field).filter(|field| !field.is_empty());
    Some(written.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_is_one_field_and_a_list_several() {
        let fields = json!({ "a b": [1, 2], "c": { "d": 1 }, "e": "&" });
        assert_eq!(form(&fields, None).unwrap(), "a%20b=1&a%20b=2&c=%7B%22d%22%3A1%7D&e=%26");
    }

    #[test]
    fn fields_of_a_form_are_written_as_their_encoding_says() {
        let fields = json!({ "a": [1, 2], "b": [1, 2], "c": { "d": 1 }, "e": { "f": 1 }, "g": "a/b&c" });
        let encoding = json!({ "a": { "style": "pipeDelimited", "explode": false }, "b": { "contentType": "text/plain" },
            "c": { "style": "deepObject" }, "e": { "contentType": "application/json" }, "g": { "allowReserved": true } });
        let expected = "a=1%7C2&b=1&b=2&c%5Bd%5D=1&e=%7B%22f%22%3A1%7D&g=a/b%26c";
        assert_eq!(form(&fields, Some(&encoding)).unwrap(), expected);
    }

    #[test]
    fn a_whole_query_is_fields_or_a_text() {
        let whole = |media: &str| json!({ "name": "q", "in": "querystring", "content": { media: {} } });
        let value = json!({ "a": "b c", "d": [1, 2] });
        let written = |media: &str| query(&whole(media), &value).unwrap();
        assert_eq!(written("application/x-www-form-urlencoded"), "a=b%20c&d=1&d=2");
        assert_eq!(written("application/json"), "%7B%22a%22%3A%22b%20c%22%2C%22d%22%3A%5B1%2C2%5D%7D");
    }
}
