//! Changes at a path, in the lines of the text.

use std::ops::Range;

use super::check::{Wish, checked};
use super::outline::{child, parts};
use super::place::Edit;
use super::{EditError, Written, root};
use crate::yaml::{Entry, Node, Value};

/// Gives a field (`spec.rules[0].host`) this value, or takes it away, with each mapping that only held that.
///
/// # Errors
/// Where that cannot be done without touching anything else.
pub fn set_field(text: &str, path: &str, value: Option<&Written>) -> Result<String, EditError> {
    let root = root(text)?;
    let (edit, parts) = (Edit { text }, parts(path));
    let new = match value {
        Some(value) => edit.set(&root, &parts, value),
        None if parts.iter().try_fold(&root, |node, part| child(node, part)).is_none() => return Ok(text.to_owned()),
        None => edit.remove(&root, &parts),
    };
    let new = new.ok_or_else(|| EditError::NotALine(path.to_owned()))?;
    checked(text, new, path, value.map_or(Wish::Remove, Wish::Set))
}

/// Adds an item at the end of the list that is at a path.
///
/// # Errors
/// Where that cannot be done without touching anything else.
pub fn add_item(text: &str, path: &str, item: &Written) -> Result<String, EditError> {
    let root = root(text)?;
    let new = (Edit { text }).add(&root, &parts(path), item);
    checked(text, new.ok_or_else(|| EditError::NotALine(path.to_owned()))?, path, Wish::Add(item))
}

/// Takes an item (`spec.rules[0]`) out of its list.
///
/// # Errors
/// Where that cannot be done without touching anything else.
pub fn remove_item(text: &str, path: &str) -> Result<String, EditError> {
    let refused = || EditError::NotALine(path.to_owned());
    let (list, index) = path.strip_suffix(']').and_then(|path| path.rsplit_once('[')).ok_or_else(refused)?;
    let index: usize = index.parse().map_err(|_| refused())?;
    let root = root(text)?;
    let new = (Edit { text }).take_item(&root, &parts(list), index).ok_or_else(refused)?;
    checked(text, new, list, Wish::RemoveItem(index)).map_err(|_| refused())
}

