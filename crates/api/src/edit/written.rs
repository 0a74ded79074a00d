//! Values as they are written into a text.

use crate::yaml::{Scalar, resolve};

/// What somebody gives a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// What looks like a number or a boolean is one.
    Plain(String),
    /// A text, whatever it looks like.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// A list of mappings of one key each.
    Pairs(Vec<(String, String)>),
    /// A mapping.
    Map(Vec<(&'static str, Written)>),
}

impl Written {
    /// On one line, as it may stand among others, too.
    #[must_use]
    pub fn in_line(&self) -> String {
        let join = |all: Vec<String>, [open, close]: [&str; 2]| format!("{open}{}{close}", all.join(", "));
        let pair = |(key, value): &(String, String)| format!("{{{}: {}}}", in_quotes(key), in_quotes(value));
        match self {
            Self::Plain(value) => scalar(value),
            Self::Text(text) => in_quotes(text),
            Self::Texts(all) => join(all.iter().map(|text| in_quotes(text)).collect(), ["[", "]"]),
            Self::Pairs(all) => join(all.iter().map(pair).collect(), ["[", "]"]),
            Self::Map(all) => {
                join(all.iter().map(|(key, value)| format!("{key}: {}", value.in_line())).collect(), ["{", "}"])
            }
        }
    }

    /// As an item of a list, its fields one below the other.
    pub(super) fn as_item(&self, indent: &str) -> String {
        let Self::Map(all) = self else { return format!("{indent}- {}\n", self.in_line()) };
        let line = |(index, (key, value)): (usize, &(&str, Self))| {
            format!("{indent}{} {key}: {}\n", if index == 0 { "-" } else { " " }, value.in_line())
        };
        all.iter().enumerate().map(line).collect()
    }
}

/// A value as YAML: without quotes where it is a number or a boolean, or text without them, too.
fn scalar(value: &str) -> String {
    let is_plain = matches!(resolve(value), Scalar::Int(_) | Scalar::UInt(_) | Scalar::Float(_));
    if is_plain || ["true", "false"].contains(&value) { value.to_owned() } else { in_quotes(value) }
}

/// A text as YAML: in quotes unless it is one without them, too.
fn in_quotes(value: &str) -> String {
    let is_word = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-/".contains(&byte));
    if is_word && !value.starts_with('-') && resolve(value) == Scalar::Text {
        value.to_owned()
    } else {
        serde_json::Value::from(value).to_string()
    }
}
