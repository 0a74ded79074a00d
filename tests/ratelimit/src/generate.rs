//! Rules and requests at random, from a seed.

mod rules;

use envoy_types::pb::envoy::extensions::common::ratelimit::v3::rate_limit_descriptor::RateLimitOverride;
use envoy_types::pb::envoy::service::ratelimit::v3::RateLimitRequest;
use envoy_types::pb::google::protobuf::UInt64Value;

use crate::service::{descriptor, request};
pub use rules::Domain;
use rules::{Limit, Rule};

const KEYS: [&str; 4] = ["a", "b", "c", "a_1"];
const VALUES: [&str; 8] = ["", "1", "2", "x1", "x2", "xy", "10.0.0.1", "s:p|t"];
const RULE_VALUES: [&str; 7] = ["", "", "1", "x*", "xy*", "10.0.0.1", "*"];
/// Not seconds, but for limits that nothing reaches: both must count in the same window.
const UNITS: [&str; 6] = ["minute", "HOUR", "Day", "week", "month", "year"];

/// The variable that names the header of seconds until reset.
pub const RESET_HEADER: &str = "LIMIT_RESET_HEADER";
/// The domain of a file of its own.
const OTHER: &str = "other.d";

/// Makes rules and requests.
#[derive(Debug)]
pub struct Generator {
    random: fastrand::Rng,
    /// There are limits a second, in a Redis of their own.
    per_second: bool,
    /// Rules come over xDS, which has no place for some of what files say.
    over_xds: bool,
    /// Metrics are served to Prometheus.
    prometheus: bool,
}

/// Variables that set up the services of a round.
pub type RoundSettings = Vec<(&'static str, &'static str)>;

impl Generator {
    /// One of a seed.
    pub fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let per_second = random.u32(..3) == 0;
        Self { random, per_second, over_xds: seed % 3 == 2, prometheus: seed % 3 == 1 }
    }

    /// Whether rules come over xDS: those of one seed in three.
    pub fn over_xds(&self) -> bool {
        self.over_xds
    }

    /// Whether metrics are served to Prometheus and not sent: those of another.
    pub fn prometheus(&self) -> bool {
        self.prometheus
    }

    /// Whether there are limits a second.
    pub fn per_second(&self) -> bool {
        self.per_second
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.random.usize(..from.len())]
    }

    fn one_in(&mut self, many: u32) -> bool {
        self.random.u32(..many) == 0
    }

    /// Variables that change decisions or replies.
    pub fn settings(&mut self) -> RoundSettings {
        let all = [
            ("LOCAL_CACHE_SIZE_IN_BYTES", "1000000"),
            ("STOP_CACHE_KEY_INCREMENT_WHEN_OVERLIMIT", "true"),
            ("LIMIT_RESPONSE_HEADERS_ENABLED", "true"),
            ("SHADOW_MODE", "true"),
            ("CACHE_KEY_PREFIX", "p:"),
            ("EXPIRATION_JITTER_MAX_SECONDS", "0"),
            ("NEAR_LIMIT_RATIO", "0.5"),
            ("RESPONSE_DYNAMIC_METADATA", "true"),
        ];
        let mut settings: RoundSettings = all.into_iter().filter(|_| self.one_in(3)).collect();
        if self.prometheus {
            // Its mapper adds what the cache knows to be over the limit to what is, a second time.
            settings.retain(|(name, _)| *name != "LOCAL_CACHE_SIZE_IN_BYTES");
        }
        let names =
            [("LIMIT_LIMIT_HEADER", "x-limit"), ("LIMIT_REMAINING_HEADER", "X-Remaining"), (RESET_HEADER, "x-reset")];
        settings.extend(names.into_iter().filter(|_| self.one_in(3)));
        settings.push(("MERGE_DOMAIN_CONFIG", "true"));
        if self.per_second {
            settings.push(("REDIS_PERSECOND", "true"));
        }
        settings
    }

    /// Rules for the domain `d` in two files, and for another.
    pub fn rules(&mut self) -> [Domain; 3] {
        let mut files = ["d", "d", OTHER].map(|name| Domain { name, rules: Vec::new() });
        let (both, other) = files.split_at_mut(2);
        for rule in self.level(0) {
            // The original reads files in any order: rules whose order counts are all in the first.
            let file = if rule.value.contains('*') { 0 } else { self.random.usize(..2) };
            both[file].rules.push(rule);
        }
        other[0].rules = self.level(0);
        files
    }

    /// The rules of a level, no two of one name.
    fn level(&mut self, depth: usize) -> Vec<Rule> {
        let (mut names, mut rules) = (Vec::new(), Vec::new());
        for _ in 0..self.random.usize(2..7) {
            let (key, value) = (self.pick(&KEYS), self.pick(&RULE_VALUES));
            let name = if value.is_empty() { key.to_owned() } else { format!("{key}_{value}") };
            if names.contains(&name) {
                continue;
            }
            names.push(name);
            let mut rule = self.rule(key, value);
            if depth < 2 && self.one_in(2) {
                rule.rules = self.level(depth + 1);
            }
            rules.push(rule);
        }
        rules
    }

    fn rule(&mut self, key: &'static str, value: &'static str) -> Rule {
        let in_files = !self.over_xds;
        Rule {
            key,
            value,
            shadow_mode: self.one_in(5),
            detailed_metric: self.one_in(5),
            value_to_metric: in_files && self.one_in(5),
            share_threshold: in_files && value.ends_with('*') && self.one_in(3),
            limit: if self.one_in(6) { None } else { Some(self.limit()) },
            rules: Vec::new(),
        }
    }

    fn limit(&mut self) -> Limit {
        let mut limit = Limit::default();
        if !self.one_in(8) {
            limit.unit = Some(match self.per_second && self.one_in(3) {
                true => ("second", u32::MAX),
                false => (self.pick(&UNITS), self.pick(&[0, 1, 3, 10, 40, 1_000, u32::MAX])),
            });
        }
        if self.one_in(3) {
            limit.name = Some(format!("n{}", self.random.u8(..3)));
        } else if self.one_in(4) {
            limit.replaces = Some(format!("n{}", self.random.u8(..3)));
        }
        limit
    }

    /// A request, now and then a bad one.
    pub fn request(&mut self) -> RateLimitRequest {
        let domain = if self.one_in(50) { self.pick(&["", "unknown"]) } else { self.pick(&["d", "d", "d", OTHER]) };
        let mut descriptors = Vec::new();
        for _ in 0..if self.one_in(60) { 0 } else { self.random.usize(1..4) } {
            let entries: Vec<_> =
                (0..self.random.usize(1..4)).map(|_| (self.pick(&KEYS), self.pick(&VALUES))).collect();
            let mut made = descriptor(&entries);
            if self.one_in(4) {
                let most = if self.per_second { 1_000 } else { 5_000_000_000 };
                made.hits_addend = Some(UInt64Value { value: self.pick(&[0, 1, 2, 5, 30, most]) });
            }
            if self.one_in(15) {
                // Minute to day: numbers that both enumerations share.
                let unit = self.random.i32(2..5);
                made.limit = Some(RateLimitOverride { requests_per_unit: self.random.u32(..10), unit });
            }
            descriptors.push(made);
        }
        let mut made = request(domain, descriptors);
        made.hits_addend = self.pick(&[0, 0, 0, 1, 3]);
        made
    }
}
