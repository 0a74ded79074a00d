//! The words of an action: pipelines, commands and operands.

use super::{DEEPEST, Operand, Pipeline};
use crate::template::SyntaxError;
use crate::template::functions::is_function;
use crate::template::lex::Token;

/// What is left of an action, or of a part of one.
pub(super) struct Words<'a> {
    pub(super) tokens: &'a [Token],
    pub(super) line: usize,
    pub(super) depth: usize,
}

impl Words<'_> {
    fn error(&self, message: impl Into<String>) -> SyntaxError {
        SyntaxError { line: self.line, message: message.into() }
    }

    pub(super) fn whole_pipeline(mut self) -> Result<Pipeline, SyntaxError> {
        let pipeline = self.pipeline()?;
        if self.tokens.is_empty() { Ok(pipeline) } else { Err(self.error("a closing parenthesis is too many")) }
    }

    fn pipeline(&mut self) -> Result<Pipeline, SyntaxError> {
        if self.depth > DEEPEST {
            return Err(self.error("parentheses are nested too deep"));
        }
        let (variables, declares) = self.variables();
        let mut commands = vec![self.command()?];
        while self.tokens.first() == Some(&Token::Pipe) {
            self.tokens = &self.tokens[1..];
            commands.push(self.command()?);
        }
        Ok(Pipeline { variables, declares, commands })
    }

    fn variables(&mut self) -> (Vec<String>, bool) {
        let (names, rest) = match self.tokens {
            [Token::Variable(one), Token::Comma, Token::Variable(two), rest @ ..] => (vec![one, two], rest),
            [Token::Variable(one), rest @ ..] => (vec![one], rest),
            _ => return (Vec::new(), false),
        };
        let Some(sign @ (Token::Declare | Token::Assign)) = rest.first() else { return (Vec::new(), false) };
        let declares = *sign == Token::Declare;
        let names = names.into_iter().cloned().collect();
        self.tokens = &rest[1..];
        (names, declares)
    }

    fn command(&mut self) -> Result<Vec<Operand>, SyntaxError> {
        let mut operands = Vec::new();
        while let Some(first) = self.tokens.first() {
            if matches!(first, Token::Pipe | Token::Close) {
                break;
            }
            operands.push(self.operand()?);
        }
        if operands.is_empty() { Err(self.error("a command is missing")) } else { Ok(operands) }
    }

    fn operand(&mut self) -> Result<Operand, SyntaxError> {
        let Some((first, rest)) = self.tokens.split_first() else { return Err(self.error("a value is missing")) };
        self.tokens = rest;
        let base = match first.clone() {
            Token::Dot => Operand::Dot,
            Token::Field { name, .. } => Operand::Fields(Box::new(Operand::Dot), vec![name]),
            Token::Variable(name) => Operand::Variable(name),
            Token::Text(text) => Operand::Text(text),
            Token::Int(number) => Operand::Int(number),
            Token::Float(number) => Operand::Float(number),
            Token::Word(word) => match word.as_str() {
                "true" => Operand::Bool(true),
                "false" => Operand::Bool(false),
                "nil" => Operand::Nil,
                name if is_function(name) => Operand::Function(word),
                name => return Err(self.error(format!("there is no function {name:?}"))),
            },
            Token::Open => {
                self.depth += 1;
                let pipeline = self.pipeline()?;
                self.depth -= 1;
                match self.tokens.split_first() {
                    Some((Token::Close, rest)) => self.tokens = rest,
                    _ => return Err(self.error("a parenthesis is not closed")),
                }
                Operand::Pipeline(pipeline)
            }
            other => return Err(self.error(format!("unexpected {other:?}"))),
        };
        let mut fields = Vec::new();
        while let Some((Token::Field { name, attached: true }, rest)) = self.tokens.split_first() {
            fields.push(name.clone());
            self.tokens = rest;
        }
        Ok(match base {
            base if fields.is_empty() => base,
            Operand::Fields(base, mut first) => {
                first.extend(fields);
                Operand::Fields(base, first)
            }
            base => Operand::Fields(Box::new(base), fields),
        })
    }
}
