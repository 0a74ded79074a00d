//! From text to nodes.

mod words;

use self::words::Words;
use super::SyntaxError;
use super::lex::{Token, lex};

/// How deep actions and parentheses may be nested.
const DEEPEST: usize = 64;

/// A part of a template.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Text(String),
    Action(Pipeline),
    If { condition: Pipeline, then: Vec<Self>, otherwise: Vec<Self> },
    With { value: Pipeline, then: Vec<Self>, otherwise: Vec<Self> },
    Range { value: Pipeline, body: Vec<Self>, otherwise: Vec<Self> },
    Break,
    Continue,
}

/// Commands of which each is given the value of the one before.
#[derive(Clone, Debug)]
pub(super) struct Pipeline {
    /// Variables that it sets.
    pub(super) variables: Vec<String>,
    /// Whether they are new.
    pub(super) declares: bool,
    pub(super) commands: Vec<Vec<Operand>>,
}

/// A part of a command.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Dot,
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Function(String),
    /// Fields of a value.
    Fields(Box<Self>, Vec<String>),
    Variable(String),
    Pipeline(Pipeline),
}

/// Parses a template.
pub(super) fn parse(source: &str) -> Result<Vec<Node>, SyntaxError> {
    let mut parser = Parser { pieces: split(source)?, at: 0, depth: 0 };
    let (nodes, end) = parser.nodes(false)?;
    match end {
        Some((word, line)) => Err(SyntaxError { line, message: format!("unexpected {{{{{word}}}}}") }),
        None => Ok(nodes),
    }
}

enum Piece {
    Text(String),
    Action(Vec<Token>, usize),
}

/// Texts and actions, with spaces trimmed where actions say so.
fn split(source: &str) -> Result<Vec<Piece>, SyntaxError> {
    let (mut pieces, mut rest, mut line, mut trim) = (Vec::new(), source, 1, false);
    while let Some(start) = rest.find("{{") {
        let (mut text, action) = (&rest[..start], &rest[start + 2..]);
        let trims = action.starts_with('-') && action[1..].starts_with(char::is_whitespace);
        line += text.matches('\n').count();
        if trim {
            text = text.trim_start();
        }
        if trims {
            text = text.trim_end();
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text.to_owned()));
        }
        let inside = if trims { &action[1..] } else { action };
        let end = end_of_action(inside).ok_or(SyntaxError { line, message: "an action is not closed".to_owned() })?;
        let mut content = &inside[..end];
        trim = content.ends_with('-') && content[..content.len() - 1].ends_with(char::is_whitespace);
        if trim {
            content = &content[..content.len() - 1];
        }
        let comment = content.trim();
        if !(comment.starts_with("/*") && comment.ends_with("*/")) {
            pieces.push(Piece::Action(lex(content, line)?, line));
        }
        line += content.matches('\n').count();
        rest = &inside[end + 2..];
    }
    let text = if trim { rest.trim_start() } else { rest };
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
    Ok(pieces)
}

/// Where `}}` is that is not inside of a text or a comment.
fn end_of_action(inside: &str) -> Option<usize> {
    if inside.trim_start().starts_with("/*") {
        let comment = inside.find("*/")?;
        return inside[comment..].find("}}").map(|end| comment + end);
    }
    let (mut quote, mut escaped) = (None, false);
    for (at, c) in inside.char_indices() {
        match (quote, c) {
            (Some('"'), '\\') if !escaped => {
                escaped = true;
                continue;
            }
            (Some(open), c) if c == open && !escaped => quote = None,
            (None, '"' | '`') => quote = Some(c),
            (None, '}') if inside[at..].starts_with("}}") => return Some(at),
            _ => {}
        }
        escaped = false;
    }
    None
}

struct Parser {
    pieces: Vec<Piece>,
    at: usize,
    depth: usize,
}

type End = Option<(String, usize)>;

