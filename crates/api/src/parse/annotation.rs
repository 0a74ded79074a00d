//! Objects in the annotation `getambassador.io/config` of a Service or Ingress.

use std::borrow::Cow;

use super::Reader;
use super::document::Carrier;
use super::recover;
use crate::Problem;
use crate::yaml::{self, Broken, Entry, Mark, Node, Position, Value};

/// The annotation.
pub(super) const CONFIG: &str = "getambassador.io/config";

impl Reader<'_> {
    /// Reads the documents in an annotation's text.
    pub(super) fn annotation(&mut self, text: &str, node: &Node<'_>, carrier: &Carrier) {
        for document in yaml::split(text.as_bytes()) {
            // The pieces of text are text.
            let Ok(text) = std::str::from_utf8(document.bytes) else { continue };
            for parsed in yaml::parse_documents(text, position(node, document.line)) {
                match parsed {
                    Ok(object) => self.read(nested(object), Some(carrier)),
                    Err(Broken { mark, message }) => {
                        let id = recover::id(text, &carrier.namespace);
                        let message = format!("in the annotation {CONFIG}: {message}");
                        self.problem(mark, id, Problem::error("InvalidYaml", "", message));
                    }
                }
            }
        }
    }
}

/// Where the line `line` of an annotation's text stands in the file.
fn position(node: &Node<'_>, line: u32) -> Position {
    let Value::Literal(text) = &node.value else { return Position::Fixed(node.mark) };
    // The mark is that of the first line that is not blank.
    let blank = text.bytes().take_while(|b| *b == b'\n').count();
    let first = node.mark.line.saturating_sub(u32::try_from(blank).unwrap_or_default());
    Position::Shifted { lines: (first + line).saturating_sub(2), columns: node.mark.column - 1 }
}

/// Brings the flat form, in which everything stands at the top, into the usual one. An object may be of both forms: what
/// stands at the top goes before what stands in its place.
fn nested(node: Node<'_>) -> Node<'_> {
    let mark = node.mark;
    let Value::Map(entries) = node.value else { return node };
    let (mut object, mut metadata, mut spec) = (Vec::new(), Vec::new(), Vec::new());
    for entry in entries {
        match &*entry.key {
            "apiVersion" | "kind" | "metadata" | "spec" | "status" => object.push(entry),
            "name" | "namespace" => metadata.push(entry),
            "metadata_labels" => metadata.push(Entry { key: Cow::Borrowed("labels"), ..entry }),
            "generation" => {}
            _ => spec.push(entry),
        }
    }
    put(&mut object, "metadata", mark, metadata);
    put(&mut object, "spec", mark, spec);
    Node { mark, value: Value::Map(object) }
}

/// Puts entries into the part of an object called `key`.
fn put<'a>(object: &mut Vec<Entry<'a>>, key: &'static str, mark: Mark, entries: Vec<Entry<'a>>) {
    let Some(part) = object.iter_mut().find(|entry| entry.key == key) else {
        let node = Node { mark, value: Value::Map(entries) };
        return object.push(Entry { key: Cow::Borrowed(key), mark, node });
    };
    if part.node.is_null() {
        part.node.value = Value::Map(entries);
    } else if let Value::Map(known) = &mut part.node.value {
        known.retain(|known| entries.iter().all(|entry| entry.key != known.key));
        known.extend(entries);
    }
}
