//! What the gateway does with each operation of an API, as its reader may know it: the routes that requests may get, and what
//! these hold them to. The controller tells; nothing is matched here.

mod addresses;
mod words;

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde::Serialize;
use utoipa::ToSchema;

use self::addresses::joined;

use super::reference::access_words;
use super::visit::Visit;
use crate::catalog::Entry;
use crate::console;
use crate::gateway::{
    AskedOperation, AskedOperations, Credential, HealthChecks, LimitTerm, ObjectRef, OperationLimit, Retry,
    ToldOperation, ToldOperations, ToldRoute, UpstreamHealth,
};
use crate::mount::Mount;
use crate::reference::{Operation, Unrouted};
use crate::routed::MOST_ADDRESSES;

/// What becomes of requests for an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Edge {
    /// The routes that they may get, in the order in which they are tried: all but the last ask for something besides method
    /// and path. Those that the reader may not know are left out, but for the last.
    pub(crate) routes: Vec<EdgeRoute>,
    /// Some requests get no route at all.
    pub(crate) has_rest: bool,
}

/// A route that requests for an operation may get.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct EdgeRoute {
    /// The objects that it was made from; none where the reader may not know them.
    pub(crate) objects: Vec<EdgeObject>,
    /// It leads to another service than the one whose document this is.
    pub(crate) is_elsewhere: bool,
    /// What it asks of a request besides method and path: `x-version v2`.
    pub(crate) conditions: Vec<String>,
    /// The addresses at which requests may get it, where that is not so at all addresses of the API.
    pub(crate) addresses: Vec<String>,
    /// Why only Envoy knows whether it takes a request.
    pub(crate) doubt: Option<String>,
    /// The status with which the gateway answers itself, where it does.
    pub(crate) status: Option<u16>,
    /// What a request has to show, in words. Empty where nobody is asked.
    pub(crate) access: Vec<String>,
    /// What lets a request through: any of these sets.
    #[serde(skip)]
    #[schema(ignore)]
    pub(crate) demands: Vec<Vec<Credential>>,
    /// What it is held to.
    pub(crate) limits: Vec<EdgeLimit>,
    /// Somebody is asked whether it is within limits that only he knows.
    pub(crate) is_limited_elsewhere: bool,
    /// Milliseconds for the whole answer; 0 is no limit.
    pub(crate) timeout_ms: u64,
    /// Milliseconds without a byte, where the route says so; 0 is no limit.
    pub(crate) idle_timeout_ms: Option<u64>,
    /// Milliseconds for a connection to the service to be made.
    pub(crate) connect_timeout_ms: Option<u64>,
    /// When it is tried again.
    pub(crate) retry: Option<Retry>,
    /// How those are whom it leads to.
    pub(crate) upstreams: Vec<EdgeUpstream>,
}

/// An object of the gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct EdgeObject {
    /// `Mapping shop/cart`.
    pub(crate) title: String,
    /// Its page in the console, where that is for the reader.
    pub(crate) link: Option<String>,
}

/// A limit, with its words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct EdgeLimit {
    /// `100 a minute per client address`.
    pub(crate) words: String,
    #[serde(flatten)]
    limit: OperationLimit,
}

/// How the endpoints of a service are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct EdgeUpstream {
    /// `2 of 3 endpoints healthy`.
    pub(crate) words: String,
    /// The service, for operators alone.
    pub(crate) service: Option<String>,
    /// Some of them take no requests, or there are none.
    pub(crate) is_ill: bool,
    checks: HealthChecks,
    endpoints: Option<u64>,
    healthy: Option<u64>,
}

impl Edge {
    /// Whether no request gets anywhere.
    pub(crate) fn is_lost(&self) -> bool {
        self.routes.is_empty()
    }

    /// Whether a request that asks for nothing in particular gets to another service.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.routes.last().is_some_and(|last| last.is_elsewhere && last.takes_all())
    }
}

impl EdgeRoute {
    /// Whether it takes whatever has the method and path.
    pub(crate) fn takes_all(&self) -> bool {
        self.conditions.is_empty() && self.doubt.is_none() && self.addresses.is_empty()
    }
}

/// What the gateway does with these operations of an API, each; nothing where that cannot be told.
pub(crate) async fn edges(site: &Visit, entry: &Entry, operations: &[&Operation]) -> Vec<Option<Edge>> {
    let is_asked = |operation: &&&Operation| operation.unrouted != Some(Unrouted::Path);
    let asked: Vec<_> = operations.iter().filter(is_asked).collect();
    let questions = asked.iter().map(|operation| AskedOperation { method: &operation.method, path: &operation.sample });
    let questions: Vec<_> = questions.collect();
    let told = match &entry.api.mount {
        Ok(mount) if !asked.is_empty() => told(site, mount, &questions).await,
        _ => None,
    };
    let Some(told) = told else { return operations.iter().map(|_| None).collect() };
    let upstreams = told.iter().flat_map(|told| told.upstreams.clone()).collect();
    let reader = Reader { site, entry, upstreams };
    let mut places = 0..asked.len();
    let mut edge = |operation: &&Operation| {
        let place = Some(operation).filter(is_asked).and_then(|_| places.next())?;
        let of_each: Option<Vec<_>> = told.iter().map(|told| told.operations.get(place).cloned()).collect();
        Some(reader.edge(&of_each?))
    };
    operations.iter().map(&mut edge).collect()
}

