//! `ifRequestHeader`.

use http::header::HeaderName;
use nuncio_expr::{InvalidRegex, regex};
use nuncio_ir::auth::{HeaderCondition, HeaderValue};
use regex::Regex;

use crate::Request;

/// A compiled condition.
#[derive(Clone, Debug)]
pub struct Condition {
    name: HeaderName,
    value: Value,
    negate: bool,
}

#[derive(Clone, Debug)]
enum Value {
    Present,
    Exact(String),
    Regex(Regex),
}

/// A condition that cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum InvalidCondition {
    /// No header is named so.
    #[error("{0:?} is no name of a header")]
    Name(String),
    /// The regular expression does not compile.
    #[error("{0}")]
    Regex(#[from] InvalidRegex),
}

impl Condition {
    /// Compiles it.
    ///
    /// # Errors
    /// When its name or regular expression is none.
    pub fn new(condition: &HeaderCondition) -> Result<Self, InvalidCondition> {
        let name = HeaderName::try_from(&*condition.name)
            .map_err(|_| InvalidCondition::Name(condition.name.as_ref().to_owned()))?;
        let value = match &condition.value {
            HeaderValue::Present => Value::Present,
            HeaderValue::Exact(text) => Value::Exact(text.as_ref().to_owned()),
            HeaderValue::Regex(pattern) => Value::Regex(regex(pattern)?),
        };
        Ok(Self { name, value, negate: condition.negate })
    }

    /// Whether it holds. Several lines of a header are one, with commas.
    #[must_use]
    pub fn holds(&self, request: &Request) -> bool {
        let lines: Vec<_> =
            request.headers().get_all(&self.name).iter().map(|v| String::from_utf8_lossy(v.as_bytes())).collect();
        let value = lines.join(",");
        let matches = match &self.value {
            Value::Present => !value.is_empty(),
            Value::Exact(text) => value == *text,
            Value::Regex(pattern) => pattern.is_match(&value),
        };
        matches != self.negate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_headers_are_empty() {
        let mut request = Request::new("GET", "http", "a", "/");
        request.add_header("Accept", b"text/html");
        request.add_header("Accept", b"*/*");
        let holds = |value, negate, name: &str| {
            Condition::new(&HeaderCondition { name: name.into(), value, negate }).unwrap().holds(&request)
        };
        assert!(holds(HeaderValue::Present, false, "accept") && !holds(HeaderValue::Present, true, "accept"));
        assert!(holds(HeaderValue::Exact("text/html,*/*".into()), false, "accept"));
        assert!(holds(HeaderValue::Regex("^text".into()), false, "accept"));
        assert!(holds(HeaderValue::Exact("".into()), false, "absent") && holds(HeaderValue::Present, true, "absent"));
    }

    #[test]
    fn mistakes_are_errors() {
        let new = |name: &str, value| Condition::new(&HeaderCondition { name: name.into(), value, negate: false });
        assert!(matches!(new("a b", HeaderValue::Present), Err(InvalidCondition::Name(_))));
        assert!(matches!(new("a", HeaderValue::Regex("(".into())), Err(InvalidCondition::Regex(_))));
    }
}
