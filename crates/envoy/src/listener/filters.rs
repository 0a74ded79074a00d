//! The HTTP filters of a listener.

mod gzip;

use std::collections::HashMap;

use envoy_types::pb::envoy::config::core::v3::{CidrRange, GrpcMethodList, grpc_method_list::Service};
use envoy_types::pb::envoy::config::rbac::v3::{
    Permission, Policy, Principal, Rbac as Rules, permission, principal::Identifier, rbac::Action,
};
use envoy_types::pb::envoy::extensions::filters::http::{
    buffer::v3::Buffer,
    cors::v3::Cors,
    grpc_http1_bridge::v3::Config as GrpcHttp1Bridge,
    grpc_stats::v3::{FilterConfig as GrpcStats, filter_config::PerMethodStatSpecifier},
    grpc_web::v3::GrpcWeb,
    health_check::v3::HealthCheck,
    local_ratelimit::v3::LocalRateLimit,
    lua::v3::Lua,
    rbac::v3::Rbac,
    router::v3::Router,
};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpFilter as PbHttpFilter, http_filter::ConfigType,
};
use nuncio_ir::{HeaderMatch, HttpFilter, HttpSettings, IpRule, IpSource, Slot, ValueMatch};
use prost::{Message, Name};

use super::scope;
use crate::{extension, matcher, proto};

/// The cors filter: in every list, at work where a route has a policy under this name.
pub(crate) const CORS_FILTER: &str = "envoy.filters.http.cors";

/// The filter that counts by itself: in every list, at work where a table has buckets under this name.
pub(crate) const LOCAL_LIMIT_FILTER: &str = "envoy.filters.http.local_ratelimit";

/// The filter that answers probes: at work wherever a route may take their paths.
pub(crate) const PROBES_FILTER: &str = "envoy.filters.http.health_check";

/// Lookup of the route first, since all others may hang on it; then what the user switched on; then
/// what routes switch on; the router last.
pub(super) fn filters(settings: &HttpSettings) -> Vec<PbHttpFilter> {
    let router = Router { suppress_envoy_headers: settings.suppress_envoy_headers, ..Default::default() };
    let mut filters: Vec<_> = scope::select(settings).into_iter().collect();
    filters.push(scope::on_miss(settings));
    filters.extend(scope::of_previews(&settings.previews));
    filters.extend(probes(settings));
    filters.extend(settings.filters.iter().filter_map(chosen));
    filters.push(filter(CORS_FILTER, &Cors {}));
    // What Envoy counts by itself goes before what it has to ask about, and who asks goes before how often.
    // Without a bucket of its own it holds nobody up.
    filters.push(filter(LOCAL_LIMIT_FILTER, &local_limit()));
    filters.extend(Slot::ALL.map(extension::slot));
    filters.push(filter("envoy.filters.http.router", &router));
    number_repeated(&mut filters);
    filters
}

fn local_limit() -> LocalRateLimit {
    LocalRateLimit { stat_prefix: "local_rate_limit".to_owned(), ..Default::default() }
}

pub(super) fn filter<M: Message + Name>(name: &str, config: &M) -> PbHttpFilter {
    PbHttpFilter {
        name: name.to_owned(),
        config_type: Some(ConfigType::TypedConfig(proto::any(config))),
        ..Default::default()
    }
}

/// Names are what per-route configuration goes by: the second of a kind is called `name.2`.
fn number_repeated(filters: &mut [PbHttpFilter]) {
    let mut seen = HashMap::new();
    for filter in filters {
        let count = seen.entry(filter.name.clone()).and_modify(|count| *count += 1).or_insert(1_u32);
        if *count > 1 {
            filter.name = format!("{}.{count}", filter.name);
        }
    }
}

/// The filter for a choice of the user; `None` for a probe, all of which share a filter.
fn chosen(chosen: &HttpFilter) -> Option<PbHttpFilter> {
    Some(match chosen {
        HttpFilter::HealthCheck { .. } => return None,
        HttpFilter::GrpcHttp1Bridge => filter("envoy.filters.http.grpc_http1_bridge", &GrpcHttp1Bridge::default()),
        HttpFilter::GrpcWeb => filter("envoy.filters.http.grpc_web", &GrpcWeb {}),
        HttpFilter::GrpcStats { all_methods, services, upstream_stats } => {
            filter("envoy.filters.http.grpc_stats", &grpc_stats(*all_methods, services, *upstream_stats))
        }
        HttpFilter::Lua(script) => filter(
            "envoy.filters.http.lua",
            &Lua { default_source_code: Some(proto::inline(script)), ..Default::default() },
        ),
        HttpFilter::Gzip(gzip) => filter("envoy.filters.http.compressor", &gzip::compressor(gzip)),
        HttpFilter::Buffer { max_request_bytes } => {
            filter("envoy.filters.http.buffer", &Buffer { max_request_bytes: Some(proto::uint32(*max_request_bytes)) })
        }
        HttpFilter::IpAccess { allow, rules } => filter("envoy.filters.http.rbac", &ip_access(*allow, rules)),
    })
}

/// One filter for all probes: each filter costs every request that passes it.
fn probes(settings: &HttpSettings) -> Option<PbHttpFilter> {
    let paths = settings.filters.iter().filter_map(|filter| match filter {
        HttpFilter::HealthCheck { path } => Some(matcher::escape(path)),
        _ => None,
    });
    let paths: Vec<_> = paths.collect();
    (!paths.is_empty()).then(|| filter(PROBES_FILTER, &health_check(&paths.join("|"))))
}

fn health_check(paths: &str) -> HealthCheck {
    let is_path = HeaderMatch { name: ":path".to_owned(), value: ValueMatch::Regex(paths.to_owned()), invert: false };
    HealthCheck {
        pass_through_mode: Some(proto::boolean(false)),
        headers: vec![matcher::header(&is_path)],
        ..Default::default()
    }
}

fn grpc_stats(all_methods: bool, services: &[(String, Vec<String>)], upstream_stats: bool) -> GrpcStats {
    let specifier = if all_methods {
        PerMethodStatSpecifier::StatsForAllMethods(proto::boolean(true))
    } else {
        let services =
            services.iter().map(|(name, methods)| Service { name: name.clone(), method_names: methods.clone() });
        PerMethodStatSpecifier::IndividualMethodStatsAllowlist(GrpcMethodList { services: services.collect() })
    };
    GrpcStats {
        enable_upstream_stats: upstream_stats,
        per_method_stat_specifier: Some(specifier),
        ..Default::default()
    }
}

/// A list without a rule names nobody: nobody gets in, or nobody is kept out.
fn ip_access(allow: bool, rules: &[IpRule]) -> Rbac {
    let action = if allow { Action::Allow } else { Action::Deny };
    let policy = Policy {
        permissions: vec![Permission { rule: Some(permission::Rule::Any(true)) }],
        principals: rules.iter().map(principal).collect(),
        ..Default::default()
    };
    let policies = if rules.is_empty() { HashMap::new() } else { HashMap::from([("ip".to_owned(), policy)]) };
    Rbac { rules: Some(Rules { action: action as i32, policies, ..Default::default() }), ..Default::default() }
}

fn principal(rule: &IpRule) -> Principal {
    let range = CidrRange {
        address_prefix: proto::ip_text(rule.address),
        prefix_len: Some(proto::uint32(u32::from(rule.prefix_len))),
    };
    let identifier = match rule.source {
        IpSource::Peer => Identifier::DirectRemoteIp(range),
        IpSource::Remote => Identifier::RemoteIp(range),
    };
    Principal { identifier: Some(identifier) }
}
