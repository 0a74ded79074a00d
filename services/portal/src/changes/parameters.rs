//! Parameters, joined by place and name.

use std::collections::BTreeMap;

use serde_json::Value;

use super::comparison::{At, Comparison};
use super::operations::Operation;
use super::rule::Rule;
use super::shape::Shape;
use super::words::code;
use crate::document::text;
use crate::reference::{all_parameters, placeholders};

/// By place and name.
type Parameters<'d> = BTreeMap<(&'d str, String), &'d Value>;

/// What stands in the path has to be there, whatever the document says.
fn is_required(parameter: &Value) -> bool {
    parameter["in"] == "path" || parameter.get("required") == Some(&Value::Bool(true))
}

/// The schema of a parameter, or of its content.
fn schema(parameter: &Value) -> Option<&Value> {
    let of_content = || parameter.get("content")?.as_object()?.values().next()?.get("schema");
    parameter.get("schema").or_else(of_content)
}

fn parameters<'d>(root: &'d Value, operation: Operation<'d>) -> Parameters<'d> {
    let all = all_parameters(root, operation.item, operation.written);
    let named = all.into_iter().filter_map(|parameter| {
        let (place, name) = (text(parameter, "in")?, text(parameter, "name")?);
        // Names of headers are in any case.
        let name = if place == "header" { name.to_lowercase() } else { name.to_owned() };
        Some(((place, name), parameter))
    });
    named.collect()
}

/// How a list or object is written.
fn style<'d>(root: &'d Value, parameter: &'d Value) -> Option<(&'d str, bool)> {
    let types = Shape::of(root, schema(parameter)?).types;
    if !types.contains("array") && !types.contains("object") {
        return None;
    }
    let usual = if matches!(text(parameter, "in"), Some("query" | "cookie")) { "form" } else { "simple" };
    let style = text(parameter, "style").unwrap_or(usual);
    let explode = parameter.get("explode").and_then(Value::as_bool).unwrap_or(style == "form");
    Some((style, explode))
}

impl<'d> Comparison<'d> {
    pub(super) fn parameters(&mut self, old: Operation<'d>, new: Operation<'d>, at: &At) {
        let (mut before, mut after) = (parameters(self.old, old), parameters(self.new, new));
        self.rename(&mut before, placeholders(old.path).collect(), placeholders(new.path).collect(), at);
        // What is in both paths was there, and is there, whether a document says what it is or not.
        let stands = |(place, name): &(&str, String)| *place == "path" && placeholders(new.path).any(|one| one == name);
        before.retain(|key, _| !stands(key) || after.contains_key(key));
        after.retain(|key, _| !stands(key) || before.contains_key(key));
        self.moved(&mut before, &mut after, at);
        for ((place, name), parameter) in &before {
            let at = at.part(&format!("{place} parameter {name}"));
            match after.remove(&(*place, name.clone())) {
                Some(new) => self.parameter(parameter, new, &at),
                None => self.find(Rule::ParameterRemoved, &at, "The parameter is gone."),
            }
        }
        for ((place, name), parameter) in &after {
            let at = at.part(&format!("{place} parameter {name}"));
            match is_required(parameter) {
                true => self.find(Rule::ParameterAddedRequired, &at, "The parameter is new, and required."),
                false => self.find(Rule::ParameterAdded, &at, "The parameter is new."),
            }
        }
    }

    /// Parameters of the path have the names of the new one: clients know them by their place.
    fn rename(&mut self, before: &mut Parameters<'d>, old: Vec<&str>, new: Vec<&str>, at: &At) {
        let renamed: Vec<_> = old.into_iter().zip(new).filter(|(old, new)| old != new).collect();
        let taken: Vec<_> = renamed.iter().map(|(old, _)| before.remove(&("path", (*old).to_owned()))).collect();
        for ((old, new), parameter) in renamed.into_iter().zip(taken) {
            let Some(parameter) = parameter else { continue };
            before.insert(("path", new.to_owned()), parameter);
            let text = format!("The parameter of the path is called {} instead of {}.", code(new), code(old));
            self.find(Rule::PathParameterRenamed, at, text);
        }
    }

    /// Takes out what has only moved to another place.
    fn moved(&mut self, before: &mut Parameters<'d>, after: &mut Parameters<'d>, at: &At) {
        let gone: Vec<_> = before.keys().filter(|key| !after.contains_key(*key)).cloned().collect();
        for (place, name) in gone {
            let is_it = |key: &&(&'d str, String)| key.1.eq_ignore_ascii_case(&name) && !before.contains_key(*key);
            let Some(to) = after.keys().find(is_it).cloned() else { continue };
            let text = format!("The parameter is in the {} instead of the {place}.", to.0);
            self.find(Rule::ParameterMoved, &at.part(&format!("{place} parameter {name}")), text);
            after.remove(&to);
            before.remove(&(place, name));
        }
    }

    fn parameter(&mut self, old: &'d Value, new: &'d Value, at: &At) {
        match (is_required(old), is_required(new)) {
            (false, true) => self.find(Rule::ParameterBecameRequired, at, "The parameter is required."),
            (true, false) => self.find(Rule::ParameterBecameOptional, at, "The parameter may be left out."),
            _ => {}
        }
        let is_deprecated = |parameter: &Value| parameter.get("deprecated") == Some(&Value::Bool(true));
        if is_deprecated(new) && !is_deprecated(old) {
            self.find(Rule::ParameterDeprecated, at, "The parameter is deprecated.");
        }
        if let (Some(was), Some(is)) = (style(self.old, old), style(self.new, new))
            && was != is
        {
            let words = |(style, explode): (&str, bool)| {
                format!("{} {}", if explode { "repeated" } else { "joined" }, code(style))
            };
            let text = format!("Several values are written {} instead of {}.", words(is), words(was));
            self.find(Rule::ParameterStyleChanged, at, text);
        }
        self.pair_given(schema(old), schema(new), at);
    }
}
