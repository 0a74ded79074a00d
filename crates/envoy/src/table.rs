//! Routes of one scope: `RouteConfiguration`, and the `ScopedRouteConfiguration` that finds it.

mod action;
mod checks;
mod choice;
mod cors;
mod forward;
mod led_on;
mod limits;
mod logins;
mod path;
mod preview;

use std::collections::HashMap;

use envoy_types::pb::envoy::config::route::v3::{
    FilterConfig, Route as PbRoute, RouteConfiguration, RouteMatch as PbRouteMatch, ScopedRouteConfiguration,
    VirtualHost as PbVirtualHost,
    scoped_route_configuration::{
        Key,
        key::{Fragment, fragment},
    },
};
use envoy_types::pb::google::protobuf::Any;
use nuncio_ir::auth::SHARE_HEADER;
use nuncio_ir::{BUFFER_LIMIT, FOREIGN_HEADER, Route, RouteAction, RouteMatch, Slot, Table, VirtualHost};

use self::led_on::Choosy;
use crate::listener::{
    CHAIN_HEADER, CORS_FILTER, LOCAL_LIMIT_FILTER, ON_MISS_FILTER, PREVIEW_FILTER, PROBES_FILTER, SCOPE_HEADER,
    SELECT_FILTER,
};
use crate::{Resource, header, matcher, proto};

/// Envoy's own limit; raised for a table that answers with a longer body.
const DIRECT_RESPONSE_BYTES: usize = 4096;

/// The `RouteConfiguration` of a table and its `ScopedRouteConfiguration`, in this order. Both bear
/// the table's name. The scope's version does not change with the routes, and it needs nothing: Envoy
/// asks for the routes only once it has the scope, and sends requests on to `*` until they come.
#[must_use]
pub fn table(table: &Table) -> [Resource; 2] {
    let routes = Resource::new(&table.name.0, nuncio_ir::version(table), &route_configuration(table))
        .needing(table.clusters())
        .needing_rules(table.rule_sets());
    let scope = Resource::new(&table.name.0, nuncio_ir::version(&(&table.name, &table.scope)), &scoped_routes(table));
    [routes, scope]
}

