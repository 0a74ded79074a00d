//! Routes and whom they lead to, as they are told to a portal.

use std::collections::BTreeMap;
use std::time::Duration;

use nuncio_ir::{Arm, Backend, Cluster, ClusterName, Discovery, Model, Retry, Route, RouteAction};
use nuncio_translate::World;
use nuncio_xds::Server;

use super::limits::{Counter, Held};
use super::{Known, Way};
use crate::admin::{CredentialView, HealthChecks, ObjectRef, OperationRouteView, RetryView, UpstreamHealthView};
use crate::explain::protection::as_filters_see_it;
use crate::explain::request::Request;
use crate::policies::{Demands, Policies};
use crate::view::{counted_as, credentials_of, endpoints, service_of};

/// Tells of routes; what many have in common is looked up once.
pub(super) struct Teller<'m> {
    model: &'m Model,
    policies: Policies<'m>,
    known: Known<'m>,
    counter: Counter<'m>,
    clusters: BTreeMap<&'m ClusterName, &'m Cluster>,
}

impl<'m> Teller<'m> {
    pub(super) fn new(world: &'m World, server: Option<&Server>, known: Known<'m>) -> Self {
        let model = world.model();
        let (policies, counter) = (Policies::new(model), Counter::new(world, server));
        Self { model, policies, known, counter, clusters: BTreeMap::new() }
    }

    /// A route that a request may get.
    pub(super) fn route(&mut self, Way { route, open }: Way<'m>, request: &Request) -> OperationRouteView {
        let arms = match &route.action {
            RouteAction::Forward(forward) => &forward.arms[..],
            RouteAction::Redirect(_) | RouteAction::Respond(_) => &[],
        };
        let (action, status) = match &route.action {
            RouteAction::Forward(_) => ("forward", None),
            RouteAction::Redirect(redirect) => ("redirect", Some(redirect.status)),
            RouteAction::Respond(respond) => ("respond", Some(respond.status)),
        };
        // Arms of one route hardly ever differ in these; the one with most of the requests speaks for all.
        let first = arms.iter().max_by_key(|arm| arm.weight);
        let Held { limits, is_elsewhere } = self.counter.held(route, request);
        let (credentials, security) = self.shown(route, request);
        OperationRouteView {
            origin: route.origins.iter().map(ObjectRef::from).collect(),
            conditions: open.conditions,
            doubt: open.doubt,
            action: action.to_owned(),
            status,
            credentials,
            security,
            limits,
            is_limited_elsewhere: is_elsewhere,
            timeout_ms: first.map_or(0, |arm| millis(arm.timeout)),
            idle_timeout_ms: first.and_then(|arm| arm.idle_timeout).map(millis),
            retry: first.and_then(|arm| arm.retry.as_ref()).map(retry),
            clusters: arms.iter().filter_map(|arm| self.cluster(arm)).collect(),
        }
    }

    /// What requests may have to show on the route, and what lets them through: any one of these. None where they are refused
    /// whatever they show.
    fn shown(&self, route: &Route, request: &Request) -> (Vec<CredentialView>, Vec<Vec<CredentialView>>) {
        let asked = as_filters_see_it(request);
        let Ok(chain) = self.policies.chain(route, &asked) else {
            return (vec![CredentialView::Other], Vec::new());
        };
        let service = self.policies.auth_service(route);
        let credentials = credentials_of(self.model, service, chain.filters()).into_iter().collect();
        let may_have = |name: &str| request.may_have(name);
        let Known { cache, edition } = self.known;
        let of_filters = match &route.rules {
            Some(check) => cache.of_filters(edition, &check.set, self.model, chain, &asked, &may_have),
            None => Demands::of_filters(self.model, chain, &asked, &may_have),
        };
        let security = Demands::<CredentialView>::of_auth_service(service).and(&of_filters);
        (credentials, security.into_lists())
    }

    /// The cluster of an arm, which is told of as well.
    fn cluster(&mut self, arm: &Arm) -> Option<String> {
        let Backend::Cluster(name) = &arm.backend else { return None };
        let (name, cluster) = self.model.clusters.get_key_value(name)?;
        self.clusters.insert(name, cluster);
        Some(name.to_string())
    }

    /// Whom all the routes lead to.
    pub(super) fn upstreams(self) -> BTreeMap<String, UpstreamHealthView> {
        let upstream = |(name, cluster): (&ClusterName, &Cluster)| (name.to_string(), health(self.model, cluster));
        self.clusters.into_iter().map(upstream).collect()
    }
}

fn health(model: &Model, cluster: &Cluster) -> UpstreamHealthView {
    let checks = match (cluster.health_checks.is_empty(), &cluster.outlier_detection) {
        (false, _) => HealthChecks::Active,
        (true, Some(_)) => HealthChecks::Passive,
        (true, None) => HealthChecks::None,
    };
    let is_resolved = matches!(cluster.discovery, Discovery::Dns { .. });
    UpstreamHealthView {
        service: service_of(&cluster.name).to_owned(),
        connect_timeout_ms: millis(cluster.connect_timeout),
        checks,
        endpoints: (!is_resolved).then(|| endpoints(model, cluster).len()),
        members: None,
        healthy: None,
        counted: counted_as(cluster),
    }
}

fn retry(Retry { on, retries, per_try_timeout, .. }: &Retry) -> RetryView {
    RetryView { on: on.clone(), retries: *retries, per_try_timeout_ms: per_try_timeout.map(millis) }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
