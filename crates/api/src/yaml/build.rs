//! Builds trees out of a YAML parser's events.

use std::borrow::Cow;
use std::collections::BTreeMap;

use saphyr_parser::{Event, Input, Marker, Parser, ScalarStyle, ScanError, Span, Tag};

use super::fast;
use super::keys::{Key, key_of, merge, refuse_duplicates};
use super::margin::Margins;
use super::node::{Entry, Mark, Node, Value};

/// How deep lists and mappings may be nested.
pub(crate) const DEPTH: usize = 100;
/// What a document's aliases may add to it: bytes of text, and [`NODE_COST`] for each node.
const ALIAS_BUDGET: usize = 4 << 20;
const NODE_COST: usize = 64;

/// Where text stands that was cut out of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Position {
    /// This many lines and columns further on than the text itself says.
    Shifted { lines: u32, columns: u32 },
    /// At a place beyond which lines and columns cannot be told.
    Fixed(Mark),
}

impl Position {
    /// The place in the file of a place in the text.
    pub(crate) fn of(self, line: usize, column: usize) -> Mark {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        match self {
            Self::Shifted { lines, columns } => {
                Mark { line: number(line).saturating_add(lines), column: number(column).saturating_add(columns) }
            }
            Self::Fixed(mark) => mark,
        }
    }
}

/// Where the lines of a text stand that a parser reads.
#[derive(Clone, Copy)]
struct Places<'m> {
    position: Position,
    /// What the parser has read in front of the lines.
    margins: &'m Margins,
}

impl Places<'_> {
    fn of(self, line: usize, column: usize) -> Mark {
        self.position.of(line, column.saturating_sub(self.margins.of_line(line)).max(1))
    }

    fn mark(self, marker: &Marker) -> Mark {
        self.of(marker.line(), marker.col() + 1)
    }
}

/// Why a document is no YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) mark: Mark,
    pub(crate) message: String,
}

/// Parses the documents in `text`; the first that is broken is the last.
pub(crate) fn parse_documents(text: &str, position: Position) -> Vec<Result<Node<'_>, Broken>> {
    match fast::parse(text, position) {
        Some(node) => vec![Ok(node)],
        None => parse_completely(text, position),
    }
}

/// [`parse_documents`] for any YAML there is.
pub(super) fn parse_completely(text: &str, position: Position) -> Vec<Result<Node<'_>, Broken>> {
    let strict = read(Parser::new_from_str(text), text, Places { position, margins: &Margins::default() });
    if !strict.last().is_some_and(Result::is_err) {
        return strict;
    }
    let margins = Margins::of(text);
    if margins.is_empty() {
        return strict;
    }
    // Where it is broken in this way too, this one knows better why.
    read(Parser::new_from_iter(margins.indent(text)), text, Places { position, margins: &margins })
}

fn read<'a, T: Input>(mut parser: Parser<'a, T>, text: &str, places: Places<'_>) -> Vec<Result<Node<'a>, Broken>> {
    let mut documents = Vec::new();
    let mut builder = Builder::new(places);
    while let Some(event) = parser.next_event() {
        let node = match event {
            Ok((event, span)) => builder.event(event, span),
            Err(error) => Err(syntax_error(text, places, &error)),
        };
        match node {
            Ok(None) => {}
            Ok(Some(node)) => documents.push(Ok(node)),
            Err(broken) => {
                documents.push(Err(broken));
                break;
            }
        }
    }
    documents
}

