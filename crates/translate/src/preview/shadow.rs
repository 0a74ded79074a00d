//! The routes of a baseline host as a preview has them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::{PreviewMatch, PreviewedService, added_key};
use nuncio_ir::auth::RuleSetId;
use nuncio_ir::{
    Arm, Backend, ClusterName, Forward, HeaderMatch, Mirror, PreviewContext, PreviewWay, Redirect, Route, RouteAction,
    Scope, StreamBounds, Table, TableName, ValueMatch, VirtualHost,
};

use super::page::{nobody, out_of_service};
use super::trust::Trust;
use super::{Compiled, Entrance, Replacement, gate};
use crate::compiled::Upstream;
use crate::context::Context;
use crate::coverage::{Gate, SetKey};
use crate::mapping::METHOD;
use crate::table::{number_names, table_name};
use crate::upstream::{audience, elsewhere, tunnelled};

/// Copies the routes of a baseline host.
pub(crate) struct Shadow<'a> {
    pub(crate) preview: &'a Compiled,
    pub(crate) face: Face<'a>,
    pub(crate) context: &'a Context<'a>,
    pub(crate) base: &'a Base,
    /// It shows nothing but that it cannot be shown.
    pub(crate) is_out: bool,
}

/// To whom a copy shows.
#[derive(Clone, Copy)]
pub(crate) enum Face<'a> {
    /// To visitors, at a host of its own and behind the gate.
    Own(&'a Entrance),
    /// To services, which hand on the key.
    Internal,
}

/// All routes of a table, with what they name.
pub(crate) struct Base {
    pub(crate) table: Arc<Table>,
    pub(crate) upstreams: BTreeMap<ClusterName, Arc<Upstream>>,
    pub(crate) sets: BTreeMap<RuleSetId, SetKey>,
}

/// What a copy sends to.
#[derive(Default)]
pub(crate) struct Copied {
    pub(crate) upstreams: BTreeMap<ClusterName, Arc<Upstream>>,
    pub(crate) sets: BTreeMap<RuleSetId, SetKey>,
    /// Which of the services it replaces, by their places in the spec.
    pub(crate) replaced: Vec<bool>,
    /// Under which names its requests are counted.
    counted: BTreeMap<PreviewWay, Arc<str>>,
}

