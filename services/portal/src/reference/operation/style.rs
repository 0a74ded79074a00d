//! How the value of a parameter is written in a request: by its place, `style` and `explode`, or `collectionFormat` in 2.0.

use serde_json::Value;

use super::has_body_parameters;
use super::parameters::as_text;
use super::urlencoded::query_fields;
use crate::document::{Version, text};
use crate::web::escape_path;

/// The way in which a parameter is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style<'d> {
    pub(super) name: &'d str,
    pub(crate) place: &'d str,
    pub(crate) kind: Kind,
    /// Each item by itself.
    pub(crate) explode: bool,
    /// Characters with a meaning in URLs stay as they are.
    pub(crate) keeps_reserved: bool,
}

/// What stands between and before values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Simple,
    Label,
    Matrix,
    Form,
    Spaces,
    Tabs,
    Pipes,
    DeepObject,
    /// A text of a media type.
    Content,
}

impl Kind {
    /// Its name in OpenAPI, and where there is none the one that scripts of pages know.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Label => "label",
            Self::Matrix => "matrix",
            Self::Form => "form",
            Self::Spaces => "spaceDelimited",
            Self::Tabs => "tabDelimited",
            Self::Pipes => "pipeDelimited",
            Self::DeepObject => "deepObject",
            Self::Content => "content",
        }
    }

    /// What is between the items of a list, in URLs escaped.
    fn between(self, place: &str) -> &'static str {
        match (self, place) {
            (Self::Spaces, "header") => " ",
            (Self::Tabs, "header") => "\t",
            (Self::Pipes, "header") => "|",
            (Self::Spaces, _) => "%20",
            (Self::Tabs, _) => "%09",
            (Self::Pipes, _) => "%7C",
            _ => ",",
        }
    }
}

impl<'d> Style<'d> {
    pub(crate) fn of(version: Version, parameter: &'d Value) -> Option<Self> {
        let (name, place) = (text(parameter, "name")?, text(parameter, "in")?);
        let usual = if matches!(place, "query" | "cookie") { Kind::Form } else { Kind::Simple };
        let (kind, explode) = match has_body_parameters(version) {
            true => collected(parameter, usual),
            false => styled(parameter, usual),
        };
        let keeps_reserved = place == "query" && parameter.get("allowReserved") == Some(&Value::Bool(true));
        Some(Self { name, place, kind, explode, keeps_reserved })
    }

