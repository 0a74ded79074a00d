//! What a portal is told of everything that sends requests to a service.

use std::collections::{BTreeMap, BTreeSet};

use nuncio_api::{DevPortal, Docs, ObjectId, Spec};
use nuncio_ir::{
    Cluster, Discovery, FilterChain, Handler, HostRewrite, Listener, Model, PathMatch, PathRewrite, Route, RouteMatch,
    ValueMatch,
};
use nuncio_translate::{PublicName, Served, World};

use super::credentials::{credentials, key_secrets, removed_headers};
use super::hosts::http_chains;
use super::routes::rules;
use super::{endpoints, service_of, wants, words};
use crate::admin::{
    ApiView, CredentialView, DocsView, ListQuery, ObjectRef, PathView, PublicHostView, RewriteView, UpstreamTlsView,
    UpstreamView,
};
use crate::explain::tls_chain;
use crate::policies::is_always_asked;

/// What is asked of requests on the way, by the object that their route comes from.
struct Checks<'a> {
    model: &'a Model,
    removed_headers: Vec<String>,
    routes: BTreeMap<&'a ObjectId, Vec<&'a Route>>,
}

impl<'a> Checks<'a> {
    fn of(model: &'a Model) -> Self {
        // What a preview asks, it asks at its own host.
        let baseline = model.tables.values().filter(|table| table.preview.is_none());
        let hosts = baseline.flat_map(|table| &table.hosts);
        let mut routes: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for route in hosts.flat_map(|host| &host.routes) {
            route.origins.iter().for_each(|origin| routes.entry(origin).or_default().push(route));
        }
        Self { model, removed_headers: removed_headers(model), routes }
    }

    fn of_object(&self, id: &ObjectId) -> impl Iterator<Item = &'a Route> {
        self.routes.get(id).into_iter().flatten().copied()
    }

    /// Those that may apply on any of its hosts, each once.
    fn rules(&self, id: &ObjectId) -> Vec<String> {
        let rules: BTreeSet<_> = self.of_object(id).flat_map(|route| rules(self.model, route)).collect();
        rules.into_iter().collect()
    }

    fn credentials(&self, id: &ObjectId) -> Vec<CredentialView> {
        let all: BTreeSet<_> = self.of_object(id).flat_map(|route| credentials(self.model, route)).collect();
        all.into_iter().collect()
    }

    /// The Secrets whose keys let its requests through.
    fn key_secrets(&self, world: &World, id: &ObjectId) -> Vec<String> {
        let all: BTreeSet<_> = self.of_object(id).flat_map(|route| key_secrets(world, route)).collect();
        all.into_iter().collect()
    }

    fn is_always_asked(&self, id: &ObjectId) -> bool {
        let mut routes = self.of_object(id).filter(|route| !route.is_bearing()).peekable();
        routes.peek().is_some() && routes.all(|route| is_always_asked(self.model, route))
    }

    fn asks_auth_service(&self, id: &ObjectId) -> bool {
        self.of_object(id).any(|route| matches!(route.auth, nuncio_ir::Check::On(_)))
    }
}

/// All that the query wants, in the order of the objects.
pub(super) fn apis(world: &World, query: &ListQuery) -> Vec<ApiView> {
    let checks = Checks::of(world.model());
    let portal = world.dev_portal().map(|(_, portal)| portal);
    let mut apis: Vec<_> = world
        .served()
        .filter(|served| wants(query, served.origin()))
        .map(|served| view(world, &checks, portal, served))
        .collect();
    apis.sort_by(|a, b| (&a.id.namespace, &a.id.name, &a.id.kind).cmp(&(&b.id.namespace, &b.id.name, &b.id.kind)));
    apis
}