impl Edit<'_> {
    fn replaced(&self, Range { start, end }: Range<usize>, with: &str) -> String {
        [&self.text[..start], with, &self.text[end..]].concat()
    }

    fn set(&self, root: &Node<'_>, parts: &[&str], value: &Written) -> Option<String> {
        let mut node = root;
        for (depth, part) in parts.iter().enumerate() {
            let is_last = depth + 1 == parts.len();
            match (&node.value, node.entry(part)) {
                (Value::List(_), _) if !is_last => node = child(node, part)?,
                (Value::Map(_), Some(entry)) if is_last => return self.put(entry, &value.in_line()),
                (Value::Map(_), Some(entry)) if entry.node.is_null() => {
                    return self.put(entry, &within(&parts[depth + 1..], value));
                }
                (Value::Map(_), Some(entry)) => node = &entry.node,
                (Value::Map(_), None) => return self.insert(node, &parts[depth..], &value.in_line()),
                _ => return None,
            }
        }
        None
    }

    /// Puts a value in the place of an entry's.
    fn put(&self, entry: &Entry<'_>, value: &str) -> Option<String> {
        if let Some(end) = self.end(&entry.node) {
            return Some(self.replaced(self.offset(entry.node.mark)..end, value));
        }
        let colon = self.colon(entry)?;
        let end = if entry.node.is_null() { colon } else { self.line_start(self.line_behind_entry(entry)) };
        // The last line keeps its end.
        let end = end - usize::from(end > colon && self.text[..end].ends_with('\n'));
        Some(self.replaced(colon..end, &format!(" {value}")))
    }

    /// Adds what is missing of a path, behind the last field of `map` that is one line.
    fn insert(&self, map: &Node<'_>, missing: &[&str], value: &str) -> Option<String> {
        let (first, last) = (map.entries().first()?, map.entries().last()?);
        if !self.is_block(map) {
            let field = format!("{}: {}", missing.first()?, nested(&missing[1..], value));
            return Some(match self.end(&last.node) {
                Some(end) => self.replaced(end..end, &format!(", {field}")),
                None => self.replaced(self.offset(first.mark)..self.offset(first.mark), &format!("{field}, ")),
            });
        }
        let mut lines = String::new();
        for (index, key) in missing.iter().enumerate() {
            let indent = " ".repeat(first.mark.column as usize - 1 + 2 * index);
            let value = if index + 1 == missing.len() { format!(" {value}") } else { String::new() };
            lines.push_str(&format!("{indent}{key}:{value}\n"));
        }
        Some(self.insert_lines(self.line_for_more(map)?, &lines))
    }

    /// The line on which another field of a mapping may begin.
    fn line_for_more(&self, map: &Node<'_>) -> Option<u32> {
        let one_line = map.entries().iter().rev().find(|entry| self.end(&entry.node).is_some());
        one_line.or(map.entries().last()).map(|entry| self.line_behind_entry(entry))
    }

    fn insert_lines(&self, line: u32, lines: &str) -> String {
        let at = self.line_start(line);
        let end = if at > 0 && !self.text[..at].ends_with('\n') { "\n" } else { "" };
        self.replaced(at..at, &format!("{end}{lines}"))
    }

    fn remove(&self, root: &Node<'_>, parts: &[&str]) -> Option<String> {
        let (last, above) = parts.split_last()?;
        let map = above.iter().try_fold(root, |node, part| child(node, part))?;
        let index = map.entries().iter().position(|entry| entry.key == *last)?;
        if map.entries().len() == 1 {
            return self.remove(root, above);
        }
        let (entry, next) = (&map.entries()[index], map.entries().get(index + 1));
        if self.is_block(map) && self.before(entry.mark).trim().is_empty() {
            return Some(self.without_lines(entry.mark.line, self.line_behind_entry(entry)));
        }
        let range = match next {
            Some(next) => self.offset(entry.mark)..self.offset(next.mark),
            None => self.end(&map.entries()[index - 1].node)?..self.end(&entry.node)?,
        };
        Some(self.replaced(range, ""))
    }

    fn without_lines(&self, first: u32, behind: u32) -> String {
        self.replaced(self.line_start(first)..self.line_start(behind), "")
    }

    fn add(&self, root: &Node<'_>, parts: &[&str], item: &Written) -> Option<String> {
        let (key, above) = parts.split_last()?;
        let map = above.iter().try_fold(root, |node, part| child(node, part))?;
        let Some(entry) = map.entry(key) else {
            let (first, is_block) = (map.entries().first()?, self.is_block(map));
            if !is_block {
                return self.insert(map, &[key], &format!("[{}]", item.in_line()));
            }
            let indent = " ".repeat(first.mark.column as usize - 1);
            let lines = format!("{indent}{key}:\n{}", item.as_item(&indent));
            return Some(self.insert_lines(self.line_for_more(map)?, &lines));
        };
        if entry.node.items().is_empty() {
            let indent = " ".repeat(entry.mark.column as usize - 1);
            let item = if self.is_block(map) {
                format!("\n{}", item.as_item(&indent).trim_end())
            } else {
                format!(" [{}]", item.in_line())
            };
            let colon = self.colon(entry)?;
            return Some(self.replaced(colon..self.end(&entry.node).unwrap_or(colon), &item));
        }
        if let Some(end) = self.end(&entry.node) {
            return Some(self.replaced(end - 1..end - 1, &format!(", {}", item.in_line())));
        }
        let last = entry.node.items().last()?;
        let dash = self.dash(last)?;
        let behind = self.line_behind(last.mark.line, dash, true);
        Some(self.insert_lines(behind, &item.as_item(&" ".repeat(dash))))
    }

    fn take_item(&self, root: &Node<'_>, list: &[&str], index: usize) -> Option<String> {
        let (key, above) = list.split_last()?;
        let entry = above.iter().try_fold(root, |node, part| child(node, part))?.entry(key)?;
        let items = entry.node.items();
        let item = items.get(index)?;
        if items.len() == 1 {
            return self.put(entry, "[]");
        }
        if self.end(&entry.node).is_none() {
            let dash = self.dash(item).filter(|dash| self.before(item.mark)[..*dash].trim().is_empty())?;
            return Some(self.without_lines(item.mark.line, self.line_behind(item.mark.line, dash, true)));
        }
        let range = match items.get(index + 1) {
            Some(next) => self.offset(item.mark)..self.offset(next.mark),
            None => self.end(&items[index - 1])?..self.end(item)?,
        };
        Some(self.replaced(range, ""))
    }
}

/// A value in mappings of one key each.
fn nested(keys: &[&str], value: &str) -> String {
    keys.iter().rev().fold(value.to_owned(), |value, key| format!("{{{key}: {value}}}"))
}

fn within(keys: &[&str], value: &Written) -> String {
    nested(keys, &value.in_line())
}
