//! `$NAME` and `${NAME}` in scalars.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::node::{Node, Value};

/// Replaces variables in every scalar; keys, and names that are not known, are left as they are.
pub(crate) fn expand(node: &mut Node<'_>, variables: &BTreeMap<String, String>) {
    match &mut node.value {
        Value::Plain(text) | Value::Text(text) | Value::Literal(text) => {
            if let Some(expanded) = expand_text(text, variables) {
                *text = Cow::Owned(expanded);
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| expand(item, variables)),
        Value::Map(entries) => entries.iter_mut().for_each(|entry| expand(&mut entry.node, variables)),
    }
}

/// The text with its variables replaced; `None` if nothing changes.
fn expand_text(text: &str, variables: &BTreeMap<String, String>) -> Option<String> {
    let mut expanded = String::new();
    let mut rest = text;
    let mut changed = false;
    while let Some(dollar) = rest.find('$') {
        let (before, from) = rest.split_at(dollar);
        expanded.push_str(before);
        let (name, length) = variable(from);
        match variables.get(name) {
            Some(value) => {
                expanded.push_str(value);
                changed = true;
            }
            None => expanded.push_str(&from[..length]),
        }
        rest = &from[length..];
    }
    expanded.push_str(rest);
    changed.then_some(expanded)
}

/// The name of the variable that `text` begins with, and how long its reference is.
fn variable(text: &str) -> (&str, usize) {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if let Some(rest) = text.strip_prefix("${") {
        return match rest.find('}') {
            Some(end) if rest[..end].chars().all(is_name) => (&rest[..end], end + 3),
            _ => ("", 1),
        };
    }
    let rest = &text[1..];
    let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
    (&rest[..end], end + 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::expand_text;

    #[test]
    fn known_variables_are_replaced() {
        let variables = BTreeMap::from([("A".to_owned(), "1".to_owned()), ("LONG_1".to_owned(), "two".to_owned())]);
        let table = [
            ("$A", Some("1")),
            ("x${A}y$LONG_1", Some("x1ytwo")),
            ("$A$A-${LONG_1}", Some("11-two")),
            ("$AB", None),
            ("${B}", None),
            ("^/x$", None),
            ("$", None),
            ("${A", None),
            ("${A B}$A", Some("${A B}1")),
            ("no", None),
        ];
        for (text, expected) in table {
            assert_eq!(expand_text(text, &variables).as_deref(), expected, "{text}");
        }
    }
}
