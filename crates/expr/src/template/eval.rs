//! Running a template.

use super::functions::{call, truncates};
use super::parse::{Node, Operand, Pipeline};
use super::value::canonical;
use super::{RenderError, Value, format};

/// How many nodes and commands may be run.
const MOST_STEPS: usize = 20_000;
/// How much may be written, and how long a text may be that a function makes.
const MOST_BYTES: usize = 64 << 10;
/// How many variables there may be at once, and how much may be in them.
const MOST_VARIABLES: usize = 1_000;
const MOST_HELD: usize = 1 << 20;

/// The text of nodes, unless they say `doNotSet`.
pub(super) fn render(nodes: &[Node], data: &Value) -> Result<Option<String>, RenderError> {
    let all = Variable { name: String::new(), value: data.clone(), size: 0 };
    let mut run = Run { out: String::new(), variables: vec![all], steps: 0 };
    match run.nodes(nodes, data) {
        Ok(_) => Ok(Some(run.out)),
        Err(Stop::DoNotSet) => Ok(None),
        Err(Stop::Error(error)) => Err(error),
    }
}

/// Why a run ends before its end.
pub(super) enum Stop {
    DoNotSet,
    Error(RenderError),
}

impl Stop {
    pub(super) fn error(message: impl Into<String>) -> Self {
        Self::Error(RenderError(message.into()))
    }
}

enum Flow {
    Next,
    Break,
    Continue,
}

struct Run {
    out: String,
    variables: Vec<Variable>,
    steps: usize,
}

struct Variable {
    name: String,
    value: Value,
    size: usize,
}

fn too_much() -> Stop {
    Stop::error("the template does too much")
}

impl Run {
    fn step(&mut self) -> Result<(), Stop> {
        self.steps += 1;
        if self.steps > MOST_STEPS || self.out.len() > MOST_BYTES {
            return Err(too_much());
        }
        Ok(())
    }

    fn nodes(&mut self, nodes: &[Node], dot: &Value) -> Result<Flow, Stop> {
        for node in nodes {
            self.step()?;
            match node {
                Node::Text(text) => self.out.push_str(text),
                Node::Action(pipeline) => {
                    let value = self.pipeline(pipeline, dot)?;
                    if pipeline.variables.is_empty() {
                        self.out.push_str(&format::shown(&value));
                    }
                }
                Node::If { condition, then, otherwise } => {
                    let scope = self.variables.len();
                    let holds = self.pipeline(condition, dot)?.is_true();
                    let flow = self.nodes(if holds { then } else { otherwise }, dot)?;
                    self.variables.truncate(scope);
                    if !matches!(flow, Flow::Next) {
                        return Ok(flow);
                    }
                }
                Node::With { value, then, otherwise } => {
                    let scope = self.variables.len();
                    let value = self.pipeline(value, dot)?;
                    let flow = if value.is_true() { self.nodes(then, &value)? } else { self.nodes(otherwise, dot)? };
                    self.variables.truncate(scope);
                    if !matches!(flow, Flow::Next) {
                        return Ok(flow);
                    }
                }
                Node::Range { value, body, otherwise } => self.range(value, body, otherwise, dot)?,
                Node::Break => return Ok(Flow::Break),
                Node::Continue => return Ok(Flow::Continue),
            }
        }
        Ok(Flow::Next)
    }

    fn range(&mut self, over: &Pipeline, body: &[Node], otherwise: &[Node], dot: &Value) -> Result<(), Stop> {
        let scope = self.variables.len();
        let commands = Pipeline { variables: Vec::new(), declares: false, commands: over.commands.clone() };
        let items = items(self.pipeline(&commands, dot)?)?;
        if items.is_empty() {
            self.nodes(otherwise, dot)?;
        }
        for (key, item) in items {
            self.step()?;
            match over.variables.as_slice() {
                [value] => self.set(value, item.clone(), over.declares)?,
                [index, value] => {
                    self.set(index, key, over.declares)?;
                    self.set(value, item.clone(), over.declares)?;
                }
                _ => {}
            }
            let flow = self.nodes(body, &item)?;
            self.variables.truncate(scope);
            if matches!(flow, Flow::Break) {
                break;
            }
        }
        Ok(())
    }

    fn pipeline(&mut self, pipeline: &Pipeline, dot: &Value) -> Result<Value, Stop> {
        let mut value = None;
        for command in &pipeline.commands {
            self.step()?;
            value = Some(self.command(command, value, dot)?);
        }
        let value = value.unwrap_or(Value::Null);
        if let [name] = pipeline.variables.as_slice() {
            self.set(name, value.clone(), pipeline.declares)?;
        }
        Ok(value)
    }

    fn set(&mut self, name: &str, value: Value, declares: bool) -> Result<(), Stop> {
        let variable = Variable { name: name.to_owned(), size: value.size(), value };
        if declares {
            self.variables.push(variable);
        } else {
            let known = self.variables.iter_mut().rev().find(|known| known.name == name);
            *known.ok_or_else(|| unknown(name))? = variable;
        }
        let held: usize = self.variables.iter().map(|variable| variable.size).sum();
        if held > MOST_HELD || self.variables.len() > MOST_VARIABLES { Err(too_much()) } else { Ok(()) }
    }

