//! Finds the limit for a descriptor.

use std::sync::Arc;

use envoy_types::pb::envoy::extensions::common::ratelimit::v3::rate_limit_descriptor;
use smallvec::SmallVec;

use super::path;
use super::tree::{Config, Node, Rule};
use crate::algorithm::Algorithm;
use crate::stats::{Registry, RuleStats};
use crate::window::Window;

/// A key with its value.
pub trait Entry {
    /// The key.
    fn key(&self) -> &str;
    /// The value; may be empty.
    fn value(&self) -> &str;
}

impl Entry for rate_limit_descriptor::Entry {
    fn key(&self) -> &str {
        &self.key
    }

    fn value(&self) -> &str {
        &self.value
    }
}

impl Entry for (&str, &str) {
    fn key(&self) -> &str {
        self.0
    }

    fn value(&self) -> &str {
        self.1
    }
}

/// A limit that the request brings itself.
#[derive(Clone, Copy, Debug)]
pub struct Override {
    /// How many in a window.
    pub requests_per_unit: u32,
    /// The length of a window.
    pub window: Window,
}

/// Text that lookups write to, kept between them so that they need not allocate.
#[derive(Debug, Default)]
pub struct Scratch(pub(super) String);

/// The glob text that stands for the value of an entry in the counter's key, by the entry's index.
pub type Shares<'c> = SmallVec<[(usize, &'c str); 2]>;

/// What a descriptor of a request is held to.
#[derive(Debug)]
pub struct Limit<'c> {
    /// The rule; none for a limit that the request brought.
    pub rule: Option<&'c Rule>,
    /// How many in a window.
    pub requests_per_unit: u32,
    /// The length of a window; none where there is no limit.
    pub window: Option<Window>,
    /// How many entries it is for, from the first.
    pub depth: usize,
    /// Entries that count under a glob's text.
    pub shares: Shares<'c>,
    stats: Stats<'c>,
}

#[derive(Debug)]
enum Stats<'c> {
    Rule(&'c RuleStats),
    Own(Arc<RuleStats>),
}

impl Limit<'_> {
    /// The counters to count it under.
    pub fn stats(&self) -> &RuleStats {
        match &self.stats {
            Stats::Rule(stats) => stats,
            Stats::Own(stats) => stats,
        }
    }

    /// How hits are counted.
    pub fn algorithm(&self) -> Algorithm {
        self.rule.map_or(Algorithm::FixedWindow, Rule::algorithm)
    }

    /// How many hits fit; more are over the limit.
    pub fn capacity(&self) -> u32 {
        self.rule.map_or(self.requests_per_unit, Rule::capacity)
    }

    /// Whether the rule is never answered with.
    pub fn shadow_mode(&self) -> bool {
        self.rule.is_some_and(|rule| rule.shadow_mode)
    }

    /// Whether the rule is a quota.
    pub fn quota_mode(&self) -> bool {
        self.rule.is_some_and(|rule| rule.quota_mode)
    }

    /// The rule's name; empty where it has none.
    pub fn name(&self) -> &str {
        self.rule.map_or("", Rule::name)
    }
}

/// A step down the tree.
pub(super) struct Step<'c> {
    pub(super) node: &'c Node,
    /// `key` or `key_value`, by which it was found.
    pub(super) name: &'c str,
    pub(super) by: By,
}

/// What an entry was found by.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum By {
    Value,
    Glob,
    Key,
}

