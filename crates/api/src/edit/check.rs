//! Whether a text that was changed says what was wanted, and all else that it said before.

use serde_json::{Map, Value};

use super::outline::parts;
use super::{EditError, Written, root};
use crate::yaml::{self, Node};

/// What is to be done at a path.
#[derive(Clone, Copy)]
pub(super) enum Wish<'w> {
    Set(&'w Written),
    /// With each mapping that only held that.
    Remove,
    /// At the end of the list that is there.
    Add(&'w Written),
    RemoveItem(usize),
}

/// The new text, if it says what the old one does but for this.
pub(super) fn checked(old: &str, new: String, path: &str, wish: Wish<'_>) -> Result<String, EditError> {
    let refused = || EditError::NotALine(path.to_owned());
    let mut wanted = tree(&root(old)?);
    let done = change(&mut wanted, &parts(path), wish);
    let is_wanted = done.is_some() && root(&new).is_ok_and(|new| tree(&new) == wanted);
    if is_wanted { Ok(new) } else { Err(refused()) }
}

/// Whether two documents say the same, however that is written: order, quotes and comments count for nothing.
#[must_use]
pub fn says_same(one: &str, other: &str) -> bool {
    matches!((root(one), root(other)), (Ok(one), Ok(other)) if tree(&one) == tree(&other))
}

fn change(tree: &mut Value, parts: &[&str], wish: Wish<'_>) -> Option<()> {
    let (part, rest) = parts.split_first()?;
    if rest.is_empty() {
        return change_here(tree, part, wish);
    }
    if tree.is_null() {
        *tree = Map::new().into();
    }
    let below = match tree {
        Value::Array(items) => items.get_mut(part.parse::<usize>().ok()?)?,
        Value::Object(fields) => fields.entry(*part).or_insert(Value::Null),
        _ => return None,
    };
    change(below, rest, wish)?;
    if matches!(wish, Wish::Remove) && below.as_object().is_some_and(Map::is_empty) {
        tree.as_object_mut()?.remove(*part);
    }
    Some(())
}

fn change_here(tree: &mut Value, part: &str, wish: Wish<'_>) -> Option<()> {
    if tree.is_null() {
        *tree = Map::new().into();
    }
    let fields = tree.as_object_mut()?;
    match wish {
        Wish::Set(value) => drop(fields.insert(part.to_owned(), written(value)?)),
        Wish::Remove => drop(fields.remove(part)),
        Wish::Add(item) => {
            let list = fields.entry(part).or_insert(Value::Null);
            if list.is_null() {
                *list = Value::Array(Vec::new());
            }
            list.as_array_mut()?.push(written(item)?);
        }
        Wish::RemoveItem(index) => {
            let list = fields.get_mut(part)?.as_array_mut().filter(|list| index < list.len())?;
            list.remove(index);
        }
    }
    Some(())
}

/// What a value says where it is written.
fn written(value: &Written) -> Option<Value> {
    let text = format!("v: {}\n", value.in_line());
    root(&text).ok()?.get("v").map(tree)
}

/// What a text says. Numbers and texts are told apart by how they are written.
fn tree(node: &Node<'_>) -> Value {
    match &node.value {
        yaml::Value::Plain(_) if node.is_null() => Value::Null,
        yaml::Value::Plain(raw) => node.as_text().map_or_else(|| format!("={raw}"), |text| format!("'{text}")).into(),
        yaml::Value::Text(text) | yaml::Value::Literal(text) => format!("'{text}").into(),
        yaml::Value::List(items) => items.iter().map(tree).collect(),
        yaml::Value::Map(entries) => {
            entries.iter().map(|entry| (entry.key.to_string(), tree(&entry.node))).collect::<Map<_, _>>().into()
        }
    }
}
