//! The rules as lookups walk them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use envoy_types::pb::google::protobuf::Struct;

use super::edge::Edge;
use super::glob::Glob;
use super::store_failure::StoreFailure;
use crate::algorithm::Algorithm;
use crate::stats::RuleStats;
use crate::window::Window;

/// All rules in force, by domain. Immutable: a reload makes another.
#[derive(Debug, Default)]
pub struct Config {
    pub(super) domains: Map<Node>,
}

/// A limit as configured.
#[derive(Debug)]
pub struct Rule {
    /// How many in a window; more are over the limit.
    pub requests_per_unit: u32,
    /// The length of a window; none where there is no limit.
    pub window: Option<Window>,
    /// How hits are counted.
    pub algorithm: Algorithm,
    /// How many hits a replica may take at once to answer from; 0 for none.
    pub lease: u32,
    /// What to answer when the counter cannot be had; none for what the service is set to.
    pub store_failure: Option<StoreFailure>,
    /// Its name, for `replaces`; empty where it has none.
    pub name: Box<str>,
    /// Limits of these names do not count in a request that matches this one.
    pub replaces: Box<[Box<str>]>,
    /// Counted, but never answered with.
    pub shadow_mode: bool,
    /// A request is over its quotas when it is over all of them.
    pub quota_mode: bool,
    /// Metrics by the request's own keys and values.
    pub detailed_metric: bool,
    /// What an edge gateway asks for beside counting.
    pub edge: Option<Edge>,
    /// For replies within the limit.
    pub metadata: Option<Struct>,
    /// The counters under [`Rule::full_key`].
    pub stats: Arc<RuleStats>,
    /// The file and the line it came from; line 0 for xDS.
    pub file: Arc<str>,
    /// See `file`.
    pub line: usize,
}

impl Rule {
    /// Domain and descriptors, as in `domain.key_value.key`: the name in metrics and in `/rlconfig`.
    pub fn full_key(&self) -> &str {
        self.stats.key()
    }

    /// How many hits fit: the burst of a bucket, else the hits of a window.
    pub fn capacity(&self) -> u32 {
        match self.algorithm {
            Algorithm::Gcra(gcra) => gcra.burst,
            Algorithm::FixedWindow | Algorithm::SlidingWindow(_) => self.requests_per_unit,
        }
    }
}

/// A descriptor: what may follow it, and its limit.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) children: Map<Node>,
    /// Keys of `children` that hold a `*`, in the order they were declared.
    pub(super) globs: Vec<(Box<str>, Glob)>,
    pub(super) rule: Option<Box<Rule>>,
    /// `key` or `key_value`, under which the parent has it.
    pub(super) name: Box<str>,
    pub(super) value_to_metric: bool,
    pub(super) share_threshold: bool,
    /// The rule holds for descriptors that go on as well.
    pub(super) prefix: bool,
}

impl Node {
    pub(super) fn new(name: &str) -> Self {
        Self {
            children: Map::default(),
            globs: Vec::new(),
            rule: None,
            name: name.into(),
            value_to_metric: false,
            share_threshold: false,
            prefix: false,
        }
    }
}

impl Config {
    /// Whether there is no domain at all.
    pub fn is_empty(&self) -> bool {
        self.domains.is_empty()
    }

    /// Whether there are rules for the domain.
    pub fn has_domain(&self, domain: &str) -> bool {
        self.domains.contains_key(domain)
    }

    /// Every limit, in the order of their names.
    pub fn rules(&self) -> Vec<&Rule> {
        let mut rules = Vec::new();
        for domain in self.domains.values() {
            collect(domain, &mut rules);
        }
        rules.sort_by(|one, other| one.full_key().cmp(other.full_key()));
        rules
    }
}

fn collect<'n>(node: &'n Node, rules: &mut Vec<&'n Rule>) {
    rules.extend(node.rule.as_deref());
    node.children.values().for_each(|child| collect(child, rules));
}

/// A map by text. The keys are the operator's, so nobody else can make them collide.
pub(super) type Map<T> = HashMap<Box<str>, T, BuildHasherDefault<OneShot>>;

/// xxh3 of what is written at once: text is one write and a closing byte.
#[derive(Debug, Default)]
pub(super) struct OneShot(u64);

impl Hasher for OneShot {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxhash_rust::xxh3::xxh3_64_with_seed(bytes, self.0);
    }

    fn write_u8(&mut self, _: u8) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
