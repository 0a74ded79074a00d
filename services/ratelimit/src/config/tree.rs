//! The rules as lookups walk them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use envoy_types::pb::google::protobuf::Struct;
use smol_str::SmolStr;

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

/// A limit as configured: what every one has, and what a decision reads, together and small.
#[derive(Debug)]
pub struct Rule {
    /// How many in a window; more are over the limit.
    pub requests_per_unit: u32,
    /// The length of a window; none where there is no limit.
    pub window: Option<Window>,
    /// What to answer when the counter cannot be had; none for what the service is set to.
    pub store_failure: Option<StoreFailure>,
    /// Counted, but never answered with.
    pub shadow_mode: bool,
    /// A request is over its quotas when it is over all of them.
    pub quota_mode: bool,
    /// Metrics by the request's own keys and values.
    pub detailed_metric: bool,
    /// The counters under [`Rule::full_key`].
    pub stats: Arc<RuleStats>,
    /// The line it came from; 0 for xDS.
    pub line: u32,
    /// The file it came from.
    pub file: Arc<String>,
    pub(super) special: Option<Box<Special>>,
}

/// What few limits have.
#[derive(Debug)]
pub(super) struct Special {
    pub(super) algorithm: Algorithm,
    pub(super) lease: u32,
    pub(super) name: String,
    pub(super) replaces: Vec<String>,
    pub(super) edge: Option<Box<Edge>>,
    pub(super) metadata: Option<Box<Struct>>,
}

impl Special {
    /// None where all is as usual.
    pub(super) fn unless_usual(self) -> Option<Box<Self>> {
        let Self { algorithm, lease, name, replaces, edge, metadata } = &self;
        let named = !name.is_empty() || !replaces.is_empty();
        let counted = *algorithm != Algorithm::FixedWindow || *lease > 0;
        (named || counted || edge.is_some() || metadata.is_some()).then(|| Box::new(self))
    }
}

impl Rule {
    /// Domain and descriptors, as in `domain.key_value.key`: the name in metrics and in `/rlconfig`.
    pub fn full_key(&self) -> &str {
        self.stats.key()
    }

    /// How many hits fit: the burst of a bucket, else the hits of a window.
    pub fn capacity(&self) -> u32 {
        match self.algorithm() {
            Algorithm::Gcra(gcra) => gcra.burst,
            Algorithm::FixedWindow | Algorithm::SlidingWindow(_) => self.requests_per_unit,
        }
    }

    /// How hits are counted.
    pub fn algorithm(&self) -> Algorithm {
        self.special.as_ref().map_or(Algorithm::FixedWindow, |special| special.algorithm)
    }

    /// How many hits a replica may take at once to answer from; 0 for none.
    pub fn lease(&self) -> u32 {
        self.special.as_ref().map_or(0, |special| special.lease)
    }

    /// Its name, for `replaces`; empty where it has none.
    pub fn name(&self) -> &str {
        self.special.as_ref().map_or("", |special| &special.name)
    }

    /// Limits of these names do not count in a request that matches this one.
    pub fn replaces(&self) -> &[String] {
        self.special.as_ref().map_or(&[], |special| &special.replaces)
    }

    /// What an edge gateway asks for beside counting.
    pub fn edge(&self) -> Option<&Edge> {
        self.special.as_ref()?.edge.as_deref()
    }

    /// For replies within the limit.
    pub fn metadata(&self) -> Option<&Struct> {
        self.special.as_ref()?.metadata.as_deref()
    }
}

/// A descriptor: what may follow it, and its limit. All in one place, with its name beside it, as there may be very many: what a
/// lookup reads of it is then read from memory at once.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) rule: Option<Rule>,
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
    rules.extend(&node.rule);
    let below = node.below.iter().flat_map(|below| below.nodes.values());
    below.for_each(|node| collect(node, rules));
}

/// A map by text. The keys are the operator's, so nobody else can make them collide.
/// Short ones stand in the map itself.
pub(super) type Map<T> = HashMap<SmolStr, T, BuildHasherDefault<OneShot>>;

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
