//! Why a tree is not what was wanted, in words for people.

use std::fmt::{self, Display, Formatter};

use serde::de::{self, Expected, Unexpected};

use super::super::node::{Mark, Node, Value};
use super::super::scalar::{Scalar, resolve};
use super::De;
use crate::text::{one_of, shorten, suggestion};

/// Why a value cannot be had, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeError {
    pub(crate) message: String,
    /// The field; empty as long as it is not known.
    pub(crate) path: String,
    /// The place; `None` as long as it is not known.
    pub(crate) mark: Option<Mark>,
}

impl DeError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), path: String::new(), mark: None }
    }

    /// `node` stands where something else is wanted.
    pub(super) fn expected(what: &str, node: &Node<'_>) -> Self {
        Self::new(format!("expected {what}, found {}{}", found(node), hint(what, node)))
    }

    /// `node` stands where a mapping with these fields is wanted.
    pub(super) fn expected_struct(fields: &[&str], node: &Node<'_>) -> Self {
        let wanted = Self::expected("a mapping", node);
        match &node.value {
            // What is written is surely meant to be the value.
            Value::Plain(text) | Value::Text(text) if fields.contains(&"value") => {
                let wanted = wanted.message.split(": leave").next().unwrap_or_default();
                Self::new(format!("{wanted}: write {{value: \"{}\"}}", shorten(text)))
            }
            _ => wanted,
        }
    }

    /// Adds the place, if none is known that is closer.
    pub(super) fn at(mut self, value: &De<'_, '_>) -> Self {
        if self.mark.is_none() {
            let node = value.node;
            // An empty value has no place of its own.
            self.mark = Some(if node.is_null() { value.key } else { node.mark });
            self.path = value.path.to_string();
            self.message = no_switch(&self.path, self.message);
        }
        self
    }
}

/// What older versions took for a switch is a name, in quotes too.
fn no_switch(path: &str, message: String) -> String {
    match message.split_once(": write it in quotes") {
        Some((wanted, _)) if path.ends_with(".tls") => {
            format!(
                "{wanted}: it names a TLSContext; for TLS without one leave it out and write https:// before the service"
            )
        }
        _ => message,
    }
}

/// A node in words.
fn found(node: &Node<'_>) -> String {
    match &node.value {
        Value::Text(text) | Value::Literal(text) => format!("text \"{}\"", shorten(text)),
        Value::Plain(raw) => match resolve(raw) {
            Scalar::Null => "nothing".to_owned(),
            Scalar::Bool(_) => format!("the boolean {raw}"),
            Scalar::Int(_) | Scalar::UInt(_) | Scalar::Float(_) => format!("the number {}", shorten(raw)),
            Scalar::Text => format!("text \"{}\"", shorten(raw)),
        },
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "a mapping".to_owned(),
    }
}

/// How to get what is wanted out of what is there.
fn hint(what: &str, node: &Node<'_>) -> String {
    match &node.value {
        Value::Plain(raw)
            if what == "text" && matches!(resolve(raw), Scalar::Bool(_) | Scalar::Int(_) | Scalar::Float(_)) =>
        {
            format!(": write it in quotes, \"{}\"", shorten(raw))
        }
        Value::Text(text) if what != "text" && !matches!(resolve(text), Scalar::Text | Scalar::Null) => {
            ": leave the quotes out".to_owned()
        }
        _ => String::new(),
    }
}

/// Words of which some are there in capitals too: each once.
fn once(words: &[&'static str]) -> Vec<&'static str> {
    let is_again = |word: &&str| words.iter().any(|other| other > word && other.eq_ignore_ascii_case(word));
    words.iter().copied().filter(|word| !is_again(word)).collect()
}

impl de::Error for DeError {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
            Unexpected::Bool(value) => format!("the boolean {value}"),
            Unexpected::Unsigned(number) => format!("the number {number}"),
            Unexpected::Signed(number) => format!("the number {number}"),
            Unexpected::Float(number) => format!("the number {number}"),
            Unexpected::Str(text) => format!("text \"{}\"", shorten(text)),
            Unexpected::Seq => "a list".to_owned(),
            Unexpected::Map => "a mapping".to_owned(),
            Unexpected::UnitVariant => "text".to_owned(),
            other => other.to_string(),
        };
        Self::new(format!("expected {expected}, found {found}"))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let expected = &once(expected);
        let meant = suggestion(variant, expected).map(|meant| format!(": did you mean {meant}?")).unwrap_or_default();
        Self::new(format!("expected {}, found \"{}\"{meant}", one_of(expected), shorten(variant)))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("\"{field}\" is missing"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(format!("\"{field}\" is given twice, in two spellings"))
    }
}

impl Display for DeError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

impl std::error::Error for DeError {}
