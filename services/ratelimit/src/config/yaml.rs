//! YAML 1.1 as the original's library (yaml.v2) reads it: the first document, with `yes` and `on` for true.

mod scalar;

use saphyr_parser::{Event, Parser, ScalarStyle};
use smol_str::SmolStr;

pub(super) use scalar::Kind;
use scalar::resolve;

/// How deep lists and mappings may be nested.
const DEPTH: usize = 100;
/// How many nodes a document may have once its aliases are put in: 100 000 rules are about two million.
const NODES: usize = 20_000_000;
/// How many of them aliases may add.
const ALIASED_NODES: usize = 1_000_000;

/// A value and the line it begins on, from 1.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// The text is most often short, and then needs no place of its own.
    Scalar {
        text: SmolStr,
        kind: Kind,
    },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Value {
    /// The tag that the original names in its errors.
    pub(super) fn tag(&self) -> &'static str {
        match self {
            Self::List(_) => "!!seq",
            Self::Map(_) => "!!map",
            Self::Scalar { kind, .. } => match kind {
                Kind::Null => "!!null",
                Kind::Bool(_) => "!!bool",
                Kind::Int(_) | Kind::Large(_) => "!!int",
                Kind::Float(_) => "!!float",
                Kind::Merge => "!!merge",
                Kind::Text => "!!str",
            },
        }
    }
}

/// Why text is no YAML, and the line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) line: usize,
    pub(super) message: String,
}

/// Reads the first document of `text`; none where there is nothing in it.
pub(super) fn parse(text: &str) -> Result<Option<Node>, Broken> {
    let mut builder = Builder::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) =
            event.map_err(|error| Broken { line: error.marker().line(), message: error.info().to_owned() })?;
        let line = span.start.line();
        if matches!(event, Event::DocumentEnd) {
            break;
        }
        if let Some(root) = builder.event(event, line)? {
            return Ok(Some(root));
        }
    }
    Ok(None)
}

/// The line at which a second document begins that says something: only the first is read.
pub(crate) fn second_document(text: &str) -> Option<usize> {
    let mut parser = Parser::new_from_str(text);
    let mut events = std::iter::from_fn(|| parser.next_event()).map_while(Result::ok);
    for _ in 0..2 {
        events.by_ref().find(|(event, _)| matches!(event, Event::DocumentStart(_)))?;
    }
    let (event, span) = events.next()?;
    let is_nothing = matches!(event, Event::Scalar(text, ..) if text.is_empty() || text == "~");
    (!is_nothing).then(|| span.start.line())
}

/// The first document of `text` as JSON, for other files than rules.
pub(crate) fn value_of(text: &str) -> Result<serde_json::Value, String> {
    let node = parse(text).map_err(|broken| format!("line {}: {}", broken.line, broken.message))?;
    Ok(node.as_ref().map_or(serde_json::Value::Null, json))
}

fn json(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Scalar { kind: Kind::Null, .. } => serde_json::Value::Null,
        Value::Scalar { kind: Kind::Bool(flag), .. } => (*flag).into(),
        Value::Scalar { kind: Kind::Int(number), .. } => (*number).into(),
        Value::Scalar { kind: Kind::Large(number), .. } => (*number).into(),
        Value::Scalar { kind: Kind::Float(number), .. } => (*number).into(),
        Value::Scalar { text, .. } => (**text).into(),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| match &key.value {
                Value::Scalar { text, .. } => (text.to_string(), json(value)),
                other => (other.tag().to_owned(), json(value)),
            });
            serde_json::Value::Object(entries.collect())
        }
    }
}

/// A list or mapping that is not complete.
struct Frame {
    line: usize,
    anchor: usize,
    map: bool,
    items: Vec<Node>,
}