fn scoped_routes(table: &Table) -> ScopedRouteConfiguration {
    let fragment = Fragment { r#type: Some(fragment::Type::StringKey(table.scope.to_string())) };
    ScopedRouteConfiguration {
        name: table.name.to_string(),
        route_configuration_name: table.name.to_string(),
        key: Some(Key { fragments: vec![fragment] }),
        ..Default::default()
    }
}

fn route_configuration(table: &Table) -> RouteConfiguration {
    let exact = &*table.scope.host != "*";
    let longest = table.hosts.iter().flat_map(|host| &host.routes).map(direct_response_bytes).max();
    let limit = longest.filter(|longest| *longest > DIRECT_RESPONSE_BYTES);
    RouteConfiguration {
        name: table.name.to_string(),
        virtual_hosts: table.hosts.iter().map(|host| virtual_host(table, host, exact)).collect(),
        request_headers_to_remove: removed(table),
        response_headers_to_add: table.preview.iter().flat_map(preview::answers).collect(),
        // Order of delivery sees to it that a cluster is there before its routes.
        validate_clusters: Some(proto::boolean(false)),
        typed_per_filter_config: per_filter(table),
        max_direct_response_body_size_bytes: limit.map(|bytes| proto::uint32(u32::try_from(bytes).unwrap_or(u32::MAX))),
        ..Default::default()
    }
}

/// What is for the gateway alone.
fn removed(table: &Table) -> Vec<String> {
    let of_preview = table.preview.iter().map(|_| SHARE_HEADER);
    [SCOPE_HEADER, CHAIN_HEADER, FOREIGN_HEADER].into_iter().chain(of_preview).map(str::to_owned).collect()
}

fn per_filter(table: &Table) -> HashMap<String, Any> {
    checks::of_table().into_iter().chain(limits::of_table(table)).collect()
}

fn direct_response_bytes(route: &Route) -> usize {
    match &route.action {
        RouteAction::Respond(respond) => respond.body.len(),
        RouteAction::Forward(_) | RouteAction::Redirect(_) => 0,
    }
}

fn virtual_host(table: &Table, host: &VirtualHost, exact: bool) -> PbVirtualHost {
    let is_asked = checks::is_asked(host);
    let mut filters = checks::of_host(host, exact);
    if exact {
        filters.extend(unneeded_filters(host, preview::is_of_preview(table)));
    }
    PbVirtualHost {
        name: host.name.to_string(),
        domains: host.domains.iter().map(ToString::to_string).collect(),
        routes: choice::routes(table).into_iter().chain(routes_of(table, host, exact, is_asked)).collect(),
        typed_per_filter_config: filters,
        request_headers_to_add: preview::told(table),
        response_headers_to_add: preview::served_by(table),
        virtual_clusters: preview::counted(table).into_iter().collect(),
        metadata: preview::metadata(table, host),
        ..Default::default()
    }
}

/// Each filter costs every request 1–2 % (see `docs/performance.md`), so an exact host is without those that have
/// nothing to do for most of its routes; routes for which they have switch them on. A request without a
/// route has no virtual host either as far as filters are concerned: all see it, and the route that
/// `on_miss` then finds finds them there.
///
/// Filters that keep limits are the exception: they stay where any route of the host has some, since a filter before
/// them may lead a request to another route than the one by which the filters were chosen.
fn unneeded_filters(host: &VirtualHost, of_preview: bool) -> HashMap<String, Any> {
    let disabled = proto::any(&FilterConfig { disabled: true, ..Default::default() });
    let mut limits = host.routes.iter().filter_map(|route| route.limits.as_deref());
    let local = limits.clone().any(|limits| limits.local.is_some());
    let asked = limits.any(|limits| !limits.descriptors.is_empty());
    let unneeded = [SELECT_FILTER, ON_MISS_FILTER, CORS_FILTER, PROBES_FILTER].into_iter();
    let unneeded = unneeded.chain((!local).then_some(LOCAL_LIMIT_FILTER)).chain((!asked).then_some(Slot::Limit.name()));
    let unneeded = unneeded.chain((!of_preview).then_some(PREVIEW_FILTER));
    unneeded.map(|name| (name.to_owned(), disabled.clone())).collect()
}

/// What the route of an exact host needs of [`unneeded_filters`], and policies.
fn filters(route: &Route, exact: bool, is_asked: bool, choosy: &Choosy<'_>) -> HashMap<String, Any> {
    let mut filters = route.cors.as_deref().map(cors::per_route).unwrap_or_default();
    filters.extend(route.limits.as_deref().and_then(limits::per_route));
    filters.extend(checks::of_route(route, is_asked, choosy));
    filters.extend(logins::per_route(route));
    if exact && route.matches.path.may_take_probes() {
        // An empty configuration switches a filter on.
        let enabled = FilterConfig { config: Some(Any::default()), ..Default::default() };
        filters.insert(PROBES_FILTER.to_owned(), proto::any(&enabled));
    }
    filters
}

/// How much of a request's body is kept where it is more than a connection buffers: to be sent again, or to be shown to who is
/// asked about it.
fn body_limit(route: &Route) -> Option<u32> {
    let again = match &route.action {
        RouteAction::Forward(forward) => {
            let mut arms = forward.arms.iter().filter(|arm| arm.weight > 0);
            arms.find_map(|arm| arm.retry.as_ref()?.body_limit)
        }
        RouteAction::Redirect(_) | RouteAction::Respond(_) => None,
    };
    let shown = route.rules.as_ref().and_then(|check| check.body).filter(|bytes| *bytes > BUFFER_LIMIT);
    again.max(shown)
}

fn routes_of(table: &Table, host: &VirtualHost, exact: bool, is_asked: bool) -> impl Iterator<Item = PbRoute> {
    let choosy = Choosy::of(host);
    host.routes.iter().flat_map(move |route| routes(table, route, exact, is_asked, &choosy))
}

/// Several where the arms of the route have no Envoy route in common.
fn routes(table: &Table, route: &Route, exact: bool, is_asked: bool, choosy: &Choosy<'_>) -> Vec<PbRoute> {
    let known_host = table.preview.as_ref().and_then(|preview| preview.baseline.as_deref());
    let base = PbRoute {
        name: route.name.to_string(),
        r#match: Some(route_match(&route.matches)),
        typed_per_filter_config: filters(route, exact, is_asked, choosy),
        response_headers_to_add: header::additions(&route.response_headers),
        response_headers_to_remove: route.response_headers.remove.clone(),
        request_body_buffer_limit: body_limit(route).map(proto::uint64),
        stat_prefix: table.counted(route).unwrap_or_default().to_owned(),
        ..Default::default()
    };
    let mut routes = match &route.action {
        RouteAction::Forward(forward) => {
            let forward = preview::told_by_arms(table, forward);
            forward::routes(&base, &route.matches.path, &forward, known_host)
        }
        RouteAction::Redirect(redirect) => {
            vec![PbRoute { action: Some(action::redirect(redirect, &route.matches.path)), ..base }]
        }
        RouteAction::Respond(respond) => vec![PbRoute { action: Some(action::respond(respond)), ..base }],
    };
    checks::let_pass(route, is_asked, &mut routes);
    limits::mark(route, &mut routes);
    logins::mark(route, &mut routes);
    preview::mark(table, route, &mut routes);
    routes
}

fn route_match(matches: &RouteMatch) -> PbRouteMatch {
    let (path_specifier, case_sensitive) = path::specifier(&matches.path);
    PbRouteMatch {
        path_specifier: Some(path_specifier),
        case_sensitive: (!case_sensitive).then(|| proto::boolean(false)),
        headers: matches.headers.iter().map(matcher::header).collect(),
        query_parameters: matches.query.iter().map(matcher::query).collect(),
        ..Default::default()
    }
}