    /// The value as it stands in a request: in a path and header alone, in a query and cookie with the name. Nothing where
    /// there is nothing to be written.
    pub(crate) fn written(&self, value: &Value) -> String {
        let value = match self.kind {
            Kind::Content => &Value::from(value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
            _ => value,
        };
        match self.kind {
            Kind::Label if self.place == "path" => {
                format!(".{}", self.joined(value, if self.explode { "." } else { "," }, ","))
            }
            Kind::Matrix if self.place == "path" => {
                self.pairs(value).into_iter().map(|pair| format!(";{pair}")).collect()
            }
            _ if matches!(self.place, "path" | "header") => {
                let between = self.kind.between(self.place);
                self.joined(value, between, between)
            }
            _ => self.pairs(value).join(if self.place == "cookie" { "; " } else { "&" }),
        }
    }

    /// A value without its name. `between` is between items, `inner` between names and values that are no pairs.
    fn joined(&self, value: &Value, between: &str, inner: &str) -> String {
        match value {
            Value::Array(items) => {
                items.iter().map(|item| self.escaped(&as_text(item))).collect::<Vec<_>>().join(between)
            }
            Value::Object(fields) => {
                let equals = if self.explode { "=" } else { inner };
                let field = |(name, value): (&String, &Value)| {
                    format!("{}{equals}{}", self.escaped(name), self.escaped(&as_text(value)))
                };
                fields.iter().map(field).collect::<Vec<_>>().join(if self.explode { between } else { inner })
            }
            one => self.escaped(&as_text(one)),
        }
    }

    /// A value with its name, or with the names of its parts.
    fn pairs(&self, value: &Value) -> Vec<String> {
        let pair = |name: &str, value: &Value| format!("{}={}", self.escaped(name), self.escaped(&as_text(value)));
        match value {
            Value::Object(_) if self.kind == Kind::DeepObject => self.deep(self.name, value),
            Value::Array(items) if self.explode => items.iter().map(|item| pair(self.name, item)).collect(),
            Value::Object(fields) if self.explode => fields.iter().map(|(name, value)| pair(name, value)).collect(),
            Value::Array(items) if items.is_empty() => Vec::new(),
            value => {
                let between = self.kind.between(self.place);
                vec![format!("{}={}", self.escaped(self.name), self.joined(value, between, between))]
            }
        }
    }

    /// `filter[user][name]=ann`.
    fn deep(&self, name: &str, value: &Value) -> Vec<String> {
        match value {
            Value::Object(fields) => {
                fields.iter().flat_map(|(field, value)| self.deep(&format!("{name}[{field}]"), value)).collect()
            }
            Value::Array(items) => items.iter().flat_map(|item| self.deep(name, item)).collect(),
            one => vec![format!("{}={}", escape_path(name), self.escaped(&as_text(one)))],
        }
    }

    fn escaped(&self, text: &str) -> String {
        match self.place {
            "header" => in_header(text),
            _ if self.keeps_reserved => keeping_reserved(text),
            _ => escape_path(text),
        }
    }
}

pub(super) fn styled(parameter: &Value, usual: Kind) -> (Kind, bool) {
    if query_fields(parameter).is_some() {
        return (Kind::Form, true);
    }
    if parameter.get("content").is_some() {
        return (Kind::Content, false);
    }
    let kind = match text(parameter, "style") {
        Some("simple") => Kind::Simple,
        Some("label") => Kind::Label,
        Some("matrix") => Kind::Matrix,
        Some("form" | "cookie") => Kind::Form,
        Some("spaceDelimited") => Kind::Spaces,
        Some("pipeDelimited") => Kind::Pipes,
        Some("deepObject") => Kind::DeepObject,
        _ => usual,
    };
    (kind, parameter.get("explode").and_then(Value::as_bool).unwrap_or(kind == Kind::Form))
}

fn collected(parameter: &Value, usual: Kind) -> (Kind, bool) {
    match text(parameter, "collectionFormat") {
        Some("multi") => (usual, true),
        Some("ssv") => (Kind::Spaces, false),
        Some("tsv") => (Kind::Tabs, false),
        Some("pipes") => (Kind::Pipes, false),
        _ => (usual, false),
    }
}

/// What no header can hold (RFC 9110, section 5.5) is escaped as in URLs.
fn in_header(text: &str) -> String {
    text.trim()
        .chars()
        .map(|c| if matches!(c, ' '..='~') { c.to_string() } else { escape_path(&c.to_string()) })
        .collect()
}

/// Reserved characters stay (RFC 3986, section 2.2), but for those that would end the parameter or the query.
fn keeping_reserved(text: &str) -> String {
    let stays = |c: char| ":/?@!$'()*,;".contains(c);
    text.chars().map(|c| if stays(c) { c.to_string() } else { escape_path(&c.to_string()) }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(version: Version, parameter: &Value, value: &Value) -> String {
        Style::of(version, parameter).unwrap().written(value)
    }

    /// The table of the specification: a text, a list and an object.
    #[test]
    fn values_are_written_as_their_style_has_it() {
        let (one, list, object) = (json!("a b"), json!(["x,y", "z"]), json!({ "R": 100, "G": "a&b" }));
        for (place, style, explode, expected) in [
            ("path", "simple", false, ["a%20b", "x%2Cy,z", "G,a%26b,R,100"]),
            ("path", "simple", true, ["a%20b", "x%2Cy,z", "G=a%26b,R=100"]),
            ("path", "label", false, [".a%20b", ".x%2Cy,z", ".G,a%26b,R,100"]),
            ("path", "label", true, [".a%20b", ".x%2Cy.z", ".G=a%26b.R=100"]),
            ("path", "matrix", false, [";n=a%20b", ";n=x%2Cy,z", ";n=G,a%26b,R,100"]),
            ("path", "matrix", true, [";n=a%20b", ";n=x%2Cy;n=z", ";G=a%26b;R=100"]),
            ("query", "form", false, ["n=a%20b", "n=x%2Cy,z", "n=G,a%26b,R,100"]),
            ("query", "form", true, ["n=a%20b", "n=x%2Cy&n=z", "G=a%26b&R=100"]),
            ("query", "spaceDelimited", false, ["n=a%20b", "n=x%2Cy%20z", "n=G%20a%26b%20R%20100"]),
            ("query", "pipeDelimited", false, ["n=a%20b", "n=x%2Cy%7Cz", "n=G%7Ca%26b%7CR%7C100"]),
            ("query", "deepObject", true, ["n=a%20b", "n=x%2Cy&n=z", "n%5BG%5D=a%26b&n%5BR%5D=100"]),
            ("header", "simple", false, ["a b", "x,y,z", "G,a&b,R,100"]),
            ("header", "simple", true, ["a b", "x,y,z", "G=a&b,R=100"]),
            ("cookie", "form", false, ["n=a%20b", "n=x%2Cy,z", "n=G,a%26b,R,100"]),
        ] {
            let parameter = json!({ "name": "n", "in": place, "style": style, "explode": explode });
            let found = [&one, &list, &object].map(|value| written(Version::V3_1, &parameter, value));
            assert_eq!(found, expected, "{place} {style} {explode}");
        }
    }

    #[test]
    fn what_is_not_said_is_as_the_specification_has_it() {
        let list = json!(["a", "b"]);
        for (parameter, expected) in [
            (json!({ "name": "n", "in": "query" }), "n=a&n=b"),
            (json!({ "name": "n", "in": "path" }), "a,b"),
            (json!({ "name": "n", "in": "path", "style": "form" }), "a,b"),
            (json!({ "name": "n[]", "in": "query" }), "n%5B%5D=a&n%5B%5D=b"),
            (json!({ "name": "n", "in": "query", "content": { "application/json": {} } }), "n=%5B%22a%22%2C%22b%22%5D"),
        ] {
            assert_eq!(written(Version::V3_0, &parameter, &list), expected, "{parameter}");
        }
        for (format, expected) in
            [("csv", "n=a,b"), ("ssv", "n=a%20b"), ("tsv", "n=a%09b"), ("pipes", "n=a%7Cb"), ("multi", "n=a&n=b")]
        {
            let parameter = json!({ "name": "n", "in": "query", "collectionFormat": format });
            assert_eq!(written(Version::V2, &parameter, &list), expected);
        }
        let nested = json!({ "user": { "name": "ann" }, "tags": ["a", "b"] });
        let deep = json!({ "name": "f", "in": "query", "style": "deepObject" });
        assert_eq!(written(Version::V3_1, &deep, &nested), "f%5Btags%5D=a&f%5Btags%5D=b&f%5Buser%5D%5Bname%5D=ann");
    }

    #[test]
    fn reserved_characters_stay_where_the_document_says_so_and_nothing_ends_too_early() {
        let reserved = json!({ "name": "q", "in": "query", "allowReserved": true });
        assert_eq!(written(Version::V3_1, &reserved, &json!("a/b?c&d=e#f g+h%")), "q=a/b?c%26d%3De%23f%20g%2Bh%25");
        let usual = json!({ "name": "q", "in": "query" });
        assert_eq!(written(Version::V3_1, &usual, &json!("a/b?c&d=e#f+")), "q=a%2Fb%3Fc%26d%3De%23f%2B");
        let header = json!({ "name": "x", "in": "header" });
        assert_eq!(written(Version::V3_1, &header, &json!(" a\r\nx: y é ")), "a%0D%0Ax: y %C3%A9");
    }
}