fn view(world: &World, checks: &Checks<'_>, portal: Option<&DevPortal>, served: Served<'_>) -> ApiView {
    let (id, matches, arm) = (served.origin(), served.matches(), served.arm());
    let method =
        matches.headers.iter().find(|header| header.name == ":method").and_then(|header| match &header.value {
            ValueMatch::Exact(method) => Some(method.clone()),
            _ => None,
        });
    let host = match &arm.host_rewrite {
        Some(HostRewrite::Literal(host)) => Some(host.clone()),
        Some(HostRewrite::Endpoint) | None => None,
    };
    let annotations = annotations(world, served);
    ApiView {
        id: ObjectRef::from(id),
        labels: served.labels().clone(),
        selected: portal.is_none_or(|portal| portal.selects(&id.namespace, served.labels())),
        docs: placed(docs(world, id, matches, served.rewrite()), &annotations),
        annotations,
        path: path(&matches.path),
        rewrite: served.rewrite().map(rewrite),
        conditions: words::beside_path(matches, method.is_some()),
        method,
        hosts: hosts(world, served),
        upstream: UpstreamView { host, ..upstream(world.model(), served.cluster()) },
        rules: checks.rules(id),
        asks_auth_service: checks.asks_auth_service(id),
        credentials: checks.credentials(id),
        key_secrets: checks.key_secrets(world, id),
        always_asked: checks.is_always_asked(id),
        removed_headers: checks.removed_headers.clone(),
        timeout_ms: u64::try_from(arm.timeout.as_millis()).unwrap_or(u64::MAX),
    }
}

fn docs(world: &World, id: &ObjectId, matches: &RouteMatch, rewrite: Option<&PathRewrite>) -> Option<DocsView> {
    let Spec::Mapping(mapping) = &world.object(id)?.spec else { return None };
    let written = mapping.docs.as_deref().filter(|written| !written.is_null())?;
    let docs = match Docs::read(written) {
        Ok(docs) => docs,
        Err(wrong) => {
            let visible_to = Docs::groups(written);
            let invalid = wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            return Some(DocsView { invalid: Some(invalid), visible_to, ..DocsView::default() });
        }
    };
    let Docs { path, url, ignored, display_name, timeout_ms, visible_to } = docs;
    let ignored = ignored.unwrap_or(false);
    let mut view = DocsView { path: None, url, ignored, display_name, timeout_ms, invalid: None, visible_to };
    match path.map(|path| upstream_path(&matches.path, rewrite, &path)) {
        Some(Ok(path)) => view.path = Some(path),
        Some(Err(invalid)) if view.url.is_none() => view.invalid = Some(invalid),
        _ => {}
    }
    Some(view)
}

/// The annotation that says of a Service, or of a Mapping, where the document is: a path at the service, or a URL.
const OPENAPI: &str = "nuncio.dev/openapi";

/// What is said of the API in annotations: of the object itself, else of the Service that it sends to.
fn annotations(world: &World, served: Served<'_>) -> BTreeMap<String, String> {
    let mut annotations = world.service_of(served).map(|service| service.annotations.clone()).unwrap_or_default();
    annotations.extend(world.object(served.origin()).into_iter().flat_map(|object| object.annotations.clone()));
    annotations
}

/// With the place that the annotation says, where `docs` says none.
fn placed(docs: Option<DocsView>, annotations: &BTreeMap<String, String>) -> Option<DocsView> {
    let has_place = |docs: &DocsView| docs.path.is_some() || docs.url.is_some() || docs.invalid.is_some();
    let Some(place) = annotations.get(OPENAPI).map(|place| place.trim()) else { return docs };
    if docs.as_ref().is_some_and(has_place) {
        return docs;
    }
    let docs = docs.unwrap_or_default();
    Some(match place {
        _ if place.starts_with('/') => DocsView { path: Some(place.to_owned()), ..docs },
        _ if place.starts_with("https://") || place.starts_with("http://") => {
            DocsView { url: Some(place.to_owned()), ..docs }
        }
        _ => DocsView { invalid: Some(format!("{OPENAPI}: expected a path (/…) or a URL")), ..docs },
    })
}

/// The path that a request for the prefix and what is below it has when it reaches the service.
fn upstream_path(matched: &PathMatch, rewrite: Option<&PathRewrite>, below: &str) -> Result<String, String> {
    let before = match (matched, rewrite) {
        (_, Some(PathRewrite::Regex { .. })) => {
            return Err("path: an expression rewrites paths, so the service's own is not known; say url".to_owned());
        }
        (PathMatch::Regex(_), _) => {
            return Err("path: the prefix is an expression, so there is no path below it; say url".to_owned());
        }
        (_, Some(PathRewrite::Matched(replaced) | PathRewrite::Full(replaced))) => replaced,
        (PathMatch::Prefix { value, .. } | PathMatch::Exact { value, .. } | PathMatch::Segments(value), None) => value,
    };
    Ok(format!("{}/{}", before.trim_end_matches('/'), below.trim_start_matches('/')))
}

