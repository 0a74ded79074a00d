//! The routes of a baseline host as a preview has them.

use std::collections::BTreeMap;
use std::sync::Arc;

use nuncio_ir::auth::RuleSetId;
use nuncio_ir::{
    Arm, Backend, ClusterName, Forward, HeaderAdd, HostRewrite, Redirect, Route, RouteAction, Scope, Table, TableName,
    VirtualHost,
};

use super::{Compiled, Entrance, Replacement, gate};
use crate::compiled::Upstream;
use crate::context::Context;
use crate::coverage::SetKey;
use crate::upstream::{elsewhere, location};

/// Tells clients who answered.
const SERVED_BY: &str = "x-nuncio-served-by";

/// Copies the routes of a baseline host.
pub(crate) struct Shadow<'a> {
    pub(crate) preview: &'a Compiled,
    pub(crate) entrance: &'a Entrance,
    pub(crate) context: &'a Context<'a>,
    pub(crate) base: &'a Base,
}

/// All routes of one host in a class, with what they name.
pub(crate) struct Base {
    pub(crate) table: Arc<Table>,
    pub(crate) upstreams: BTreeMap<ClusterName, Arc<Upstream>>,
    pub(crate) sets: BTreeMap<RuleSetId, SetKey>,
}

impl Base {
    pub(crate) fn routes(&self) -> &[Route] {
        self.table.hosts.first().map_or(&[], |host| &host.routes)
    }
}

/// What a copy sends to.
#[derive(Default)]
pub(crate) struct Copied {
    pub(crate) upstreams: BTreeMap<ClusterName, Arc<Upstream>>,
    pub(crate) sets: BTreeMap<RuleSetId, SetKey>,
    /// Which of the services it replaces, by their places in the spec.
    pub(crate) replaced: Vec<bool>,
}

impl Shadow<'_> {
    /// The table of the preview's host, behind what guards that host itself.
    pub(crate) fn table(
        &self,
        name: TableName,
        class: &Arc<str>,
        guards: Vec<Route>,
        base: &[Route],
    ) -> (Table, Copied) {
        let mut copied = Copied { replaced: vec![false; self.preview.replacements.len()], ..Copied::default() };
        let mut routes = guards;
        if self.preview.gate.is_some() {
            routes.extend(gate::endpoints(&mut copied.sets));
        }
        routes.extend(base.iter().map(|route| self.route(route, &mut copied)));
        let scope = Scope { host: Arc::clone(&self.entrance.name), preview: "".into(), class: Arc::clone(class) };
        let domains = vec!["*".into()];
        let host = VirtualHost { name: Arc::clone(&self.entrance.name), domains, routes, falls_through: false };
        (Table { name, scope, hosts: vec![host] }, copied)
    }

    fn route(&self, base: &Route, copied: &mut Copied) -> Route {
        let mut route = base.clone();
        let mut is_replaced = false;
        match &mut route.action {
            RouteAction::Forward(forward) => is_replaced = self.forward(forward, copied),
            RouteAction::Redirect(redirect) => self.redirect(redirect),
            RouteAction::Respond(_) => {}
        }
        if is_replaced {
            route.origins.push(self.preview.id.clone());
            route.origins.sort_unstable();
        }
        route.rules = gate::held(&route, self.preview.gate.as_ref(), &self.base.sets, &mut copied.sets);
        let by = if is_replaced { "preview" } else { "baseline" };
        let add =
            |name: &str, value: &str, append| HeaderAdd { name: name.to_owned(), value: value.to_owned(), append };
        route.response_headers.add.extend([
            add(SERVED_BY, by, false),
            add("x-robots-tag", "noindex", false),
            // Beside what the service says of it: the strictest counts (RFC 9111, section 4.2.1).
            add("cache-control", "private", true),
        ]);
        route
    }

    /// Sends requests of a replaced service to who replaces it, and all of them: what else had a share of the route is
    /// another version of the same.
    fn forward(&self, forward: &mut Forward, copied: &mut Copied) -> bool {
        let found = forward.arms.iter().find_map(|arm| self.replacement(arm));
        let Some((index, baseline)) = found else {
            forward.arms = forward.arms.iter().map(|arm| self.arm(arm, None)).collect();
            self.keep(forward, copied);
            return false;
        };
        copied.replaced[index] = true;
        let replacement = &self.preview.replacements[index];
        forward.arms.retain(|arm| self.replacement(arm).is_some_and(|(at, _)| at == index));
        if replacement.is_left_to_baseline() {
            forward.arms = forward.arms.iter().map(|arm| self.arm(arm, None)).collect();
            self.keep(forward, copied);
            return false;
        }
        let backend = self.backend(replacement, baseline, copied);
        forward.arms = forward.arms.iter().map(|arm| self.arm(arm, Some(&backend))).collect();
        self.keep(forward, copied);
        true
    }

    fn backend(&self, replacement: &Replacement, baseline: &Upstream, copied: &mut Copied) -> Backend {
        if let Some(reason) = &replacement.missing {
            return Backend::Invalid { status: 503, reason: format!("{}: {reason}", self.preview.id) };
        }
        let upstream = elsewhere(baseline, &replacement.backend.backend, &self.preview.id.namespace, self.context);
        let name = upstream.name().clone();
        copied.upstreams.insert(name.clone(), Arc::new(upstream));
        Backend::Cluster(name)
    }

    /// The same, for the host that the service knows.
    fn arm(&self, arm: &Arc<Arm>, backend: Option<&Backend>) -> Arc<Arm> {
        let known = || HostRewrite::Literal(self.entrance.baseline.to_string());
        let backend = backend.unwrap_or(&arm.backend).clone();
        let host_rewrite = arm.host_rewrite.clone().or_else(|| Some(known()));
        Arc::new(Arm { backend, host_rewrite, ..(**arm).clone() })
    }

    /// Which service an arm is replaced for, by its place in the spec, and where the arm sends.
    fn replacement(&self, arm: &Arm) -> Option<(usize, &Upstream)> {
        let Backend::Cluster(name) = &arm.backend else { return None };
        let upstream = self.base.upstreams.get(name)?;
        let (place, port) = location(upstream)?;
        let is_meant = |it: &Replacement| it.location == place && it.port.is_none_or(|wanted| wanted == port);
        let index = self.preview.replacements.iter().position(is_meant)?;
        Some((index, upstream))
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
        let is_baseline = |host: &String| host.eq_ignore_ascii_case(&self.entrance.baseline);
        if redirect.host.as_ref().is_some_and(is_baseline) {
            redirect.host = None;
            redirect.port = None;
        }
    }
}
