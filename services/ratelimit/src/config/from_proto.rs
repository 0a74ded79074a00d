//! `RateLimitConfig` of xDS as a configuration.

use envoy_types::pb::ratelimit::config::ratelimit::v3 as proto;

use super::raw::{RawDescriptor, RawLimit, RawRoot};

/// What a resource says, in the form that files have.
pub fn root_of(config: proto::RateLimitConfig) -> RawRoot {
    RawRoot { domain: config.domain, descriptors: config.descriptors.into_iter().map(descriptor).collect() }
}

fn descriptor(from: proto::RateLimitDescriptor) -> RawDescriptor {
    RawDescriptor {
        line: 0,
        key: from.key,
        value: from.value,
        rate_limit: from.rate_limit.map(limit),
        descriptors: from.descriptors.into_iter().map(descriptor).collect(),
        shadow_mode: from.shadow_mode,
        quota_mode: from.quota_mode,
        detailed_metric: from.detailed_metric,
        // The resource has no fields for these two.
        value_to_metric: false,
        share_threshold: false,
        metadata: from.metadata,
    }
}

fn limit(from: proto::RateLimitPolicy) -> RawLimit {
    // A unit that this version does not know is passed on as its number, to be refused by that name.
    let unit = proto::RateLimitUnit::try_from(from.unit)
        .map_or_else(|_| from.unit.to_string(), |unit| unit.as_str_name().to_owned());
    RawLimit {
        requests_per_unit: from.requests_per_unit,
        unit,
        unlimited: from.unlimited,
        name: from.name,
        replaces: from.replaces.into_iter().map(|replaced| replaced.name).collect(),
    }
}
