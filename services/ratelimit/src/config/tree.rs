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
    pub(super) domains: Map<Arc<Node>>,
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
    pub edge: Option<Box<Edge>>,
    /// For replies within the limit.
    pub metadata: Option<Box<Struct>>,
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

/// A descriptor: what may follow it, and its limit. Small, as there may be very many: what is looked at is then near by.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) rule: Option<Box<Rule>>,
    /// What may follow it; most have nothing.
    pub(super) below: Option<Box<Below>>,
    pub(super) value_to_metric: bool,
    pub(super) share_threshold: bool,
    /// The rule holds for descriptors that go on as well.
    pub(super) prefix: bool,
}

/// The descriptors below another.
#[derive(Debug, Default)]
pub(super) struct Below {
    /// By `key` or `key_value`.
    pub(super) nodes: Map<Node>,
    /// Keys of `nodes` that hold a `*`, in the order they were declared.
    pub(super) globs: Vec<(Box<str>, Glob)>,
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

    /// Takes over the rules of a domain that has none here.
    pub(crate) fn keep(&mut self, domain: &str, from: Option<&Self>) {
        if let Some((name, node)) = from.and_then(|from| from.domains.get_key_value(domain)) {
            self.domains.entry(name.clone()).or_insert_with(|| node.clone());
        }
    }

    /// Takes over the rules of all domains that have none here.
    pub(crate) fn keep_all(&mut self, from: &Self) {
        from.domains.keys().for_each(|domain| self.keep(domain, Some(from)));
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
    let below = node.below.iter().flat_map(|below| below.nodes.values());
    below.for_each(|node| collect(node, rules));
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
