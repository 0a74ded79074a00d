//! What the requests of a route are held to.

use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::{
    HeaderValue, HeaderValueOption, RuntimeFractionalPercent, header_value_option::HeaderAppendAction,
};
use envoy_types::pb::envoy::config::route::v3::{
    RateLimit,
    rate_limit::{
        Action,
        action::{ActionSpecifier, DestinationCluster, GenericKey, RemoteAddress, RequestHeaders, SourceCluster},
    },
};
use envoy_types::pb::envoy::extensions::filters::http::{
    local_ratelimit::v3::LocalRateLimit, ratelimit::v3::RateLimitPerRoute,
};
use envoy_types::pb::envoy::r#type::v3::{
    FractionalPercent, TokenBucket as PbTokenBucket, fractional_percent::DenominatorType,
};
use envoy_types::pb::google::protobuf::Any;
use nuncio_ir::{Limits, RateLabel, TokenBucket};

use crate::listener::{LIMIT_FILTER, LOCAL_LIMIT_FILTER};
use crate::proto;

/// Tells the filters what they are to do for a route.
pub(super) fn per_route(limits: &Limits) -> impl Iterator<Item = (String, Any)> {
    let local = limits.local.map(|bucket| (LOCAL_LIMIT_FILTER.to_owned(), proto::any(&local(bucket))));
    let asked = (!limits.descriptors.is_empty()).then(|| {
        let rate_limits = limits.descriptors.iter().map(|labels| descriptor(labels)).collect();
        (LIMIT_FILTER.to_owned(), proto::any(&RateLimitPerRoute { rate_limits, ..Default::default() }))
    });
    local.into_iter().chain(asked)
}

fn descriptor(labels: &[RateLabel]) -> RateLimit {
    let action = |label| Action { action_specifier: Some(action(label)) };
    RateLimit { actions: labels.iter().map(action).collect(), ..Default::default() }
}

fn action(label: &RateLabel) -> ActionSpecifier {
    match label {
        RateLabel::SourceCluster => ActionSpecifier::SourceCluster(SourceCluster {}),
        RateLabel::DestinationCluster => ActionSpecifier::DestinationCluster(DestinationCluster {}),
        RateLabel::RemoteAddress => ActionSpecifier::RemoteAddress(RemoteAddress {}),
        RateLabel::Header { key, name, optional } => ActionSpecifier::RequestHeaders(RequestHeaders {
            header_name: name.clone(),
            descriptor_key: key.clone(),
            skip_if_absent: *optional,
        }),
        RateLabel::Text { key, value } => ActionSpecifier::GenericKey(GenericKey {
            descriptor_value: value.clone(),
            descriptor_key: key.clone(),
            ..Default::default()
        }),
    }
}

fn local(bucket: TokenBucket) -> LocalRateLimit {
    LocalRateLimit {
        stat_prefix: "local_rate_limit".to_owned(),
        token_bucket: Some(PbTokenBucket {
            max_tokens: bucket.size,
            tokens_per_fill: Some(proto::uint32(bucket.tokens)),
            fill_interval: Some(proto::duration(bucket.interval)),
        }),
        filter_enabled: Some(always()),
        filter_enforced: Some(always()),
        response_headers_to_add: vec![retry_after(bucket)],
        ..Default::default()
    }
}

fn always() -> RuntimeFractionalPercent {
    let percent = FractionalPercent { numerator: 100, denominator: DenominatorType::Hundred as i32 };
    RuntimeFractionalPercent { default_value: Some(percent), ..Default::default() }
}

/// Whole seconds until there is a token again.
fn retry_after(bucket: TokenBucket) -> HeaderValueOption {
    let wait = bucket.interval.div_f64(f64::from(bucket.tokens.max(1)));
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let value = seconds.max(Duration::from_secs(1).as_secs()).to_string();
    HeaderValueOption {
        header: Some(HeaderValue { key: "retry-after".to_owned(), value, ..Default::default() }),
        append_action: HeaderAppendAction::OverwriteIfExistsOrAdd as i32,
        ..Default::default()
    }
}
