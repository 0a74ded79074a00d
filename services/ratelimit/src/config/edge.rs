//! What a rule of an edge gateway asks for beside counting: `edge` in the extension of a descriptor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{ListValue, Struct, Value};
use nuncio_expr::Template;
use nuncio_expr::template::{RenderError, Value as Told};

use super::unknown::Unknown;

/// A rule of an edge gateway: its answers tell clients when to come again, and logs what happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    /// The object that asks for it, for people; empty where nobody said.
    pub origin: String,
    /// The rule is only logged. It is in shadow mode too.
    pub log_only: bool,
    /// Headers for the service behind.
    pub request_headers: Vec<Header>,
    /// Headers for the client.
    pub response_headers: Vec<Header>,
    /// What is answered beyond the limit, instead of the usual.
    pub error: Option<Answer>,
}

/// An answer of the rule's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Headers.
    pub headers: Vec<Header>,
    /// The body, if it is not the usual one.
    pub body: Option<Text>,
}

/// A header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// In lower case.
    pub name: String,
    /// The value.
    pub value: Text,
}

/// A Go template.
#[derive(Clone, Debug)]
pub struct Text {
    source: String,
    template: Template,
    /// It was told that it fails.
    told: Arc<AtomicBool>,
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Text {}

impl Text {
    fn new(source: &str) -> Result<Self, String> {
        let template = Template::new(source).map_err(|error| error.to_string())?;
        Ok(Self { source: source.to_owned(), template, told: Arc::default() })
    }

    /// The text for these values; `None` where it says so, or fails, which is told once of each `origin`'s.
    pub fn render(&self, data: &Told, origin: &str) -> Option<String> {
        let failed = |error: &RenderError| {
            if !self.told.swap(true, Ordering::Relaxed) {
                let of = if origin.is_empty() { "a rule" } else { origin };
                tracing::warn!("a template of {of} fails, and what it is for is left out: {error}: {}", self.source);
            }
        };
        self.template.render(data).inspect_err(failed).ok().flatten()
    }
}

impl Edge {
    /// Whether anything is written for it.
    pub fn has_templates(&self) -> bool {
        !self.request_headers.is_empty() || !self.response_headers.is_empty() || self.error.is_some()
    }

    /// Reads it.
    pub(super) fn read(value: &Value, unknown: &mut Unknown) -> Result<Self, String> {
        let mut edge = Self::default();
        for (name, value) in fields(value)? {
            match name.as_str() {
                "origin" => text(value)?.clone_into(&mut edge.origin),
                "action" => edge.log_only = text(value)? == "LogOnly",
                "request_headers" => edge.request_headers = headers(value, unknown)?,
                "response_headers" => edge.response_headers = headers(value, unknown)?,
                "error" => edge.error = Some(Answer::read(value, unknown)?),
                _ => unknown.note(format!("edge.{name}")),
            }
        }
        Ok(edge)
    }
}

impl Answer {
    fn read(value: &Value, unknown: &mut Unknown) -> Result<Self, String> {
        let mut answer = Self::default();
        for (name, value) in fields(value)? {
            match name.as_str() {
                "headers" => answer.headers = headers(value, unknown)?,
                "body" => {
                    answer.body = Some(text(value)?).filter(|body| !body.is_empty()).map(Text::new).transpose()?;
                }
                _ => unknown.note(format!("edge.error.{name}")),
            }
        }
        Ok(answer)
    }
}

/// A list of structs with `name` and `value`.
fn headers(value: &Value, unknown: &mut Unknown) -> Result<Vec<Header>, String> {
    let Some(Kind::ListValue(ListValue { values })) = &value.kind else {
        return Err("expected a list".to_owned());
    };
    let mut one = |value: &Value| {
        let mut header = (String::new(), "");
        for (name, value) in fields(value)? {
            match name.as_str() {
                "name" => header.0 = text(value)?.to_ascii_lowercase(),
                "value" => header.1 = text(value)?,
                _ => unknown.note(format!("edge.headers.{name}")),
            }
        }
        Ok(Header { value: Text::new(header.1).map_err(|error| format!("{}: {error}", header.0))?, name: header.0 })
    };
    values.iter().map(&mut one).collect()
}

fn fields(value: &Value) -> Result<&std::collections::HashMap<String, Value>, String> {
    match &value.kind {
        Some(Kind::StructValue(Struct { fields })) => Ok(fields),
        _ => Err("expected a struct".to_owned()),
    }
}

fn text(value: &Value) -> Result<&str, String> {
    match &value.kind {
        Some(Kind::StringValue(text)) => Ok(text),
        _ => Err("expected a text".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_that_fails_leaves_out_what_it_is_for() {
        let data = Told::map([("a", Told::Int(1))]);
        let text = |source: &str| Text::new(source).unwrap();
        assert_eq!(text("{{ .a }}").render(&data, "").as_deref(), Some("1"));
        assert_eq!(text("{{ doNotSet }}").render(&data, ""), None);
        let failing = text("{{ .a.b }}");
        for _ in 0..2 {
            assert_eq!(failing.render(&data, ""), None);
            assert!(failing.told.load(Ordering::Relaxed), "it is told, and not again");
        }
    }
}
