//! Bounds of values: numbers, lengths and counts.

use std::collections::BTreeMap;

use serde_json::Value;

use super::rule::Rule;

/// From where a value may be, by the field that says so, in words.
const LOWER: [(&str, &str); 4] = [
    ("minimum", "smallest value"),
    ("minLength", "smallest length"),
    ("minItems", "smallest number of items"),
    ("minProperties", "smallest number of properties"),
];
/// Up to where.
const UPPER: [(&str, &str); 4] = [
    ("maximum", "largest value"),
    ("maxLength", "largest length"),
    ("maxItems", "largest number of items"),
    ("maxProperties", "largest number of properties"),
];

/// How far a value may go in one direction.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bound {
    at: f64,
    /// It stays below or above.
    is_exclusive: bool,
}

/// The bounds of a value, by what they are of.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    lower: BTreeMap<&'static str, Bound>,
    upper: BTreeMap<&'static str, Bound>,
    step: Option<f64>,
    is_unique: bool,
}

impl Bounds {
    /// Takes what a schema says, too. Of two parts that bound the same, the tighter bound holds.
    pub(super) fn add(&mut self, schema: &Value) {
        for (key, words) in LOWER {
            // Nothing is shorter than nothing.
            let bound = bound(schema, key, "exclusiveMinimum").filter(|bound| key == "minimum" || bound.at > 0.0);
            if let Some(bound) = bound {
                tighten(&mut self.lower, words, bound, 1.0);
            }
        }
        for (key, words) in UPPER {
            if let Some(bound) = bound(schema, key, "exclusiveMaximum") {
                tighten(&mut self.upper, words, bound, -1.0);
            }
        }
        self.step = self.step.or_else(|| schema.get("multipleOf")?.as_f64());
        self.is_unique |= schema.get("uniqueItems") == Some(&Value::Bool(true));
    }

    /// What is another in `new`.
    pub(super) fn changes(&self, new: &Self) -> Vec<(Rule, String)> {
        let lower =
            LOWER.iter().filter_map(|(_, words)| change(words, self.lower.get(words), new.lower.get(words), 1.0));
        let upper =
            UPPER.iter().filter_map(|(_, words)| change(words, self.upper.get(words), new.upper.get(words), -1.0));
        let mut changes: Vec<_> = lower.chain(upper).collect();
        changes.extend(step(self.step, new.step));
        match (self.is_unique, new.is_unique) {
            (false, true) => changes.push((Rule::BoundTightened, "Items have to differ from each other.".to_owned())),
            (true, false) => changes.push((Rule::BoundLoosened, "Items may be the same.".to_owned())),
            _ => {}
        }
        changes
    }
}

/// A bound as 3.1 has it, or as 3.0 has it, where being exclusive is a field of its own.
fn bound(schema: &Value, key: &str, exclusive: &str) -> Option<Bound> {
    let at = schema.get(key).and_then(Value::as_f64);
    let exclusive = schema.get(exclusive).filter(|_| matches!(key, "minimum" | "maximum"));
    match exclusive {
        Some(Value::Number(number)) => Some(Bound { at: number.as_f64()?, is_exclusive: true }),
        exclusive => Some(Bound { at: at?, is_exclusive: exclusive == Some(&Value::Bool(true)) }),
    }
}

/// How little room a bound leaves. `sign` says in which direction there is less.
fn tightness(bound: Bound, sign: f64) -> (f64, bool) {
    (bound.at * sign, bound.is_exclusive)
}

fn tighten(bounds: &mut BTreeMap<&'static str, Bound>, words: &'static str, bound: Bound, sign: f64) {
    let known = bounds.entry(words).or_insert(bound);
    if tightness(bound, sign) > tightness(*known, sign) {
        *known = bound;
    }
}

/// A change of one bound.
fn change(words: &str, old: Option<&Bound>, new: Option<&Bound>, sign: f64) -> Option<(Rule, String)> {
    let tightness = |bound: &Bound| tightness(*bound, sign);
    let rule = match (old, new) {
        (None, Some(_)) => Rule::BoundTightened,
        (Some(_), None) => Rule::BoundLoosened,
        (Some(old), Some(new)) if tightness(new) > tightness(old) => Rule::BoundTightened,
        (Some(old), Some(new)) if tightness(new) < tightness(old) => Rule::BoundLoosened,
        _ => return None,
    };
    Some((rule, format!("The {words} is {} instead of {}.", said(new, sign), said(old, sign))))
}

fn said(bound: Option<&Bound>, sign: f64) -> String {
    match bound {
        None => "not bounded".to_owned(),
        Some(Bound { at, is_exclusive: false }) => at.to_string(),
        Some(Bound { at, is_exclusive: true }) => format!("{} {at}", if sign > 0.0 { "above" } else { "below" }),
    }
}

fn step(old: Option<f64>, new: Option<f64>) -> Option<(Rule, String)> {
    let is_multiple = |of: f64, one: f64| one != 0.0 && (of / one).fract() == 0.0;
    let (rule, words) = match (old, new) {
        (None, Some(new)) => (Rule::BoundTightened, format!("The value has to be a multiple of {new}.")),
        (Some(old), None) => (Rule::BoundLoosened, format!("The value need not be a multiple of {old} any more.")),
        (Some(old), Some(new)) if old != new => {
            let rule = if is_multiple(old, new) { Rule::BoundLoosened } else { Rule::BoundTightened };
            (rule, format!("The value is a multiple of {new} instead of {old}."))
        }
        _ => return None,
    };
    Some((rule, words))
}