/// Says what is wrong in words of its own where the parser's are of little help.
fn syntax_error(text: &str, places: Places<'_>, error: &ScanError) -> Broken {
    let marker = error.marker();
    if let Some((line, column)) = tab(text, marker.line(), error.info().contains("tab")) {
        let message = "a tab cannot be used for indentation: use spaces".to_owned();
        return Broken { mark: places.position.of(line, column), message };
    }
    if text.lines().nth(marker.line().saturating_sub(1)).is_none() {
        // What is missing at the end is missed where the text ends.
        let last = text.trim_end();
        let (line, column) = (last.lines().count().max(1), last.lines().last().map_or(0, |line| line.chars().count()));
        return Broken { mark: places.position.of(line, column + 1), message: format!("not YAML: {}", error.info()) };
    }
    let is_sign = error.info().contains("anchor");
    let advice = if is_sign { ": put text that begins with * or & in quotes" } else { "" };
    Broken { mark: places.mark(marker), message: format!("not YAML: {}{advice}", error.info()) }
}

/// Line and column of the tab in an indentation for which the parser fails at a line. It may notice it late, behind lines that are
/// indented so, or say where text began that goes on there.
fn tab(text: &str, at: usize, says_so: bool) -> Option<(usize, usize)> {
    let lines: Vec<_> = text.lines().collect();
    let column = |line: usize| {
        let line = lines.get(line.checked_sub(1)?)?;
        let (indent, _) = line.split_at(line.len() - line.trim_start().len());
        indent.find('\t').map(|tab| tab + 1).filter(|_| indent.len() < line.len())
    };
    let here = Some(at).filter(|line| column(*line).is_some());
    // A block of text may have tabs behind its indentation, but none at the beginning of a line.
    let before = at.checked_sub(1).filter(|line| column(*line) == Some(1));
    let behind = says_so.then(|| (at + 1..=lines.len()).find(|line| column(*line).is_some())).flatten();
    let mut found = here.or(behind).or(before)?;
    let place = column(found)?;
    while column(found - 1) == Some(place) {
        found -= 1;
    }
    Some((found, place))
}

/// A list or mapping that is not complete.
struct Frame<'a> {
    mark: Mark,
    anchor: usize,
    content: Content<'a>,
}

enum Content<'a> {
    List(Vec<Node<'a>>),
    Map { entries: Vec<Entry<'a>>, key: Option<(Key<'a>, Mark)>, merges: Vec<Node<'a>> },
}

struct Builder<'a, 'm> {
    places: Places<'m>,
    stack: Vec<Frame<'a>>,
    anchors: BTreeMap<usize, Node<'a>>,
    budget: usize,
    /// Where the last thing stood that has a place.
    last: Mark,
}

impl<'a, 'm> Builder<'a, 'm> {
    fn new(places: Places<'m>) -> Self {
        Self { places, stack: Vec::new(), anchors: BTreeMap::new(), budget: ALIAS_BUDGET, last: places.of(1, 1) }
    }

    /// Takes an event; gives a document's root when it is complete.
    fn event(&mut self, event: Event<'a>, span: Span) -> Result<Option<Node<'a>>, Broken> {
        let mark = self.places.mark(&span.start);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                // The parser puts an empty value where it found that there is none, maybe behind the end.
                let mark = if span.is_empty() { self.last } else { mark };
                self.last = mark;
                let node = Node { mark, value: scalar(text, style, tag.as_deref(), span) };
                self.finish(node, anchor)
            }
            Event::SequenceStart(anchor, _) => self.open(mark, anchor, Content::List(Vec::new())),
            Event::MappingStart(anchor, _) => {
                self.open(mark, anchor, Content::Map { entries: Vec::new(), key: None, merges: Vec::new() })
            }
            Event::SequenceEnd | Event::MappingEnd => match self.stack.pop() {
                Some(frame) => {
                    let (node, anchor) = frame.close()?;
                    self.finish(node, anchor)
                }
                None => Ok(None),
            },
            Event::Alias(anchor) => {
                let node = self.alias(anchor, mark)?;
                self.finish(node, 0)
            }
            Event::DocumentStart(_) => {
                self.anchors.clear();
                self.budget = ALIAS_BUDGET;
                Ok(None)
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(None),
        }
    }

