//! Answers of rules that an edge gateway made (Edge Stack's RateLimit): when to come again, and what logs are told.

use envoy_types::pb::envoy::config::core::v3::HeaderValue;
use envoy_types::pb::envoy::service::ratelimit::v3::RateLimitResponse;
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Struct, Value};

use crate::clock::Now;
use crate::config::{Edge, Rule};
use crate::plan::{Item, Plan};

/// What clients read who are over a limit.
const BODY: &str = "{\"message\":\"too many requests\",\"status_code\":429}\n";

/// Adds what the rules of `plan` ask for to a response that says `over` or not.
pub(super) fn complete(response: &mut RateLimitResponse, plan: &Plan<'_>, over: bool, now: Now) {
    let rules = plan.items.iter().filter_map(|item| Some((item, item.limit.as_ref()?.rule?)));
    let edges: Vec<_> =
        rules.filter_map(|(item, rule)| Some(Exceeded { item, rule, edge: rule.edge.as_ref()? })).collect();
    if edges.is_empty() {
        return;
    }
    let exceeded = || edges.iter().filter(|edge| edge.item.is_over());
    // What is enforced goes before what is only logged, however long that takes.
    let told = exceeded().max_by_key(|edge| (!edge.edge.log_only, edge.item.until_reset(now)));
    if let Some(told) = told {
        let metadata = response.dynamic_metadata.get_or_insert_with(Struct::default);
        metadata.fields.extend(told.metadata(now));
    }
    let enforced = exceeded().filter(|edge| !edge.edge.log_only);
    if let Some(wait) = enforced.map(|edge| edge.item.until_reset(now)).max().filter(|_| over) {
        response.response_headers_to_add.push(header("retry-after", &wait.to_string()));
        response.response_headers_to_add.push(header("content-type", "application/json"));
        response.raw_body = BODY.as_bytes().to_vec();
    }
}

/// A rule that a request is held to.
struct Exceeded<'p, 'c> {
    item: &'p Item<'c>,
    rule: &'c Rule,
    edge: &'c Edge,
}

impl Exceeded<'_, '_> {
    /// The names are Edge Stack's.
    fn metadata(&self, now: Now) -> [(String, Value); 3] {
        let action = if self.edge.log_only { "LogOnly" } else { "Enforce" };
        let text = |text: &str| Kind::StringValue(text.to_owned());
        // Exact: ten years are few seconds.
        let wait = Kind::NumberValue(self.item.until_reset(now) as f64);
        [("name", text(&self.rule.name)), ("action", text(action)), ("retry_after", wait)]
            .map(|(name, kind)| (format!("aes.ratelimit.{name}"), Value { kind: Some(kind) }))
    }
}

fn header(key: &str, value: &str) -> HeaderValue {
    HeaderValue { key: key.to_owned(), value: value.to_owned(), ..HeaderValue::default() }
}
