//! How a descriptor is looked up, step by step.

use serde::{Deserialize, Serialize};

use super::lookup::{By, Entry, Scratch};
use super::tree::Config;

/// A step down the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The request's entry.
    pub entry: String,
    /// The descriptor that it led to, `key` or `key_value`; none where there is none, which ends the lookup.
    pub descriptor: Option<String>,
    /// Why: `value`, `glob` or `key`.
    pub by: Option<String>,
}

/// A lookup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lookup {
    /// Each step that was made.
    pub steps: Vec<Step>,
    /// Why no limit applies; none where one does.
    pub why_not: Option<String>,
}

impl Config {
    /// The steps of [`Config::limit`], and why they lead nowhere if they do.
    pub fn lookup(&self, domain: &str, entries: &[impl Entry]) -> Lookup {
        let mut steps = Vec::new();
        let Some((mut name, mut node)) = self.domains.get_key_value(domain).map(|(name, node)| (&**name, &**node))
        else {
            return Lookup { steps, why_not: Some(format!("there are no rules for the domain {domain:?}")) };
        };
        let mut scratch = Scratch::default();
        for entry in entries {
            let shown = format!("{}={}", entry.key(), entry.value());
            let Some(step) = node.step(&mut scratch, entry) else {
                let why_not = if node.below.is_none() {
                    format!("{name} has no descriptors below it, but the request has {shown}")
                } else {
                    format!("no descriptor of {name} is for {shown}")
                };
                steps.push(Step { entry: shown, descriptor: None, by: None });
                return Lookup { steps, why_not: Some(why_not) };
            };
            (name, node) = (step.name, step.node);
            let by = match step.by {
                By::Value => "value",
                By::Glob => "glob",
                By::Key => "key",
            };
            steps.push(Step { entry: shown, descriptor: Some(name.to_owned()), by: Some(by.to_owned()) });
        }
        let why_not = match &node.rule {
            None if entries.is_empty() => Some("the request has no entries".to_owned()),
            None => Some(format!("{name} has no rate_limit")),
            Some(rule) if rule.window.is_none() => Some(format!("{name} is unlimited")),
            Some(_) => None,
        };
        Lookup { steps, why_not }
    }
}
