//! Routes that send requests on.
//!
//! Arms that differ only in what Envoy's weighted clusters can hold make one route; others make a
//! route each, of which Envoy takes the first whose fraction covers the request's random number (one
//! number for a request, so that fractions add up).

mod upstream;

use envoy_types::pb::envoy::config::core::v3::{Metadata, RuntimeFractionalPercent};
use envoy_types::pb::envoy::config::route::v3::{Route as PbRoute, route::Action};
use envoy_types::pb::envoy::r#type::v3::{FractionalPercent, fractional_percent::DenominatorType};
use envoy_types::pb::google::protobuf::{Struct, Value, value};
use nuncio_ir::{Arm, Backend, ClusterName, Forward, HeaderMatch, HostRewrite, PathMatch, Told};

use super::{action, checks};
use crate::header;
use crate::listener::{ON_MISS_FILTER, REASON_KEY, REASON_NAMESPACE};
use crate::matcher;

const MILLION: u64 = 1_000_000;

/// What the client reads where a route has nobody to send to. The reason is for the access log: it
/// names objects that are none of the client's business.
const NO_BACKEND: &str = "no valid backend\n";

/// The Envoy routes of `forward`, made of `base`. Services are told the host `known`, where an arm does not say another.
pub(super) fn routes(base: &PbRoute, path: &PathMatch, forward: &Forward, known: Option<&str>) -> Vec<PbRoute> {
    let arms: Vec<&Arm> = forward.arms.iter().map(AsRef::as_ref).filter(|arm| arm.weight > 0).collect();
    match arms.as_slice() {
        [only] => arm_routes(base.clone(), path, forward, only, known),
        [first, ..] => match weighted(&arms) {
            Some(clusters) => {
                let action = upstream::weighted(path, forward, first, &clusters, known);
                let metadata = upgrade_metadata(first);
                let base = with_context(base.clone(), first);
                vec![PbRoute { action: Some(Action::Route(action)), metadata, ..base }]
            }
            None => fractions(base, path, forward, &arms, known),
        },
        [] => Vec::new(),
    }
}

/// The arms with their clusters, if weighted clusters can hold all that they differ in. Envoy keeps
/// the sum of the weights in 32 bits.
fn weighted<'a>(arms: &[&'a Arm]) -> Option<Vec<(&'a Arm, &'a ClusterName)>> {
    arms.iter().try_fold(0_u32, |sum, arm| sum.checked_add(arm.weight))?;
    let common = common(arms.first()?);
    arms.iter()
        .map(|arm| match &arm.backend {
            Backend::Cluster(name) if self::common(arm) == common => Some((*arm, name)),
            Backend::Cluster(_) | Backend::Invalid { .. } => None,
        })
        .collect()
}

/// What must be equal in all arms of a route with weighted clusters.
fn common(arm: &Arm) -> impl PartialEq {
    let Arm {
        weight: _,
        backend: _,
        audience: _,
        request_headers: _,
        host_rewrite,
        rewrite,
        timeout,
        idle_timeout,
        retry,
        hash,
        upgrades,
        auth_context,
    } = arm;
    let endpoint_host = matches!(host_rewrite, Some(HostRewrite::Endpoint));
    (endpoint_host, rewrite, timeout, idle_timeout, retry, hash, upgrades, auth_context)
}

/// A route for each arm. The fractions are cumulative; the last arm takes the rest.
fn fractions(base: &PbRoute, path: &PathMatch, forward: &Forward, arms: &[&Arm], known: Option<&str>) -> Vec<PbRoute> {
    let total: u64 = arms.iter().map(|arm| u64::from(arm.weight)).sum();
    let mut sum = 0;
    arms.iter()
        .enumerate()
        .flat_map(|(index, arm)| {
            let mut route = base.clone();
            route.name = format!("{}#{index}", base.name);
            sum += u64::from(arm.weight);
            if let Some(matches) = route.r#match.as_mut().filter(|_| sum < total) {
                matches.runtime_fraction = Some(fraction(sum, total));
            }
            arm_routes(route, path, forward, arm, known)
        })
        .collect()
}

fn fraction(part: u64, total: u64) -> RuntimeFractionalPercent {
    let millionths = part.saturating_mul(MILLION) / total;
    RuntimeFractionalPercent {
        default_value: Some(FractionalPercent {
            numerator: u32::try_from(millionths).unwrap_or(u32::MAX),
            denominator: DenominatorType::Million as i32,
        }),
        ..Default::default()
    }
}

/// What the AuthService is told of requests for this arm.
fn with_context(mut route: PbRoute, arm: &Arm) -> PbRoute {
    if let Some(context) = &arm.auth_context {
        route.typed_per_filter_config.extend(checks::of_context(context));
    }
    route
}

fn arm_routes(route: PbRoute, path: &PathMatch, forward: &Forward, arm: &Arm, known: Option<&str>) -> Vec<PbRoute> {
    let mut route = with_context(route, arm);
    match &arm.backend {
        Backend::Cluster(name) => {
            route.action = Some(Action::Route(upstream::single(path, forward, arm, name, known)));
            route.request_headers_to_add = header::additions(&arm.request_headers);
            route.request_headers_to_remove.clone_from(&arm.request_headers.remove);
            route.metadata = upgrade_metadata(arm);
        }
        Backend::Invalid { status, reason, told } => {
            route.action = Some(action::direct_response(*status, NO_BACKEND));
            route.metadata = Some(reason_metadata(reason));
            if let Some(told) = told {
                return told_routes(&route, *status, told);
            }
        }
    }
    vec![route]
}

/// What is told instead of asking anybody: a page to who wants one, and to all others what programs read.
fn told_routes(route: &PbRoute, status: u16, told: &Told) -> Vec<PbRoute> {
    let answer = |body: &str, kind: &str| {
        let mut route = PbRoute { action: Some(action::direct_response(status, body)), ..route.clone() };
        let said = [header::overwrite("content-type", kind), header::overwrite("cache-control", "no-store")];
        route.response_headers_to_add.extend(said);
        route
    };
    let mut page = answer(&told.page, "text/html; charset=utf-8");
    page.r#match.get_or_insert_default().headers.push(matcher::header(&HeaderMatch::for_pages()));
    vec![page, answer(&told.problem, "application/problem+json")]
}

/// Where the access log finds the reason.
fn reason_metadata(reason: &str) -> Metadata {
    metadata(REASON_NAMESPACE, REASON_KEY, value::Kind::StringValue(reason.to_owned()))
}

/// Where the filter that finds a route late (`on_miss.lua`) sees what Envoy could not yet check: which
/// upgrades the route allows.
fn upgrade_metadata(arm: &Arm) -> Option<Metadata> {
    let allowed = Value { kind: Some(value::Kind::BoolValue(true)) };
    let fields = arm.upgrades.iter().map(|upgrade| (upgrade.clone(), allowed.clone())).collect();
    let upgrades = value::Kind::StructValue(Struct { fields });
    (!arm.upgrades.is_empty()).then(|| metadata(ON_MISS_FILTER, "upgrades", upgrades))
}

fn metadata(namespace: &str, key: &str, kind: value::Kind) -> Metadata {
    let fields = Struct { fields: [(key.to_owned(), Value { kind: Some(kind) })].into() };
    Metadata { filter_metadata: [(namespace.to_owned(), fields)].into(), ..Default::default() }
}