    /// A command is a function or a method with arguments, or a value.
    fn command(&mut self, operands: &[Operand], last: Option<Value>, dot: &Value) -> Result<Value, Stop> {
        let Some((first, rest)) = operands.split_first() else { return Ok(Value::Null) };
        match first {
            Operand::Function(name) => {
                let mut arguments = Vec::new();
                for operand in rest {
                    let argument = self.operand(operand, dot)?;
                    // `and` and `or` do not look at what cannot matter any longer.
                    if truncates(name, &argument) {
                        return Ok(argument);
                    }
                    arguments.push(argument);
                }
                arguments.extend(last);
                match call(name, &arguments)? {
                    Value::Text(text) if text.len() > MOST_BYTES => Err(too_much()),
                    made => Ok(made),
                }
            }
            Operand::Fields(base, fields) => {
                let base = self.operand(base, dot)?;
                let arguments = rest.iter().map(|operand| self.operand(operand, dot)).collect::<Result<Vec<_>, _>>()?;
                let arguments: Vec<Value> = arguments.into_iter().chain(last).collect();
                walk(base, fields, &arguments)
            }
            value if rest.is_empty() && last.is_none() => self.operand(value, dot),
            _ => Err(Stop::error("a value that is no function is given arguments")),
        }
    }

    fn operand(&mut self, operand: &Operand, dot: &Value) -> Result<Value, Stop> {
        Ok(match operand {
            Operand::Dot => dot.clone(),
            Operand::Nil => Value::Null,
            Operand::Bool(value) => Value::Bool(*value),
            Operand::Int(number) => Value::Int(*number),
            Operand::Float(number) => Value::Float(*number),
            Operand::Text(text) => Value::Text(text.clone()),
            Operand::Function(name) => call(name, &[])?,
            Operand::Fields(base, fields) => {
                let base = self.operand(base, dot)?;
                walk(base, fields, &[])?
            }
            Operand::Variable(name) => {
                let known = self.variables.iter().rev().find(|known| known.name == *name);
                known.map(|known| known.value.clone()).ok_or_else(|| unknown(name))?
            }
            Operand::Pipeline(pipeline) => {
                let scope = self.variables.len();
                let value = self.pipeline(pipeline, dot)?;
                self.variables.truncate(scope);
                value
            }
        })
    }
}

fn unknown(name: &str) -> Stop {
    Stop::error(format!("there is no variable ${name}"))
}

/// Follows fields. The arguments are for the last of them, which then must be a method.
fn walk(base: Value, fields: &[String], arguments: &[Value]) -> Result<Value, Stop> {
    let mut value = base;
    let Some((last, path)) = fields.split_last() else { return Ok(value) };
    for field in path {
        value = field_of(value, field)?;
    }
    match (value, last.as_str(), arguments) {
        (Value::Headers(headers), "Get", [Value::Text(name)]) => Ok(Value::Text(
            headers.get(&canonical(name)).and_then(|values| values.first()).cloned().unwrap_or_default(),
        )),
        (Value::Headers(headers), "Values", [Value::Text(name)]) => {
            let values = headers.get(&canonical(name)).cloned().unwrap_or_default();
            Ok(Value::List(values.into_iter().map(Value::Text).collect()))
        }
        (value, field, []) => field_of(value, field),
        (_, field, _) => Err(Stop::error(format!("{field} is no method"))),
    }
}

fn field_of(value: Value, field: &str) -> Result<Value, Stop> {
    match value {
        Value::Map(mut entries) => Ok(entries.remove(field).unwrap_or(Value::Null)),
        Value::Headers(mut entries) => Ok(entries
            .remove(field)
            .map_or(Value::Null, |values| Value::List(values.into_iter().map(Value::Text).collect()))),
        Value::Null => Err(Stop::error(format!("nothing has no field {field}"))),
        other => Err(Stop::error(format!("{} has no field {field}", format::kind(&other)))),
    }
}

/// Keys and values, in the order in which Go's `range` has them.
fn items(value: Value) -> Result<Vec<(Value, Value)>, Stop> {
    let number = |index: usize| Value::Int(i64::try_from(index).unwrap_or(i64::MAX));
    Ok(match value {
        Value::Null => Vec::new(),
        Value::List(items) => items.into_iter().enumerate().map(|(index, item)| (number(index), item)).collect(),
        Value::Map(entries) => entries.into_iter().map(|(key, value)| (Value::Text(key), value)).collect(),
        Value::Headers(entries) => entries
            .into_iter()
            .map(|(key, values)| (Value::Text(key), Value::List(values.into_iter().map(Value::Text).collect())))
            .collect(),
        Value::Int(count) if (0..=1_000).contains(&count) => {
            (0..count).map(|i| (Value::Int(i), Value::Int(i))).collect()
        }
        other => return Err(Stop::error(format!("range cannot go over {}", format::kind(&other)))),
    })
}
