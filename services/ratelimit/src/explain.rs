//! What a request would be held to, and what there is left: for those who ask why.

use envoy_types::pb::envoy::extensions::common::ratelimit::v3::RateLimitDescriptor;
use envoy_types::pb::envoy::extensions::common::ratelimit::v3::rate_limit_descriptor::Entry;
use envoy_types::pb::envoy::service::ratelimit::v3::RateLimitRequest;
use envoy_types::pb::google::protobuf::UInt64Value;
use serde::{Deserialize, Serialize};

use crate::clock::Now;
use crate::config::{Config, Rule, Scratch, Step};
use crate::limiter::{CallError, Limiter, Shared};
use crate::plan::{Item, Plan};

/// An answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Explanation {
    /// The domain asked about.
    pub domain: String,
    /// How the rule was found.
    pub steps: Vec<Step>,
    /// Why no limit applies.
    pub why_not: Option<String>,
    /// The limit that applies.
    pub rule: Option<RuleView>,
    /// The key of its counter, now.
    pub key: Option<String>,
    /// The counter; none where nobody was asked, or there is no limit.
    pub counter: Option<CounterView>,
}

/// A limit in force.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RuleView {
    /// Domain and descriptors.
    pub path: String,
    /// Its name; empty where it has none.
    pub name: String,
    /// The object that asks for it, as in `RateLimit default/users`; none where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The file or resource it came from.
    pub file: String,
    /// The line in the file; none for what came over xDS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// There is no limit.
    #[serde(default)]
    pub unlimited: bool,
    /// The window, as in `MINUTE` or `15m`; empty where there is no limit.
    pub unit: String,
    /// Hits in a window.
    pub requests_per_unit: u32,
    /// How hits are counted.
    pub algorithm: String,
    /// How many hits fit.
    pub capacity: u32,
    /// Counted, but never answered with.
    pub shadow_mode: bool,
    /// One of several quotas.
    pub quota_mode: bool,
}

/// What a counter has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterView {
    /// Hits that were counted.
    pub used: u64,
    /// Hits that still fit.
    pub remaining: u64,
    /// Seconds until the window ends, or until all is free again.
    pub reset_seconds: u64,
}

impl From<&Rule> for RuleView {
    fn from(rule: &Rule) -> Self {
        Self {
            path: rule.full_key().to_owned(),
            name: rule.name().to_owned(),
            object: rule.edge().map(|edge| edge.origin.clone()).filter(|origin| !origin.is_empty()),
            file: rule.file.to_string(),
            line: Some(rule.line).filter(|line| *line > 0),
            unlimited: rule.window.is_none(),
            unit: rule.window.map_or_else(String::new, |window| window.to_string()),
            requests_per_unit: rule.requests_per_unit,
            algorithm: rule.algorithm().name().to_owned(),
            capacity: rule.capacity(),
            shadow_mode: rule.shadow_mode,
            quota_mode: rule.quota_mode,
        }
    }
}

/// Where the debug port explains this: `/explain?domain=D&KEY=VALUE…`.
pub fn path(domain: &str, entries: &[(&str, &str)]) -> String {
    let start = "/explain?";
    let mut query = form_urlencoded::Serializer::for_suffix(start.to_owned(), start.len());
    query.append_pair("domain", domain).extend_pairs(entries);
    query.finish()
}

/// Explains by rules alone.
///
/// # Errors
/// Never, for what can be written as keys and values.
pub fn explain(config: &Config, domain: &str, entries: &[(&str, &str)]) -> Result<Explanation, CallError> {
    let shared = Shared::new(crate::limiter::Options::default(), None);
    with_plan(&shared, config, domain, entries).map(|(explanation, _)| explanation)
}

impl Limiter {
    /// Explains by the rules in force, and looks at the counter. Nothing is counted.
    ///
    /// # Errors
    /// When there are no rules, or the counter cannot be had.
    pub async fn explain(&self, domain: &str, entries: &[(&str, &str)]) -> Result<Explanation, CallError> {
        let no_rules = || CallError::Request("no rate limit configuration loaded".to_owned());
        let config = self.shared().config.load_full().ok_or_else(no_rules)?;
        let (mut explanation, mut plan) = with_plan(self.shared(), &config, domain, entries)?;
        self.look(&mut plan).await?;
        explanation.counter = plan.items.first().filter(|item| item.key.is_some()).map(counter);
        Ok(explanation)
    }
}

fn counter(item: &Item<'_>) -> CounterView {
    CounterView {
        used: item.after,
        remaining: item.capacity.saturating_sub(item.after),
        reset_seconds: item.until_reset(Now::read()),
    }
}

fn with_plan<'c>(
    shared: &Shared,
    config: &'c Config,
    domain: &str,
    entries: &[(&str, &str)],
) -> Result<(Explanation, Plan<'c>), CallError> {
    let lookup = config.lookup(domain, entries);
    let entry = |(key, value): &(&str, &str)| Entry { key: (*key).to_owned(), value: (*value).to_owned() };
    let descriptor = RateLimitDescriptor {
        entries: entries.iter().map(entry).collect(),
        hits_addend: Some(UInt64Value { value: 0 }),
        ..RateLimitDescriptor::default()
    };
    let request = RateLimitRequest { domain: domain.to_owned(), descriptors: vec![descriptor], hits_addend: 0 };
    // A domain that there is not would be counted as one that was asked for.
    let plan = if config.has_domain(domain) {
        Plan::make(shared, config, &mut Scratch::default(), &request, Now::read())?
    } else {
        Plan::default()
    };
    let item = plan.items.first();
    let explanation = Explanation {
        domain: domain.to_owned(),
        steps: lookup.steps,
        why_not: lookup.why_not,
        rule: item.and_then(|item| item.limit.as_ref()?.rule).map(RuleView::from),
        key: item.and_then(|item| Some(String::from_utf8_lossy(item.key.as_ref()?).into_owned())),
        counter: None,
    };
    Ok((explanation, plan))
}
