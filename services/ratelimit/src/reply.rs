//! The reply to a request, and what is counted about it.

mod edge;
mod ietf;

use envoy_types::pb::envoy::config::core::v3::HeaderValue;
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_response::{Code, DescriptorStatus, RateLimit};
use envoy_types::pb::envoy::service::ratelimit::v3::{RateLimitRequest, RateLimitResponse};
use envoy_types::pb::google::protobuf::Duration;
use std::sync::atomic::Ordering;

use crate::clock::Now;
use crate::limiter::Shared;
use crate::metadata;
use crate::plan::{Item, Plan};
use crate::tally;

/// The reply, once the counters are known.
pub(crate) fn assemble(shared: &Shared, request: &RateLimitRequest, plan: &Plan<'_>, now: Now) -> RateLimitResponse {
    let statuses: Vec<DescriptorStatus> = plan.items.iter().map(|item| status(shared, item, now)).collect();
    let verdict = Verdict::of(shared.options.quota_mode, plan, &statuses);
    let mut over = verdict.over;
    if over && shared.options.shadow_mode {
        shared.stats.service.global_shadow_mode.fetch_add(1, Ordering::Relaxed);
        over = false;
    }
    let mut headers = match (&shared.options.headers, verdict.closest) {
        (Some(names), Some(closest)) => headers(names, &plan.items[closest], &statuses[closest], now),
        _ => Vec::new(),
    };
    if shared.options.ietf_headers {
        headers.extend(ietf::headers(plan, &statuses, now));
    }
    let dynamic_metadata = shared.options.dynamic_metadata.then(|| metadata::of_reply(request, plan, &statuses));
    let mut response = RateLimitResponse {
        overall_code: if over { Code::OverLimit } else { Code::Ok }.into(),
        statuses,
        response_headers_to_add: headers,
        dynamic_metadata,
        ..RateLimitResponse::default()
    };
    if let Some(top) = &shared.top {
        for (item, descriptor) in plan.items.iter().zip(&request.descriptors).filter(|(item, _)| item.is_over()) {
            let (depth, rule) = item.limit.as_ref().map_or((0, ""), |limit| (limit.depth, limit.name()));
            top.note(&request.domain, &descriptor.entries[..depth], rule);
        }
    }
    edge::complete(&mut response, plan, over, now);
    response
}

fn status(shared: &Shared, item: &Item<'_>, now: Now) -> DescriptorStatus {
    let (Some(limit), Some(_), Some(window)) = (&item.limit, &item.key, item.window()) else {
        let limit_remaining = if item.unlimited { u32::MAX } else { 0 };
        return DescriptorStatus { code: Code::Ok.into(), limit_remaining, ..DescriptorStatus::default() };
    };
    let over = item.is_over();
    tally::count(limit, item, shared.options.near_limit_ratio);
    let remaining = if over { 0 } else { item.capacity - item.after };
    DescriptorStatus {
        code: if over && !limit.shadow_mode() { Code::OverLimit } else { Code::Ok }.into(),
        current_limit: Some(RateLimit {
            name: limit.name().to_owned(),
            requests_per_unit: limit.requests_per_unit,
            unit: window.to_proto().into(),
        }),
        // At most the limit, which fits.
        limit_remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
        duration_until_reset: Some(Duration { seconds: seconds(item, now), nanos: 0 }),
        quota: None,
    }
}

fn seconds(item: &Item<'_>, now: Now) -> i64 {
    i64::try_from(item.until_reset(now)).unwrap_or(i64::MAX)
}

/// What the statuses come to.
struct Verdict {
    over: bool,
    /// The descriptor that headers are about.
    closest: Option<usize>,
}

impl Verdict {
    /// Over when any limit is that is no quota, or when there are quotas and all are. Headers are about the last limit
    /// that is over and no quota, or else about the first of those with the least remaining hits.
    fn of(all_quotas: bool, plan: &Plan<'_>, statuses: &[DescriptorStatus]) -> Self {
        let (mut over, mut quotas, mut quotas_over) = (false, 0, 0);
        let (mut closest, mut least) = (None, u32::MAX);
        for (index, (item, status)) in plan.items.iter().zip(statuses).enumerate() {
            if item.unlimited {
                continue;
            }
            if status.current_limit.is_some() && status.limit_remaining < least {
                (closest, least) = (Some(index), status.limit_remaining);
            }
            let quota = all_quotas || item.limit.as_ref().is_some_and(|limit| limit.quota_mode());
            let is_over = status.code == i32::from(Code::OverLimit);
            quotas += usize::from(quota);
            quotas_over += usize::from(quota && is_over);
            if is_over && !quota {
                over = true;
                (closest, least) = (Some(index), 0);
            }
        }
        Self { over: over || (quotas > 0 && quotas == quotas_over), closest }
    }
}

fn headers(names: &[String; 3], item: &Item<'_>, status: &DescriptorStatus, now: Now) -> Vec<HeaderValue> {
    let requests = item.limit.as_ref().map_or(0, |limit| limit.requests_per_unit);
    let values = [requests.to_string(), status.limit_remaining.to_string(), item.until_reset(now).to_string()];
    names
        .iter()
        .zip(values)
        .map(|(key, value)| HeaderValue { key: key.clone(), value, ..HeaderValue::default() })
        .collect()
}

#[cfg(test)]
mod tests;