/// What the controller says at each address.
async fn told(site: &Visit, mount: &Mount, operations: &[AskedOperation<'_>]) -> Option<Vec<ToldOperations>> {
    let ask = |origin: &String| {
        let asked = AskedOperations { origin: origin.clone(), operations: operations.to_vec() };
        async move { site.console.admin.operations(&asked).await }
    };
    let told = join_all(mount.addresses.iter().take(MOST_ADDRESSES).map(ask)).await;
    let told: Result<Vec<_>, _> = told.into_iter().collect();
    told.inspect_err(|error| tracing::debug!("{error}")).ok()
}

/// Who is told of an API's operations.
struct Reader<'a> {
    site: &'a Visit,
    entry: &'a Entry,
    upstreams: BTreeMap<String, UpstreamHealth>,
}

impl Reader<'_> {
    fn edge(&self, of_each: &[ToldOperation]) -> Edge {
        let has_rest = of_each.iter().any(|told| told.otherwise.is_some());
        let met = joined(of_each);
        let count = met.len();
        let routes = met.into_iter().enumerate();
        let routes = routes.filter_map(|(place, (route, at))| {
            let addresses =
                at.into_iter().filter_map(|address| self.entry.api.mount.as_ref().ok()?.origins.get(address));
            let addresses = addresses.cloned().collect();
            Some(EdgeRoute { addresses, ..self.route(route, !has_rest && place + 1 == count)? })
        });
        Edge { routes: routes.collect(), has_rest }
    }

    /// A route; nothing of one that the reader may not know, but that it is there if it is the last.
    fn route(&self, route: ToldRoute, is_last: bool) -> Option<EdgeRoute> {
        let is_elsewhere = self.is_elsewhere(&route);
        let objects: Vec<_> = route.origin.iter().filter_map(|object| self.object(object)).collect();
        if objects.is_empty() {
            return is_last.then(|| EdgeRoute { is_elsewhere: true, ..EdgeRoute::default() });
        }
        let texts = self.site.texts();
        let upstreams: Vec<_> = route.clusters.iter().filter_map(|name| self.upstreams.get(name)).collect();
        let limits = route.limits.into_iter().map(|limit| self.limit(limit));
        let connect_timeout_ms = upstreams.iter().map(|upstream| upstream.connect_timeout_ms).max();
        let mut upstreams: Vec<_> = upstreams.into_iter().map(|upstream| self.upstream(upstream)).collect();
        // Without their names some are the same.
        upstreams.dedup();
        Some(EdgeRoute {
            objects,
            is_elsewhere,
            conditions: route.conditions,
            addresses: Vec::new(),
            doubt: route.doubt,
            status: route.status,
            access: access_words(&route.credentials, texts),
            demands: route.security.unwrap_or_else(|| vec![route.credentials]),
            limits: limits.collect(),
            is_limited_elsewhere: route.is_limited_elsewhere,
            timeout_ms: route.timeout_ms,
            idle_timeout_ms: route.idle_timeout_ms,
            connect_timeout_ms,
            retry: route.retry,
            upstreams,
        })
    }

    /// Whether it leads to another service.
    fn is_elsewhere(&self, route: &ToldRoute) -> bool {
        let own = &self.entry.api.served.upstream.service;
        let mut services = route.clusters.iter().filter_map(|name| self.upstreams.get(name));
        route.action == "forward" && !route.clusters.is_empty() && !services.any(|upstream| upstream.service == *own)
    }

    fn object(&self, object: &ObjectRef) -> Option<EdgeObject> {
        let ObjectRef { kind, namespace, name } = object;
        let link = || console::object_link(kind, namespace, name);
        self.site.may_see_route(std::slice::from_ref(object)).then(|| EdgeObject {
            title: format!("{kind} {namespace}/{name}"),
            link: self.site.sees_console().then(link),
        })
    }

    /// What only the gateway knows of requests is for its operators.
    fn limit(&self, mut limit: OperationLimit) -> EdgeLimit {
        if !self.site.is_by_operator() {
            let is_public = |term: &LimitTerm| !matches!(term, LimitTerm::Gateway { .. });
            limit.per.retain(is_public);
            limit.only.retain(is_public);
        }
        EdgeLimit { words: words::limit(&limit, self.site.texts()), limit }
    }

    fn upstream(&self, upstream: &UpstreamHealth) -> EdgeUpstream {
        let UpstreamHealth { service, checks, endpoints, members, healthy, .. } = upstream;
        let is_ill = *endpoints == Some(0) || members.zip(*healthy).is_some_and(|(members, healthy)| healthy < members);
        EdgeUpstream {
            words: words::health(upstream, self.site.texts()),
            service: self.site.is_by_operator().then(|| service.clone()),
            is_ill,
            checks: *checks,
            endpoints: members.or(*endpoints),
            healthy: *healthy,
        }
    }
}