#[derive(Default)]
struct Builder {
    open: Vec<Frame>,
    anchors: std::collections::HashMap<usize, (Node, usize)>,
    nodes: usize,
    aliased: usize,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, line: usize) -> Result<Option<Node>, Broken> {
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let forced = tag.is_some_and(|tag| tag.suffix == "str" || tag.handle == "!");
                let kind = if style == ScalarStyle::Plain && !forced { resolve(&text) } else { Kind::Text };
                (Node { line, value: Value::Scalar { text: text.into(), kind } }, anchor)
            }
            Event::SequenceStart(anchor, _) => return self.begin(line, anchor, false),
            Event::MappingStart(anchor, _) => return self.begin(line, anchor, true),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(frame) => frame.close()?,
                None => return Ok(None),
            },
            Event::Alias(anchor) => (self.alias(anchor, line)?, 0),
            _ => return Ok(None),
        };
        self.count(line, 1)?;
        if anchor > 0 {
            let size = size(&node);
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.open.last_mut() {
            Some(frame) => {
                frame.items.push(node);
                Ok(None)
            }
            None => Ok(Some(node)),
        }
    }

    fn begin(&mut self, line: usize, anchor: usize, map: bool) -> Result<Option<Node>, Broken> {
        if self.open.len() >= DEPTH {
            return Err(Broken { line, message: format!("nested deeper than {DEPTH} levels") });
        }
        self.open.push(Frame { line, anchor, map, items: Vec::new() });
        Ok(None)
    }

    /// The node an alias stands for. An anchor is known once its node is complete, so none can hold itself.
    fn alias(&mut self, anchor: usize, line: usize) -> Result<Node, Broken> {
        let Some((_, size)) = self.anchors.get(&anchor) else {
            return Err(Broken { line, message: "an alias within what it stands for".to_owned() });
        };
        self.aliased = self.aliased.saturating_add(*size);
        if self.aliased > ALIASED_NODES {
            return Err(Broken { line, message: "document contains excessive aliasing".to_owned() });
        }
        self.anchors.get(&anchor).map(|(node, _)| node.clone()).ok_or(Broken { line, message: String::new() })
    }

    fn count(&mut self, line: usize, nodes: usize) -> Result<(), Broken> {
        self.nodes += nodes;
        if self.nodes > NODES {
            return Err(Broken { line, message: format!("more than {NODES} nodes") });
        }
        Ok(())
    }
}

fn size(node: &Node) -> usize {
    1 + match &node.value {
        Value::Scalar { .. } => 0,
        Value::List(items) => items.iter().map(size).sum(),
        Value::Map(entries) => entries.iter().map(|(key, value)| size(key) + size(value)).sum(),
    }
}

impl Frame {
    fn close(self) -> Result<(Node, usize), Broken> {
        let value = if self.map { Value::Map(pairs(self.items)?) } else { Value::List(self.items) };
        Ok((Node { line: self.line, value }, self.anchor))
    }
}

/// Keys and values in turn. For `<<` stands what it merges: of equal keys the last counts, wherever it comes from.
fn pairs(items: Vec<Node>) -> Result<Vec<(Node, Node)>, Broken> {
    let mut entries = Vec::with_capacity(items.len() / 2);
    let mut items = items.into_iter();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        if matches!(key.value, Value::Scalar { kind: Kind::Merge, .. }) {
            merge(value, &mut entries)?;
        } else {
            entries.push((key, value));
        }
    }
    Ok(entries)
}

fn merge(node: Node, entries: &mut Vec<(Node, Node)>) -> Result<(), Broken> {
    let maps = match node.value {
        Value::List(maps) => maps,
        _ => vec![node],
    };
    // Of several the first counts.
    for Node { line, value } in maps.into_iter().rev() {
        let Value::Map(more) = value else {
            return Err(Broken { line, message: "map merge requires map or sequence of maps as the value".to_owned() });
        };
        entries.extend(more);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_cannot_multiply_without_end() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let previous = level - 1;
            let list = vec![format!("*a{previous}"); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{list}]\n"));
        }
        assert_eq!(parse(&text).unwrap_err().message, "document contains excessive aliasing");
    }

    #[test]
    fn what_is_nested_too_deep_is_refused() {
        let text = "[".repeat(10_000);
        assert!(parse(&text).is_err());
    }
}
