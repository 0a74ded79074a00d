//! Words of an action.

use super::SyntaxError;

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// `.name`, following another word directly or not.
    Field {
        name: String,
        attached: bool,
    },
    /// `.` alone.
    Dot,
    /// `$name`; `$` alone is the empty name.
    Variable(String),
    /// A name: a keyword, a function, a constant.
    Word(String),
    /// A text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    Open,
    Close,
    Pipe,
    Comma,
    Declare,
    Assign,
}

/// The words of an action's inside.
pub(super) fn lex(source: &str, line: usize) -> Result<Vec<Token>, SyntaxError> {
    let mut lexer = Lexer { rest: source, line, space_before: true };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    space_before: bool,
}

impl Lexer<'_> {
    fn error(&self, message: impl Into<String>) -> SyntaxError {
        SyntaxError { line: self.line, message: message.into() }
    }

    fn next(&mut self) -> Result<Option<Token>, SyntaxError> {
        let trimmed = self.rest.trim_start();
        let space = self.space_before || trimmed.len() < self.rest.len();
        self.line += self.rest[..self.rest.len() - trimmed.len()].matches('\n').count();
        self.rest = trimmed;
        self.space_before = false;
        let Some(first) = self.rest.chars().next() else { return Ok(None) };
        let token = match first {
            '"' => self.quoted()?,
            '`' => self.raw()?,
            '(' => self.symbol(1, Token::Open),
            ')' => self.symbol(1, Token::Close),
            '|' => self.symbol(1, Token::Pipe),
            ',' => self.symbol(1, Token::Comma),
            ':' if self.rest.starts_with(":=") => self.symbol(2, Token::Declare),
            '=' => self.symbol(1, Token::Assign),
            '$' => {
                self.rest = &self.rest[1..];
                Token::Variable(self.name())
            }
            '.' => {
                self.rest = &self.rest[1..];
                match self.name() {
                    name if name.is_empty() => Token::Dot,
                    name => Token::Field { name, attached: !space },
                }
            }
            c if c.is_ascii_digit() || c == '-' || c == '+' => self.number()?,
            c if c.is_alphabetic() || c == '_' => Token::Word(self.name()),
            c => return Err(self.error(format!("unexpected {c:?} in an action"))),
        };
        // An opening parenthesis begins anew: what follows belongs to nothing before.
        self.space_before = matches!(token, Token::Open | Token::Pipe | Token::Comma | Token::Declare | Token::Assign);
        Ok(Some(token))
    }

    fn symbol(&mut self, length: usize, token: Token) -> Token {
        self.rest = &self.rest[length..];
        token
    }

    fn name(&mut self) -> String {
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        name.to_owned()
    }

    fn number(&mut self) -> Result<Token, SyntaxError> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
        let end = self.rest.find(|c: char| !is_part(c)).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        let token = match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(whole), _) => Token::Int(whole),
            (_, Ok(number)) if number.is_finite() => Token::Float(number),
            _ => return Err(self.error(format!("{text:?} is no number"))),
        };
        self.rest = rest;
        Ok(token)
    }

    fn raw(&mut self) -> Result<Token, SyntaxError> {
        let inside = &self.rest[1..];
        let end = inside.find('`').ok_or_else(|| self.error("a ` is not closed"))?;
        self.rest = &inside[end + 1..];
        Ok(Token::Text(inside[..end].to_owned()))
    }

    fn quoted(&mut self) -> Result<Token, SyntaxError> {
        let mut text = String::new();
        let mut chars = self.rest[1..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[1 + at + 1..];
                    return Ok(Token::Text(text));
                }
                '\n' => break,
                '\\' => match chars.next().map(|(_, escaped)| escaped) {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some(c @ ('"' | '\\' | '\'')) => text.push(c),
                    Some(kind @ ('x' | 'u' | 'U')) => {
                        let digits = match kind {
                            'x' => 2,
                            'u' => 4,
                            _ => 8,
                        };
                        let code: String = chars.by_ref().take(digits).map(|(_, digit)| digit).collect();
                        let c = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
                        text.push(c.ok_or_else(|| self.error(format!("\\{kind}{code} is no character")))?);
                    }
                    _ => return Err(self.error("an escape in a text is not understood")),
                },
                c => text.push(c),
            }
        }
        Err(self.error("a \" is not closed"))
    }
}