fn path(path: &PathMatch) -> PathView {
    match path {
        PathMatch::Prefix { value, .. } => PathView::Prefix(value.clone()),
        PathMatch::Segments(value) => PathView::Segments(value.clone()),
        PathMatch::Exact { value, .. } => PathView::Exact(value.clone()),
        PathMatch::Regex(value) => PathView::Regex(value.clone()),
    }
}

fn rewrite(rewrite: &PathRewrite) -> RewriteView {
    match rewrite {
        PathRewrite::Matched(text) => RewriteView::Matched(text.clone()),
        PathRewrite::Full(text) => RewriteView::Full(text.clone()),
        PathRewrite::Regex { pattern, .. } => RewriteView::Regex(pattern.clone()),
    }
}

fn hosts(world: &World, served: Served<'_>) -> Vec<PublicHostView> {
    let mut hosts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in world.public_names(served).into_iter().filter(|name| is_public(world.model(), &name.class)) {
        let urls = if name.host.contains('*') { BTreeSet::new() } else { urls(world.model(), &name) };
        let known = hosts.entry(name.host).or_default();
        known.extend(urls);
        // `https` before `http`.
        known.sort_by(|a, b| b.starts_with("https:").cmp(&a.starts_with("https:")).then_with(|| a.cmp(b)));
        known.dedup();
    }
    hosts.into_iter().map(|(host, urls)| PublicHostView { host, urls }).collect()
}

/// The chains by which clients come in. By the others services call each other, and nobody else must reach those.
fn public_chains<'a>(model: &'a Model, class: &str) -> impl Iterator<Item = (&'a Listener, &'a FilterChain)> {
    let is_internal = |chain: &FilterChain| matches!(&chain.handler, Handler::Http(settings) if settings.is_internal());
    http_chains(model, class).filter(move |(_, chain)| !is_internal(chain))
}

fn is_public(model: &Model, class: &str) -> bool {
    public_chains(model, class).next().is_some()
}

/// Where a name is reached.
fn urls(model: &Model, name: &PublicName) -> BTreeSet<String> {
    public_chains(model, &name.class).filter_map(|(listener, chain)| url(listener, chain, name)).collect()
}

fn url(listener: &Listener, chain: &FilterChain, name: &PublicName) -> Option<String> {
    let by_tls = tls_chain(listener, Some(&name.host)).filter(|chain| matches!(chain.handler, Handler::Http(_)));
    let (scheme, usual) = match (&chain.tls, by_tls) {
        (Some(_), Some(takes)) if takes.name == chain.name => ("https", 443),
        // A port for TLS that answers clear text as well is not told as one for that.
        (None, None) if name.clear_text => ("http", 80),
        _ => return None,
    };
    let port = listener.address.port();
    let port = if port == usual { String::new() } else { format!(":{port}") };
    Some(format!("{scheme}://{}{port}", name.host))
}

pub(super) fn upstream(model: &Model, cluster: &Cluster) -> UpstreamView {
    let names = match &cluster.discovery {
        Discovery::Dns { hosts, .. } => hosts.iter().map(|(host, port)| format!("{host}:{port}")).collect(),
        _ => Vec::new(),
    };
    UpstreamView {
        cluster: cluster.name.to_string(),
        service: service_of(&cluster.name).to_owned(),
        endpoints: endpoints(model, cluster),
        names,
        tls: cluster.tls.as_ref().map(|tls| UpstreamTlsView {
            sni: tls.sni.clone(),
            verified: tls.authorities.is_some(),
            authorities: tls.authorities.as_ref().map(ToString::to_string),
            shows_certificate: tls.certificate.is_some(),
            certificate: tls.certificate.as_ref().map(ToString::to_string),
        }),
        host: None,
    }
}

#[cfg(test)]
mod tests;
