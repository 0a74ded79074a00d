//! Answers of rules that an edge gateway made (Edge Stack's RateLimit): when to come again, and what logs are told.

use envoy_types::pb::envoy::config::core::v3::HeaderValue;
use envoy_types::pb::envoy::service::ratelimit::v3::RateLimitResponse;
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_response::DescriptorStatus;
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Struct, Value};

use crate::clock::Now;
use nuncio_expr::template::Value as Told;

use crate::config::{Edge, Header, Rule};
use crate::plan::{Item, Plan};

/// What clients read who are over a limit.
const BODY: &str = "{\"message\":\"too many requests\",\"status_code\":429}\n";

/// Adds what the rules of `plan` ask for to a response that says `over` or not.
pub(super) fn complete(response: &mut RateLimitResponse, plan: &Plan<'_>, over: bool, now: Now) {
    let rules = plan.items.iter().filter_map(|item| Some((item, item.limit.as_ref()?.rule?)));
    let edges: Vec<_> = rules.filter_map(|(item, rule)| Some(Exceeded { item, rule, edge: rule.edge()? })).collect();
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
    let worst = enforced.max_by_key(|edge| edge.item.until_reset(now)).filter(|_| over);
    let wait = worst.map_or(0, |edge| edge.item.until_reset(now));
    // Most rules have no templates, and then nothing is told to any.
    let data = edges.iter().any(|edge| edge.edge.has_templates()).then(|| data(response, wait));
    if let Some(worst) = worst {
        response.response_headers_to_add.push(header("retry-after", &wait.to_string()));
        let answer = worst.edge.error.as_ref().zip(data.as_ref());
        let own = answer.map_or_else(Vec::new, |(answer, data)| worst.rendered(&answer.headers, data));
        if !own.iter().any(|header| header.key == "content-type") {
            response.response_headers_to_add.push(header("content-type", "application/json"));
        }
        response.response_headers_to_add.extend(own);
        let body = answer.and_then(|(answer, data)| answer.body.as_ref()?.render(data, &worst.edge.origin));
        response.raw_body = body.unwrap_or_else(|| BODY.to_owned()).into_bytes();
    }
    let Some(data) = data else { return };
    for edge in &edges {
        response.request_headers_to_add.extend(edge.rendered(&edge.edge.request_headers, &data));
        response.response_headers_to_add.extend(edge.rendered(&edge.edge.response_headers, &data));
    }
}

/// What templates are told; the names are Edge Stack's, and those of Go's `RateLimitResponse`.
fn data(response: &RateLimitResponse, wait: u64) -> Told {
    let status = |status: &DescriptorStatus| {
        let limit = status.current_limit.as_ref().map_or(Told::Null, |limit| {
            let unit = Told::from(limit.unit().as_str_name());
            Told::map([("RequestsPerUnit", Told::Int(limit.requests_per_unit.into())), ("Unit", unit)])
        });
        let reset = status.duration_until_reset.as_ref().map_or(0, |reset| reset.seconds);
        Told::map([
            ("Code", Told::Int(status.code.into())),
            ("CurrentLimit", limit),
            ("LimitRemaining", Told::Int(status.limit_remaining.into())),
            ("DurationUntilReset", Told::map([("Seconds", Told::Int(reset))])),
        ])
    };
    let statuses = response.statuses.iter().map(status).collect();
    let told = [("OverallCode", Told::Int(response.overall_code.into())), ("Statuses", Told::List(statuses))];
    Told::map([("RateLimitResponse", Told::map(told)), ("RetryAfter", Told::Text(duration(wait)))])
}

/// As Go writes a duration: `1h2m3s`.
fn duration(seconds: u64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, _) => format!("{minutes}m{rest}s"),
        _ => format!("{hours}h{minutes}m{rest}s"),
    }
}

/// A rule that a request is held to.
struct Exceeded<'p, 'c> {
    item: &'p Item<'c>,
    rule: &'c Rule,
    edge: &'c Edge,
}

impl Exceeded<'_, '_> {
    /// Those headers that have a value.
    fn rendered(&self, headers: &[Header], data: &Told) -> Vec<HeaderValue> {
        let value = |one: &Header| one.value.render(data, &self.edge.origin);
        headers.iter().filter_map(|one| Some(header(&one.name, value(one)?.trim()))).collect()
    }

    /// The names are Edge Stack's.
    fn metadata(&self, now: Now) -> [(String, Value); 3] {
        let action = if self.edge.log_only { "LogOnly" } else { "Enforce" };
        let text = |text: &str| Kind::StringValue(text.to_owned());
        // Exact: ten years are few seconds.
        let wait = Kind::NumberValue(self.item.until_reset(now) as f64);
        [("name", text(self.rule.name())), ("action", text(action)), ("retry_after", wait)]
            .map(|(name, kind)| (format!("aes.ratelimit.{name}"), Value { kind: Some(kind) }))
    }
}

fn header(key: &str, value: &str) -> HeaderValue {
    HeaderValue { key: key.to_owned(), value: value.to_owned(), ..HeaderValue::default() }
}