impl Shadow<'_> {
    /// The table, behind what guards its host itself.
    pub(crate) fn table(&self, class: &Arc<str>, guards: &[Route]) -> (Table, Copied) {
        let mut copied = Copied { replaced: vec![false; self.preview.replacements.len()], ..Copied::default() };
        let hosts = self.base.table.hosts.iter().map(|host| self.host(host, guards, &mut copied)).collect();
        let (name, scope) = self.place(class);
        let mut table = Table {
            name,
            scope,
            hosts,
            preview: Some(self.told()),
            has_ended: false,
            by_cookie: None,
            strangers: BTreeSet::new(),
        };
        self.keep_from_strangers(&mut table, &copied);
        number_names(&mut table);
        (table, copied)
    }

    /// Notes who is not told the key. Nobody of those is shown requests, either: a copy would have the key.
    fn keep_from_strangers(&self, table: &mut Table, copied: &Copied) {
        let strangers = Trust(&self.preview.policy).strangers(copied.upstreams.values());
        for route in table.hosts.iter_mut().flat_map(|host| &mut host.routes) {
            let RouteAction::Forward(forward) = &route.action else { continue };
            let is_strange = |mirror: &Mirror| strangers.contains(&mirror.cluster);
            if !forward.mirrors.iter().any(is_strange) {
                continue;
            }
            if let RouteAction::Forward(forward) = &mut Arc::make_mut(route).action {
                forward.mirrors.retain(|mirror| !is_strange(mirror));
            }
        }
        table.strangers = strangers;
    }

    /// The name of the table, and which requests find it.
    fn place(&self, class: &Arc<str>) -> (TableName, Scope) {
        match self.face {
            Face::Own(entrance) => {
                let scope = Scope { host: Arc::clone(&entrance.name), preview: "".into(), class: Arc::clone(class) };
                (table_name(class, &entrance.name), scope)
            }
            Face::Internal => {
                let scope = Scope {
                    host: Arc::clone(&self.base.table.scope.host),
                    preview: Arc::clone(&self.preview.key.0),
                    class: Arc::clone(class),
                };
                (table_name(class, &format!("{}+{}", scope.host, self.preview.selector)), scope)
            }
        }
    }

    fn told(&self) -> PreviewContext {
        let (baseline, origin) = match self.face {
            Face::Own(entrance) => (Some(Arc::clone(&entrance.baseline)), Some(Arc::clone(&entrance.origin))),
            Face::Internal => (None, None),
        };
        let all = self.preview.entrances.iter().filter(|_| origin.is_some());
        let entrypoints = all.map(|it| (Arc::clone(&it.baseline), Arc::clone(&it.origin))).collect();
        let Compiled { id, policy, life, .. } = self.preview;
        PreviewContext {
            key: self.preview.key.clone(),
            counted: PreviewWay::Any.counted(&self.preview.selector).into(),
            headers: Arc::clone(&self.preview.headers),
            baseline,
            origin,
            entrypoints,
            by_links: matches!(self.gate(), Some(Gate::ShareLink(_))),
            name: policy.tells_names().then(|| format!("{}.{}", id.namespace, id.name).into()),
            streams: StreamBounds { longest: policy.max_stream(), end: life.fixed },
        }
    }

    fn host(&self, base: &VirtualHost, guards: &[Route], copied: &mut Copied) -> VirtualHost {
        let mut routes: Vec<_> = guards.iter().cloned().map(Arc::new).collect();
        if self.is_out {
            routes.extend(out_of_service().map(|route| Arc::new(self.route(&route, None, copied))));
        } else {
            let endpoints = self.gate().into_iter().flat_map(|_| gate::endpoints(&mut copied.sets));
            routes.extend(endpoints.map(Arc::new));
            routes.extend(base.routes.shared().flat_map(|route| self.routes(route, copied)));
        }
        let routes = routes.into_iter().collect();
        let (name, domains) = match self.face {
            Face::Own(entrance) => (Arc::clone(&entrance.name), vec!["*".into()]),
            Face::Internal => (Arc::clone(&base.name), base.domains.clone()),
        };
        VirtualHost { name, domains, routes, falls_through: false }
    }

    fn gate(&self) -> Option<&Gate> {
        match self.face {
            Face::Own(_) => self.preview.gate.as_ref(),
            Face::Internal => None,
        }
    }

    /// The route as the preview has it: the baseline's own, where that is the same. Before it goes what is for some of its
    /// requests alone.
    fn routes(&self, base: &Arc<Route>, copied: &mut Copied) -> Vec<Arc<Route>> {
        let mut candidates = self.candidates(base);
        let whole = candidates.pop_if(|index| self.preview.replacements[*index].backend.matches.is_none());
        let mut routes = Vec::new();
        for index in candidates {
            let mut narrow = (**base).clone();
            let matches = self.preview.replacements[index].backend.matches.as_ref();
            matches.into_iter().for_each(|matches| narrow.matches.headers.extend(conditions(matches)));
            routes.push(Arc::new(self.route(&narrow, Some(index), copied)));
        }
        let route = self.route(base, whole, copied);
        routes.push(if route == **base { Arc::clone(base) } else { Arc::new(route) });
        routes
    }

    /// What stands in for the service of a route, in this order: what is narrower, and at most one at the end for the rest.
    fn candidates(&self, base: &Route) -> Vec<usize> {
        let RouteAction::Forward(forward) = &base.action else { return Vec::new() };
        let mut of_arms = forward.arms.iter().map(|arm| self.replacements(arm));
        let mut found = of_arms.find(|found| !found.is_empty()).unwrap_or_default();
        let whole = found.iter().position(|index| self.preview.replacements[*index].backend.matches.is_none());
        found.truncate(whole.map_or(found.len(), |at| at + 1));
        found
    }

    /// The route for requests that go to a replacement, or to the baseline.
    fn route(&self, base: &Route, chosen: Option<usize>, copied: &mut Copied) -> Route {
        let mut route = base.clone();
        let mut way = PreviewWay::Any;
        match &mut route.action {
            RouteAction::Forward(forward) => {
                way = self.forward(forward, chosen, copied);
                if way != PreviewWay::Any {
                    let named = copied.counted.entry(way);
                    let named = named.or_insert_with(|| way.counted(&self.preview.selector).into());
                    route.counted = Some(Arc::clone(named));
                }
            }
            RouteAction::Redirect(redirect) => self.redirect(redirect),
            RouteAction::Respond(_) => {}
        }
        if matches!(way, PreviewWay::Preview(_)) {
            route.origins.push(self.preview.id.clone());
            route.origins.sort_unstable();
        }
        // What the policy's headers hold is the key here.
        let headers = &self.preview.headers;
        route.response_headers.add.retain(|add| headers.is_empty() || added_key(&add.value, headers).is_none());
        route.rules = gate::held(&route, self.gate(), &self.base.sets, &mut copied.sets);
        // Who is asked has to see the login, and takes it out.
        route.hides_logins &= route.rules.is_none();
        route
    }

    /// Sends requests of a replaced service to who replaces it, and all of them: what else had a share of the route is
    /// another version of the same.
    fn forward(&self, forward: &mut Forward, chosen: Option<usize>, copied: &mut Copied) -> PreviewWay {
        let way = chosen.map_or(PreviewWay::Any, |index| {
            copied.replaced[index] = true;
            let replacement = &self.preview.replacements[index];
            forward.arms.retain(|arm| self.replacements(arm).contains(&index));
            if replacement.is_left_to_baseline() {
                return PreviewWay::Fallback(index);
            }
            let baseline = forward.arms.first().and_then(|arm| self.upstream(arm));
            let Some((backend, audience)) = baseline.map(|baseline| self.backend(replacement, baseline, copied)) else {
                return PreviewWay::Any;
            };
            for arm in &mut forward.arms {
                let audience = Arc::clone(&audience);
                *arm = Arc::new(Arm { backend: backend.clone(), audience, ..(**arm).clone() });
            }
            PreviewWay::Preview(index)
        });
        self.keep(forward, copied);
        way
    }

    /// Who stands in, and what it is called.
    fn backend(&self, replacement: &Replacement, baseline: &Upstream, copied: &mut Copied) -> (Backend, Arc<str>) {
        if let Some(reason) = &replacement.missing {
            let reason = format!("{}: {reason}", replacement.owner);
            let told = Some(Box::new(nobody(&self.preview.selector, replacement)));
            return (Backend::Invalid { status: 503, reason, told }, "".into());
        }
        let PreviewedService { baseline: name, backend, .. } = &replacement.backend;
        let upstream = match &replacement.socket {
            Some(socket) => tunnelled(baseline, name, socket),
            None => elsewhere(baseline, backend, &replacement.owner.namespace, self.context),
        };
        let name = upstream.name().clone();
        let audience = audience(&upstream);
        copied.upstreams.insert(name.clone(), Arc::new(upstream));
        (Backend::Cluster(name), audience)
    }

    /// What stands in for the service of an arm, by their places in the spec.
    fn replacements(&self, arm: &Arm) -> Vec<usize> {
        let Some(upstream) = self.upstream(arm) else { return Vec::new() };
        let all = self.preview.replacements.iter().enumerate();
        all.filter(|(_, it)| it.replaces(upstream)).map(|(index, _)| index).collect()
    }

    /// Where an arm of the baseline sends.
    fn upstream(&self, arm: &Arm) -> Option<&Upstream> {
        let Backend::Cluster(name) = &arm.backend else { return None };
        self.base.upstreams.get(name).map(|upstream| &**upstream)
    }

    /// Notes the clusters of the baseline that it still sends to.
    fn keep(&self, forward: &Forward, copied: &mut Copied) {
        let of_arms = forward.arms.iter().filter_map(|arm| match &arm.backend {
            Backend::Cluster(name) => Some(name),
            Backend::Invalid { .. } => None,
        });
        for name in of_arms.chain(forward.mirrors.iter().map(|mirror| &mirror.cluster)) {
            if let Some(upstream) = self.base.upstreams.get(name) {
                copied.upstreams.insert(name.clone(), Arc::clone(upstream));
            }
        }
    }

    /// What leads to another page of the baseline's host stays within the preview.
    fn redirect(&self, redirect: &mut Redirect) {
        let Face::Own(entrance) = self.face else { return };
        let is_baseline = |host: &String| host.eq_ignore_ascii_case(&entrance.baseline);
        if redirect.host.as_ref().is_some_and(is_baseline) {
            redirect.host = None;
            redirect.port = None;
        }
    }
}

/// What holds of the requests that are meant.
fn conditions(matches: &PreviewMatch) -> impl Iterator<Item = HeaderMatch> {
    let condition = |name: &str, value| HeaderMatch { name: name.to_owned(), value, invert: false };
    let exact = |value: &String| ValueMatch::Exact(value.clone());
    let prefix = |value: &String| ValueMatch::Prefix { value: value.clone(), ignore_case: false };
    let path = matches.prefix.iter().map(move |text| condition(":path", prefix(text)));
    let method = matches.method.iter().map(move |text| condition(METHOD, exact(text)));
    let headers = matches.headers.iter().map(move |(name, value)| condition(&name.to_ascii_lowercase(), exact(value)));
    path.chain(method).chain(headers)
}
