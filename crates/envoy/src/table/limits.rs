//! What the requests of a route are held to.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::RuntimeFractionalPercent;
use envoy_types::pb::envoy::config::route::v3::{
    RateLimit, Route as PbRoute,
    rate_limit::{
        Action,
        action::{
            ActionSpecifier, DestinationCluster, GenericKey, MetaData as Metadata, RemoteAddress, RequestHeaders,
            SourceCluster, meta_data as metadata,
        },
    },
};
use envoy_types::pb::envoy::extensions::common::ratelimit::v3::{
    LocalRateLimitDescriptor, rate_limit_descriptor::Entry,
};
use envoy_types::pb::envoy::extensions::filters::http::{
    local_ratelimit::v3::LocalRateLimit, ratelimit::v3::RateLimitPerRoute,
};
use envoy_types::pb::envoy::r#type::metadata::v3::{
    MetadataKey,
    metadata_key::{PathSegment, path_segment},
};
use envoy_types::pb::envoy::r#type::v3::{
    FractionalPercent, TokenBucket as PbTokenBucket, fractional_percent::DenominatorType,
};
use envoy_types::pb::google::protobuf::{Any, Struct, Value, value};
use nuncio_ir::{Limits, RateLabel, Route, Slot, Table, TokenBucket};

use crate::listener::LOCAL_LIMIT_FILTER;
use crate::proto;

/// Where a route's metadata names the bucket that its requests take from.
const BUCKET_NAMESPACE: &str = "nuncio.local_rate_limit";
const BUCKET_KEY: &str = "bucket";

/// Tells the filter what it is to ask about for a route.
pub(super) fn per_route(limits: &Limits) -> Option<(String, Any)> {
    let rate_limits: Vec<_> = limits.descriptors.iter().map(|labels| descriptor(labels)).collect();
    let config = || proto::any(&RateLimitPerRoute { rate_limits, ..Default::default() });
    (!limits.descriptors.is_empty()).then(|| (Slot::Limit.name().to_owned(), config()))
}

/// The buckets of a table's routes. A bucket of one route alone would be one for each of the Envoy routes that it makes, so
/// the table has them all, and routes say which is theirs.
pub(super) fn of_table(table: &Table) -> Option<(String, Any)> {
    let routes = table.hosts.iter().flat_map(|host| &host.routes);
    let buckets: BTreeMap<_, _> =
        routes.filter_map(|route| bucket(route).map(|found| (name(route, found), found))).collect();
    (!buckets.is_empty()).then(|| (LOCAL_LIMIT_FILTER.to_owned(), proto::any(&local(&buckets))))
}

/// Has the Envoy routes of a route take from its bucket.
pub(super) fn mark(route: &Route, routes: &mut [PbRoute]) {
    let Some(bucket) = bucket(route) else { return };
    let value = Value { kind: Some(value::Kind::StringValue(name(route, bucket))) };
    let fields = HashMap::from([(BUCKET_KEY.to_owned(), value)]);
    for route in routes {
        let metadata = route.metadata.get_or_insert_default();
        metadata.filter_metadata.insert(BUCKET_NAMESPACE.to_owned(), Struct { fields: fields.clone() });
    }
}

fn bucket(route: &Route) -> Option<TokenBucket> {
    route.limits.as_deref()?.local
}

/// Routes of a name may differ from host to host of a table.
fn name(route: &Route, bucket: TokenBucket) -> String {
    let TokenBucket { size, tokens, interval } = bucket;
    format!("{}: {size}, {tokens}/{}s", route.name, interval.as_secs())
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

fn local(buckets: &BTreeMap<String, TokenBucket>) -> LocalRateLimit {
    let of_bucket = Metadata {
        descriptor_key: BUCKET_KEY.to_owned(),
        metadata_key: Some(MetadataKey {
            key: BUCKET_NAMESPACE.to_owned(),
            path: vec![PathSegment { segment: Some(path_segment::Segment::Key(BUCKET_KEY.to_owned())) }],
        }),
        source: metadata::Source::RouteEntry as i32,
        ..Default::default()
    };
    let action = Action { action_specifier: Some(ActionSpecifier::Metadata(of_bucket)) };
    let descriptor = |(name, bucket): (&String, &TokenBucket)| LocalRateLimitDescriptor {
        entries: vec![Entry { key: BUCKET_KEY.to_owned(), value: name.clone() }],
        token_bucket: Some(token_bucket(bucket.size, bucket.tokens, bucket.interval)),
        ..Default::default()
    };
    LocalRateLimit {
        stat_prefix: "local_rate_limit".to_owned(),
        // What routes without a bucket take from: there has to be one.
        token_bucket: Some(token_bucket(u32::MAX, u32::MAX, Duration::from_secs(1))),
        always_consume_default_token_bucket: Some(proto::boolean(false)),
        descriptors: buckets.iter().map(descriptor).collect(),
        rate_limits: vec![RateLimit { actions: vec![action], ..Default::default() }],
        filter_enabled: Some(always()),
        filter_enforced: Some(always()),
        enable_retry_after_header: true,
        ..Default::default()
    }
}

fn token_bucket(size: u32, tokens: u32, interval: Duration) -> PbTokenBucket {
    PbTokenBucket {
        max_tokens: size,
        tokens_per_fill: Some(proto::uint32(tokens)),
        fill_interval: Some(proto::duration(interval)),
    }
}

fn always() -> RuntimeFractionalPercent {
    let percent = FractionalPercent { numerator: 100, denominator: DenominatorType::Hundred as i32 };
    RuntimeFractionalPercent { default_value: Some(percent), ..Default::default() }
}
