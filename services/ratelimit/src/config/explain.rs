//! How a descriptor is looked up, step by step.

use serde::{Deserialize, Serialize};

use super::lookup::{By, Entry, Scratch};
use super::tree::{Config, Node};

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
        // The longest beginning with a rule that holds whatever follows.
        let mut beginning = None;
        for entry in entries {
            let shown = format!("{}={}", entry.key(), entry.value());
            let Some(step) = node.step(&mut scratch, entry) else {
                let why_not = beginning.map_or_else(|| Some(no_descriptor(name, node, &shown)), nothing_limited);
                steps.push(Step { entry: shown, descriptor: None, by: None });
                return Lookup { steps, why_not };
            };
            (name, node) = (step.name, step.node);
            steps.push(Step { entry: shown, descriptor: Some(name.to_owned()), by: Some(step.by.word().to_owned()) });
            if node.prefix && node.rule.is_some() {
                beginning = Some((name, node));
            }
        }
        let why_not = match beginning {
            _ if entries.is_empty() => Some("the request has no entries".to_owned()),
            Some(beginning) if node.rule.is_none() => nothing_limited(beginning),
            _ => nothing_limited((name, node)),
        };
        Lookup { steps, why_not }
    }
}

impl By {
    fn word(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Glob => "glob",
            Self::Key => "key",
        }
    }
}

/// Why an entry ends the lookup at a node.
fn no_descriptor(name: &str, node: &Node, entry: &str) -> String {
    if node.below.is_none() {
        format!("{name} has no descriptors below it, but the request has {entry}")
    } else {
        format!("no descriptor of {name} is for {entry}")
    }
}

/// Why the node that was found limits nothing; none where it does.
fn nothing_limited((name, node): (&str, &Node)) -> Option<String> {
    match &node.rule {
        None => Some(format!("{name} has no rate_limit")),
        Some(rule) if rule.window.is_none() => Some(format!("{name} is unlimited")),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::raw::{RawDescriptor, RawLimit, RawRoot};
    use crate::config::{Loader, Source};
    use crate::stats::Registry;

    fn descriptor(key: &str, value: &str, limited: bool, below: Vec<RawDescriptor>) -> RawDescriptor {
        let limit = RawLimit { unit: "day".to_owned(), requests_per_unit: Some(1), ..RawLimit::default() };
        RawDescriptor {
            key: key.to_owned(),
            value: value.to_owned(),
            rate_limit: limited.then_some(limit),
            descriptors: below,
            prefix: limited,
            ..RawDescriptor::default()
        }
    }

    #[test]
    fn what_holds_for_a_beginning_needs_no_descriptor_for_the_rest() {
        let role = descriptor("role", "", false, vec![descriptor("site", "", true, Vec::new())]);
        let post = descriptor("method", "POST", false, vec![role]);
        let root = RawRoot {
            domain: "d".to_owned(),
            descriptors: vec![descriptor("user", "", true, vec![post])],
            ..RawRoot::default()
        };
        let stats = Registry::default();
        let source = Source { name: "d".into(), root };
        let config = Loader { stats: &stats, merge_domains: false }.load(vec![source]).unwrap();
        let why_not = |entries: &[(&str, &str)]| config.lookup("d", entries).why_not;
        let (user, post, role) = (("user", "ann"), ("method", "POST"), ("role", "x"));
        for entries in [&[user][..], &[user, ("method", "GET")], &[user, post], &[user, post, role, ("y", "z")]] {
            assert_eq!(why_not(entries), None, "{entries:?}");
            let limit = config.limit(&stats, &mut Scratch::default(), "d", entries, None);
            assert_eq!(limit.unwrap().depth, 1, "{entries:?}");
        }
        assert_eq!(why_not(&[post]).unwrap(), "no descriptor of d is for method=POST");
        let steps = config.lookup("d", &[user, ("method", "GET")]).steps;
        assert_eq!((steps[0].descriptor.as_deref(), steps[1].descriptor.as_deref()), (Some("user"), None));
    }
}
