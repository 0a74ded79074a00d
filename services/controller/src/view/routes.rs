//! Routes, in the order in which they are tried.

use std::collections::BTreeSet;

use nuncio_ir::{Arm, Backend, Check, Handler, Model, Route, RouteAction, Table, VirtualHost};

use super::hosts::names;
use super::wants;
use super::words::conditions;
use crate::admin::{BackendView, ListQuery, ObjectRef, RouteView};
use crate::explain::probes;
use crate::policies::rules_for;

/// An entry of the list of routes.
pub(crate) enum Listed<'a> {
    /// The path of a probe, which every listener answers by itself before it looks for a route.
    Probe { path: &'a str, order: usize },
    /// A route, with the host that it is shown for and its place there.
    Route { model: &'a Model, shown: Shown<'a>, order: usize, route: &'a Route },
}

impl Listed<'_> {
    pub(crate) fn view(self) -> RouteView {
        match self {
            Self::Probe { path, order } => RouteView {
                host: "*".to_owned(),
                order,
                name: "probe".to_owned(),
                matches: format!("path {path}"),
                action: "respond".to_owned(),
                status: Some(200),
                backends: Vec::new(),
                asks_auth_service: false,
                rules: Vec::new(),
                origin: Vec::new(),
                table: String::new(),
                counted_as: None,
            },
            Self::Route { model, shown, order, route } => route_view(model, &shown, order, route),
        }
    }
}

/// What requests may get, by host.
pub(crate) fn routes<'a>(model: &'a Model, query: &'a ListQuery) -> impl Iterator<Item = Listed<'a>> {
    let hosts = model.tables.values().flat_map(|table| table.hosts.iter().map(move |host| (&**table, host)));
    let routes = hosts.flat_map(move |(table, host)| {
        let shown = names(table, host).into_iter().find(|name| query.wants_host(name));
        let routes = host.known_routes().enumerate().filter(|(_, route)| wants_route(query, route));
        shown.into_iter().flat_map(move |name| {
            let shown = Shown { table, host, name };
            let listed = |(order, route)| Listed::Route { model, shown: shown.clone(), order, route };
            routes.clone().map(listed).collect::<Vec<_>>()
        })
    });
    built_in(model, query).chain(routes)
}

fn built_in<'a>(model: &'a Model, query: &ListQuery) -> impl Iterator<Item = Listed<'a>> {
    let chains = model.listeners.values().flat_map(|listener| &listener.chains);
    let paths = chains.flat_map(|chain| match &chain.handler {
        Handler::Http(settings) => probes(settings).collect::<Vec<_>>(),
        Handler::Tcp(_) | Handler::Close => Vec::new(),
    });
    let wanted = wants_any(query) && query.wants_host("*");
    let paths: BTreeSet<&str> = paths.filter(|_| wanted).collect();
    paths.into_iter().enumerate().map(|(order, path)| Listed::Probe { path, order })
}

fn wants_any(query: &ListQuery) -> bool {
    query.kind.is_none() && query.name.is_none() && query.namespace.is_none()
}

fn wants_route(query: &ListQuery, route: &Route) -> bool {
    wants_any(query) || route.origins.iter().any(|id| wants(query, id))
}

/// A host, by the name for which it is shown.
#[derive(Clone)]
pub(crate) struct Shown<'a> {
    pub(crate) table: &'a Table,
    pub(crate) host: &'a VirtualHost,
    pub(crate) name: String,
}

pub(crate) fn route_view(model: &Model, shown: &Shown<'_>, order: usize, route: &Route) -> RouteView {
    let (action, status, backends) = match &route.action {
        RouteAction::Forward(forward) => ("forward", None, forward.arms.iter().map(|arm| backend_view(arm)).collect()),
        RouteAction::Redirect(redirect) => ("redirect", Some(redirect.status), Vec::new()),
        RouteAction::Respond(respond) => ("respond", Some(respond.status), Vec::new()),
    };
    RouteView {
        host: shown.name.clone(),
        order,
        name: route.known_name().to_owned(),
        matches: conditions(route),
        action: action.to_owned(),
        status,
        backends,
        asks_auth_service: matches!(route.auth, Check::On(_)),
        rules: rules(model, route),
        origin: route.origins.iter().map(ObjectRef::from).collect(),
        table: shown.table.name.to_string(),
        counted_as: shown.table.counted_as(shown.host, route),
    }
}

pub(super) fn rules(model: &Model, route: &Route) -> Vec<String> {
    rules_for(model, route).map(|rule| rule.origin.to_string()).collect()
}

fn backend_view(arm: &Arm) -> BackendView {
    let (cluster, invalid) = match &arm.backend {
        Backend::Cluster(name) => (Some(name.to_string()), None),
        Backend::Invalid { reason, .. } => (None, Some(reason.clone())),
    };
    BackendView { cluster, weight: arm.weight, invalid }
}
