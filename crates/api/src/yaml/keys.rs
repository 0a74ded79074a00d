//! Keys of mappings, and mappings that are merged into others.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::build::{Broken, broken};
use super::node::{Entry, Node, Value};
use super::scalar::{Scalar, resolve};

pub(super) enum Key<'a> {
    Text(Cow<'a, str>),
    Merge,
}

/// Keys are text, whatever they look like: `200: x` is `"200": x`, as `kubectl` has it.
pub(super) fn key_of<'a>(node: &Node<'a>) -> Result<Key<'a>, Broken> {
    let text: Cow<'a, str> = match &node.value {
        Value::Text(text) | Value::Literal(text) => text.clone(),
        Value::Plain(raw) if raw == "<<" => return Ok(Key::Merge),
        Value::Plain(raw) => match resolve(raw) {
            Scalar::Text => raw.clone(),
            Scalar::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
            Scalar::Int(number) => number.to_string().into(),
            Scalar::UInt(number) => number.to_string().into(),
            Scalar::Float(number) => number.to_string().into(),
            Scalar::Null => return Err(broken(node.mark, "a key is missing".to_owned())),
        },
        Value::List(_) | Value::Map(_) => {
            return Err(broken(
                node.mark,
                "a key must be text: is something in braces meant to be in quotes?".to_owned(),
            ));
        }
    };
    Ok(Key::Text(text))
}

pub(super) fn refuse_duplicates(entries: &[Entry<'_>]) -> Result<(), Broken> {
    let twice = if entries.len() <= 16 {
        entries.iter().enumerate().find(|(index, entry)| entries[..*index].iter().any(|other| other.key == entry.key))
    } else {
        let mut seen = BTreeSet::new();
        entries.iter().enumerate().find(|(_, entry)| !seen.insert(&entry.key))
    };
    match twice {
        Some((_, entry)) => {
            Err(broken(entry.mark, format!("the key \"{}\" stands here for the second time", entry.key)))
        }
        None => Ok(()),
    }
}

/// Takes over the entries of a mapping, or of several, whose keys are not there yet.
pub(super) fn merge<'a>(entries: &mut Vec<Entry<'a>>, node: Node<'a>) -> Result<(), Broken> {
    match node.value {
        Value::Map(merged) => {
            let present: BTreeSet<Cow<'a, str>> = entries.iter().map(|entry| entry.key.clone()).collect();
            entries.extend(merged.into_iter().filter(|entry| !present.contains(&entry.key)));
            Ok(())
        }
        Value::List(maps) if maps.iter().all(|map| matches!(map.value, Value::Map(_))) => {
            maps.into_iter().try_for_each(|map| merge(entries, map))
        }
        _ => Err(broken(node.mark, "only mappings can be merged by \"<<\"".to_owned())),
    }
}