impl Config {
    /// The limit for a descriptor of a request: at each level the exact `key_value`, or the first glob declared that
    /// matches, or the bare key. There is no way back from a choice. The limit must be that of the last entry,
    /// or a prefix.
    pub fn limit(
        &self,
        stats: &Registry,
        scratch: &mut Scratch,
        domain: &str,
        entries: &[impl Entry],
        own: Option<Override>,
    ) -> Option<Limit<'_>> {
        let Some(root) = self.domains.get(domain) else {
            stats.domain_not_found(domain);
            return None;
        };
        if let Some(own) = own {
            path::of_override(&mut scratch.0, domain, entries);
            return Some(Limit {
                rule: None,
                requests_per_unit: own.requests_per_unit,
                window: Some(own.window),
                depth: entries.len(),
                shares: Shares::new(),
                stats: Stats::Own(stats.seen(&scratch.0)),
            });
        }
        let mut node = &**root;
        let mut shares = Shares::new();
        let mut usual_path = true;
        // The rule of the last entry, else of the longest beginning that has one which is for more than itself.
        let mut found = None;
        for (index, entry) in entries.iter().enumerate() {
            let Some(step) = node.step(scratch, entry) else { break };
            node = step.node;
            if step.by == By::Glob && node.share_threshold {
                shares.push((index, path::without_key(step.name, entry.key())));
            }
            usual_path &= step.is_usual(entry, &shares, index);
            let depth = index + 1;
            if let Some(rule) = node.rule.as_ref().filter(|_| depth == entries.len() || node.prefix) {
                found = Some((rule, depth, usual_path));
            }
            if node.below.is_none() {
                break;
            }
        }
        let (rule, depth, usual_path) = found?;
        let entries = &entries[..depth];
        shares.retain(|(at, _)| *at < depth);
        let stats = if rule.detailed_metric {
            path::detailed(&mut scratch.0, domain, entries, &shares);
            Stats::Own(stats.seen(&scratch.0))
        } else if usual_path {
            Stats::Rule(&rule.stats)
        } else {
            self.unusual_path(scratch, domain, entries, &shares)?;
            Stats::Own(stats.seen(&scratch.0))
        };
        Some(Limit {
            rule: Some(rule),
            requests_per_unit: rule.requests_per_unit,
            window: rule.window,
            depth,
            shares,
            stats,
        })
    }

    /// Writes the name in metrics where it is not the rule's own: with values of the request in it.
    fn unusual_path(
        &self,
        scratch: &mut Scratch,
        domain: &str,
        entries: &[impl Entry],
        shares: &Shares<'_>,
    ) -> Option<()> {
        let mut node = &**self.domains.get(domain)?;
        let mut text = String::from(domain);
        for (index, entry) in entries.iter().enumerate() {
            let step = node.step(scratch, entry)?;
            node = step.node;
            path::push(&mut text, entry.key(), step.value(entry, shares, index));
        }
        scratch.0 = text;
        Some(())
    }
}

impl Node {
    pub(super) fn step(&self, scratch: &mut Scratch, entry: &impl Entry) -> Option<Step<'_>> {
        let below = self.below.as_deref()?;
        let joined = &mut scratch.0;
        joined.clear();
        joined.push_str(entry.key());
        joined.push('_');
        joined.push_str(entry.value());
        let find = |name: &str, by| below.nodes.get_key_value(name).map(|(name, node)| Step { node, name, by });
        find(joined, By::Value)
            .or_else(|| {
                below.globs.iter().find(|(_, glob)| glob.matches(joined)).and_then(|(name, _)| find(name, By::Glob))
            })
            .or_else(|| find(entry.key(), By::Key))
    }
}

impl<'c> Step<'c> {
    /// Whether metrics call the level by its node's own name. That is known without the name's text but where it holds a `*`.
    fn is_usual(&self, entry: &impl Entry, shares: &Shares<'_>, index: usize) -> bool {
        match self.by {
            By::Value => !entry.value().is_empty(),
            By::Key => !self.node.value_to_metric || entry.value().is_empty(),
            By::Glob => path::is_usual(self.name, entry, self.value(entry, shares, index)),
        }
    }

    /// The value that metrics carry for this level; empty for none.
    fn value<'v>(&self, entry: &'v impl Entry, shares: &'v Shares<'_>, index: usize) -> &'v str
    where
        'c: 'v,
    {
        match self.by {
            By::Value => entry.value(),
            By::Key if self.node.value_to_metric => entry.value(),
            By::Key => "",
            By::Glob => match shares.iter().find(|(at, _)| *at == index) {
                Some((_, share)) => share,
                None if self.node.value_to_metric => entry.value(),
                None => path::without_key(self.name, entry.key()),
            },
        }
    }
}