    fn open(&mut self, mark: Mark, anchor: usize, content: Content<'a>) -> Result<Option<Node<'a>>, Broken> {
        if self.stack.len() >= DEPTH {
            return Err(broken(mark, format!("nested more than {DEPTH} deep")));
        }
        self.stack.push(Frame { mark, anchor, content });
        Ok(None)
    }

    fn alias(&mut self, anchor: usize, mark: Mark) -> Result<Node<'a>, Broken> {
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(broken(mark, "an alias stands inside of what it refers to".to_owned()));
        };
        let too_much = || broken(mark, "the aliases of this document expand to too much".to_owned());
        self.budget = self.budget.checked_sub(cost(node)).ok_or_else(too_much)?;
        if self.stack.len() + depth(node) > DEPTH {
            return Err(broken(mark, format!("nested more than {DEPTH} deep")));
        }
        Ok(node.clone())
    }

    /// Puts a complete node where it belongs.
    fn finish(&mut self, node: Node<'a>, anchor: usize) -> Result<Option<Node<'a>>, Broken> {
        if anchor != 0 {
            let too_much = || broken(node.mark, "the anchors of this document hold too much".to_owned());
            self.budget = self.budget.checked_sub(cost(&node)).ok_or_else(too_much)?;
            self.anchors.insert(anchor, node.clone());
        }
        match self.stack.last_mut() {
            None => Ok(Some(node)),
            Some(frame) => {
                frame.content.push(node)?;
                Ok(None)
            }
        }
    }
}

impl<'a> Content<'a> {
    fn push(&mut self, node: Node<'a>) -> Result<(), Broken> {
        match self {
            Self::List(items) => items.push(node),
            Self::Map { entries, key, merges } => match key.take() {
                None => *key = Some((key_of(&node)?, node.mark)),
                Some((Key::Text(key), mark)) => entries.push(Entry { key, mark, node }),
                Some((Key::Merge, _)) => merges.push(node),
            },
        }
        Ok(())
    }
}

impl<'a> Frame<'a> {
    fn close(self) -> Result<(Node<'a>, usize), Broken> {
        let value = match self.content {
            Content::List(items) => Value::List(items),
            Content::Map { mut entries, merges, .. } => {
                refuse_duplicates(&entries)?;
                for node in merges {
                    merge(&mut entries, node)?;
                }
                Value::Map(entries)
            }
        };
        Ok((Node { mark: self.mark, value }, self.anchor))
    }
}

fn scalar<'a>(text: Cow<'a, str>, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Value<'a> {
    match tag {
        Some(tag) if tag.is_yaml_core_schema() && matches!(tag.suffix.as_str(), "int" | "float" | "bool" | "null") => {
            Value::Plain(text)
        }
        // The parser writes `~` where a plain scalar is empty.
        Some(_) if style == ScalarStyle::Plain && span.is_empty() => Value::Text(Cow::Borrowed("")),
        Some(_) => Value::Text(text),
        None => match style {
            ScalarStyle::Plain => Value::Plain(text),
            ScalarStyle::Literal => Value::Literal(text),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted | ScalarStyle::Folded => Value::Text(text),
        },
    }
}

fn cost(node: &Node<'_>) -> usize {
    NODE_COST
        + match &node.value {
            Value::Plain(text) | Value::Text(text) | Value::Literal(text) => text.len(),
            Value::List(items) => items.iter().map(cost).sum(),
            Value::Map(entries) => entries.iter().map(|entry| entry.key.len() + cost(&entry.node)).sum(),
        }
}

fn depth(node: &Node<'_>) -> usize {
    match &node.value {
        Value::List(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Map(entries) => 1 + entries.iter().map(|entry| depth(&entry.node)).max().unwrap_or(0),
        Value::Plain(_) | Value::Text(_) | Value::Literal(_) => 0,
    }
}

pub(super) fn broken(mark: Mark, message: String) -> Broken {
    Broken { mark, message }
}