impl Parser {
    /// Nodes up to an `end` or `else`, which is given back with its line; an `else if` is put back as an `if`.
    fn nodes(&mut self, in_range: bool) -> Result<(Vec<Node>, End), SyntaxError> {
        self.depth += 1;
        let mut nodes = Vec::new();
        while self.at < self.pieces.len() {
            let index = self.at;
            self.at += 1;
            let (tokens, line) = match &self.pieces[index] {
                Piece::Text(text) => {
                    nodes.push(Node::Text(text.clone()));
                    continue;
                }
                Piece::Action(tokens, line) => (tokens.clone(), *line),
            };
            if self.depth > DEEPEST {
                return Err(SyntaxError { line, message: "actions are nested too deep".to_owned() });
            }
            let word = match tokens.first() {
                Some(Token::Word(word)) => word.as_str(),
                _ => "",
            };
            let pipeline = |tokens: &[Token]| Words { tokens, line, depth: 0 }.whole_pipeline();
            match word {
                "end" => {
                    self.depth -= 1;
                    return Ok((nodes, Some(("end".to_owned(), line))));
                }
                "else" => {
                    if tokens.len() > 1 {
                        self.pieces[index] = Piece::Action(tokens[1..].to_vec(), line);
                        self.at = index;
                    }
                    self.depth -= 1;
                    let word = if tokens.len() > 1 { "else if" } else { "else" };
                    return Ok((nodes, Some((word.to_owned(), line))));
                }
                "if" => {
                    let condition = pipeline(&tokens[1..])?;
                    let (then, otherwise) = self.branches(line, in_range)?;
                    nodes.push(Node::If { condition, then, otherwise });
                }
                "with" => {
                    let value = pipeline(&tokens[1..])?;
                    let (then, otherwise) = self.branches(line, in_range)?;
                    nodes.push(Node::With { value, then, otherwise });
                }
                "range" => {
                    let value = pipeline(&tokens[1..])?;
                    let (body, otherwise) = self.branches(line, true)?;
                    nodes.push(Node::Range { value, body, otherwise });
                }
                "break" | "continue" if !in_range => {
                    return Err(SyntaxError { line, message: format!("{{{{{word}}}}} outside of a range") });
                }
                "break" => nodes.push(Node::Break),
                "continue" => nodes.push(Node::Continue),
                "define" | "template" | "block" => {
                    return Err(SyntaxError { line, message: format!("{{{{{word}}}}} is not supported") });
                }
                _ => nodes.push(Node::Action(pipeline(&tokens)?)),
            }
        }
        self.depth -= 1;
        Ok((nodes, None))
    }

    /// The two branches of an `if`, `with` or `range`.
    fn branches(&mut self, line: usize, in_range: bool) -> Result<(Vec<Node>, Vec<Node>), SyntaxError> {
        let unclosed = || SyntaxError { line, message: "an action has no {{end}}".to_owned() };
        let (then, end) = self.nodes(in_range)?;
        match end.ok_or_else(unclosed)?.0.as_str() {
            "end" => Ok((then, Vec::new())),
            // `else if` shares its `end` with the `if` that it is put back as.
            "else if" => {
                let (otherwise, end) = self.one_more(in_range)?;
                end.map_or(Ok((then, otherwise)), |(_, line)| {
                    Err(SyntaxError { line, message: "unexpected {{else}}".to_owned() })
                })
            }
            _ => match self.nodes(in_range)? {
                (otherwise, Some((end, _))) if end == "end" => Ok((then, otherwise)),
                (_, Some((_, line))) => Err(SyntaxError { line, message: "unexpected {{else}}".to_owned() }),
                (_, None) => Err(unclosed()),
            },
        }
    }

    /// The `if` or `with` that an `else` is followed by.
    fn one_more(&mut self, in_range: bool) -> Result<(Vec<Node>, End), SyntaxError> {
        let Some(Piece::Action(tokens, line)) = self.pieces.get(self.at) else { return Ok((Vec::new(), None)) };
        let (tokens, line) = (tokens.clone(), *line);
        self.at += 1;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(SyntaxError { line, message: "actions are nested too deep".to_owned() });
        }
        let keyword = tokens.first().cloned();
        let value = Words { tokens: tokens.get(1..).unwrap_or_default(), line, depth: 0 }.whole_pipeline()?;
        let (then, otherwise) = self.branches(line, in_range)?;
        self.depth -= 1;
        match keyword {
            Some(Token::Word(word)) if word == "if" => Ok((vec![Node::If { condition: value, then, otherwise }], None)),
            Some(Token::Word(word)) if word == "with" => Ok((vec![Node::With { value, then, otherwise }], None)),
            _ => Err(SyntaxError { line, message: "only if or with can follow {{else}}".to_owned() }),
        }
    }
}
