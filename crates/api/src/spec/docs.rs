//! Where a service's API documentation is: `docs` of a Mapping.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use crate::text::closest;

/// The longest time that the original's portal and ours wait for a document, in milliseconds.
pub const LONGEST_DOCS_TIMEOUT_MS: u64 = 30_000;

/// Where the OpenAPI document of a Mapping's service is, and how it is shown. It is no part of what is served: a mistake in
/// it must not cost a request, so a Mapping keeps it as it was written, and this is read from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Docs {
    /// Path of the document, below the Mapping's prefix: it is asked for as a request for `prefix` and this would reach
    /// the service.
    pub path: Option<String>,
    /// The document's URL: at the Mapping's own service, or by https anywhere else. Wins over `path`.
    pub url: Option<String>,
    /// The API is not shown; default `false`.
    pub ignored: Option<bool>,
    /// What the API is called; default is the document's title.
    pub display_name: Option<String>,
    /// Milliseconds that fetching may take; default 10 000, at most 30 000.
    pub timeout_ms: Option<u64>,
    /// The groups whose members the API is shown to; default: everybody.
    pub visible_to: Option<Vec<String>>,
}

/// What is wrong with a field of `docs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocsProblem {
    /// The field; nothing where it is `docs` itself.
    pub field: String,
    /// What is wrong with it, in a few words.
    pub message: String,
    /// There is no such field.
    pub is_unknown: bool,
}

impl fmt::Display for DocsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => f.write_str(&self.message),
            field => write!(f, "{field}: {}", self.message),
        }
    }
}

/// The fields that there are.
const FIELDS: [&str; 6] = ["path", "url", "ignored", "display_name", "timeout_ms", "visible_to"];

impl Docs {
    /// Reads what a manifest says. Empty texts say nothing.
    ///
    /// # Errors
    /// What is wrong with it, field by field.
    pub fn read(written: &Value) -> Result<Self, Vec<DocsProblem>> {
        let problem =
            |field: &str, message: String| DocsProblem { field: field.to_owned(), message, is_unknown: false };
        let Some(fields) = written.as_object() else {
            let found = match written {
                Value::Array(_) => "a list",
                Value::String(_) => "a text",
                Value::Bool(_) => "a boolean",
                _ => "a number",
            };
            return Err(vec![problem("", format!("expected fields, found {found}"))]);
        };
        let wrong = |(name, value): (&String, &Value)| match FIELDS.contains(&name.as_str()) {
            false => Some(DocsProblem { is_unknown: true, ..problem(name, unknown(name)) }),
            true => {
                let only = Value::Object([(name.clone(), value.clone())].into_iter().collect());
                serde_json::from_value::<Self>(only).err().map(|error| problem(name, error.to_string()))
            }
        };
        let wrong: Vec<_> = fields.iter().filter_map(wrong).collect();
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let mut docs: Self =
            serde_json::from_value(written.clone()).map_err(|error| vec![problem("", error.to_string())])?;
        for text in [&mut docs.path, &mut docs.url, &mut docs.display_name] {
            text.take_if(|text| text.trim().is_empty());
        }
        if let Some(url) = docs.url.as_ref().filter(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
            let message = format!("expected http://… or https://…, found \"{}\"", crate::text::shorten(url));
            return Err(vec![problem("url", message)]);
        }
        Ok(docs)
    }

    /// The groups of [`Self::visible_to`], as far as they can be read where the rest cannot: what somebody wanted to keep from
    /// others is kept.
    #[must_use]
    pub fn groups(written: &Value) -> Option<Vec<String>> {
        let named = written.get("visible_to").filter(|groups| !groups.is_null());
        let groups = named.or_else(|| misspelt_groups(written))?;
        let texts = groups.as_array().into_iter().flatten().filter_map(Value::as_str);
        Some(texts.map(str::to_owned).collect())
    }
}

/// A field that there is not.
fn unknown(name: &str) -> String {
    match closest(name, &FIELDS) {
        Some(meant) => format!("there is no such field: did you mean \"{meant}\"?"),
        None => format!("there is no such field: expected {}", crate::text::one_of(&FIELDS)),
    }
}

/// What was most likely meant for groups: a field that nothing knows and that is called nearly so, or a list, as no other is.
fn misspelt_groups(written: &Value) -> Option<&Value> {
    let is_meant = |(name, value): &(&String, &Value)| {
        let is_unknown = !FIELDS.contains(&name.as_str());
        is_unknown && (value.is_array() || closest(name, &["visible_to"]).is_some())
    };
    written.as_object()?.iter().find(is_meant).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let written = json!({ "path": "/openapi.json", "display_name": "Cart", "timeout_ms": 5000, "url": "" });
        let expected = Docs {
            path: Some("/openapi.json".to_owned()),
            display_name: Some("Cart".to_owned()),
            timeout_ms: Some(5000),
            ..Docs::default()
        };
        assert_eq!(Docs::read(&written), Ok(expected));
    }

    #[test]
    fn what_is_kept_from_others_is_kept_whatever_else_is_wrong() {
        let staff = Some(vec!["staff".to_owned()]);
        assert_eq!(Docs::read(&json!({ "visible_to": ["staff"] })).unwrap().visible_to, staff);
        assert_eq!(Docs::groups(&json!({ "visible_to": ["staff", 3], "paht": "/x" })), staff);
        assert_eq!(Docs::groups(&json!({ "visible_to": "staff" })), Some(Vec::new()), "nobody");
        assert_eq!(Docs::groups(&json!({ "path": "/x" })), None);
        for misspelt in [json!({ "visible_too": ["staff"] }), json!({ "groups": ["staff"], "path": "/x" })] {
            assert_eq!(Docs::groups(&misspelt), staff, "{misspelt}");
        }
        assert_eq!(Docs::groups(&json!({ "visibleTo": true })), Some(Vec::new()), "nobody");
    }

    #[test]
    fn what_cannot_be_meant_is_told() {
        for (written, told) in [
            (json!({ "path": 3 }), "path: invalid type: integer `3`, expected a string"),
            (json!({ "path": "/x", "urll": "http://a" }), "urll: there is no such field: did you mean \"url\"?"),
            (json!({ "colour": 1 }), "colour: there is no such field: expected path, url, ignored, display_name"),
            (
                json!({ "url": "file:///etc/passwd" }),
                "url: expected http://… or https://…, found \"file:///etc/passwd\"",
            ),
            (json!("yes"), "expected fields, found a text"),
        ] {
            let wrong = Docs::read(&written).unwrap_err();
            assert!(wrong.len() == 1 && wrong[0].to_string().starts_with(told), "{written}: {wrong:?}");
        }
        let both = Docs::read(&json!({ "paht": "/x", "ignored": "no" })).unwrap_err();
        let mut fields: Vec<_> = both.iter().map(|wrong| wrong.field.as_str()).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["ignored", "paht"]);
    }
}
