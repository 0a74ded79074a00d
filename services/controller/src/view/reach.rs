//! Which routes an object reaches: those that it makes, and those whose requests meet it on their way.

use std::collections::BTreeSet;
use std::sync::Arc;

use nuncio_api::{Kind, ObjectId};
use nuncio_ir::auth::FilterRef;
use nuncio_ir::{Check, Cluster, ClusterName, Handler, Model, Route, SecretName, Slot, Table, VirtualHost};
use nuncio_translate::{Resources, World};

use super::clusters::clusters_of;
use super::hosts::{http_chains, names};
use crate::explain::tls_chain;
use crate::policies::{Rates, inherited, named, rule_set, rules_for};

/// An object, and what it is part of.
pub(super) struct Reach<'w> {
    world: &'w World,
    model: &'w Model,
    /// The object, and those that name it where it is part of nothing by itself.
    objects: Vec<ObjectId>,
    resources: Resources,
    /// What the requests of a listener see.
    classes: BTreeSet<Arc<str>>,
    rates: Rates<'w>,
}

impl<'w> Reach<'w> {
    /// Of objects that are all there is of one.
    pub(super) fn of(world: &'w World, ids: Vec<ObjectId>) -> Self {
        let model = world.model();
        let mut objects: Vec<_> = ids.into_iter().filter(|id| world.object(id).is_some()).collect();
        objects.extend(objects.iter().flat_map(|id| world.users_of(id)).collect::<Vec<_>>());
        let mut resources = Resources::default();
        for Resources { listeners, extensions, secrets, endpoints, filters, rule_sets, .. } in
            objects.iter().filter(|id| id.kind != Kind::TCPMapping).map(|id| world.resources_of(id))
        {
            resources.listeners.extend(listeners);
            resources.extensions.extend(extensions);
            resources.secrets.extend(secrets);
            resources.endpoints.extend(endpoints);
            resources.filters.extend(filters);
            resources.rule_sets.extend(rule_sets);
        }
        let listeners = resources.listeners.iter().filter_map(|name| model.listeners.get(name));
        let chains = listeners.flat_map(|listener| &listener.chains);
        let classes = chains.filter_map(|chain| match &chain.handler {
            Handler::Http(settings) => Some(Arc::clone(&settings.class)),
            Handler::Tcp(_) | Handler::Close => None,
        });
        Self { world, model, classes: classes.collect(), objects, resources, rates: Rates::of(model) }
    }

    /// Whether it reaches all routes of a host: it listens for it, speaks for it, or is shown to its clients.
    pub(super) fn takes_host(&self, table: &Table, host: &VirtualHost) -> bool {
        let class = &table.scope.class;
        let is_by_name = |name: &String| {
            self.world.speaker(class, name).is_some_and(|id| self.objects.contains(id)) || self.is_shown(class, name)
        };
        self.classes.contains(class) || names(table, host).iter().any(is_by_name)
    }

    /// Whether clients of a name are shown one of its certificates, or asked for theirs by it.
    fn is_shown(&self, class: &str, name: &str) -> bool {
        let secrets = &self.resources.secrets;
        let is_used = |name: &SecretName| secrets.contains(name);
        !secrets.is_empty()
            && http_chains(self.model, class).any(|(listener, _)| {
                tls_chain(listener, Some(name)).and_then(|chain| chain.tls.as_ref()).is_some_and(|tls| {
                    is_used(&tls.certificate) || tls.client.as_ref().is_some_and(|client| is_used(&client.authorities))
                })
            })
    }

    /// Whether it reaches a route by itself.
    pub(super) fn takes(&self, route: &Route) -> bool {
        route.origins.iter().any(|origin| self.objects.contains(origin))
            || clusters_of(route).any(|name| self.is_upstream(name))
            || self.is_asked(route)
            || self.is_in_rules(route)
            || self.limits(route)
    }

    /// Whether it has endpoints of the cluster, or what is shown to them or trusted.
    fn is_upstream(&self, name: &ClusterName) -> bool {
        let secrets = |cluster: &Cluster| {
            let tls = cluster.tls.iter().flat_map(|tls| [&tls.certificate, &tls.authorities]).flatten();
            tls.into_iter().any(|name: &SecretName| self.resources.secrets.contains(name))
        };
        self.resources.endpoints.contains(name)
            || !self.resources.secrets.is_empty()
                && self.model.clusters.get(name).is_some_and(|cluster| secrets(cluster))
    }

    fn is_asked(&self, route: &Route) -> bool {
        let is_in = |slot| self.resources.extensions.contains(&slot);
        let by_service = is_in(Slot::Auth) && matches!(route.auth, Check::On(_));
        by_service || is_in(Slot::Limit) && route.limits.as_deref().is_some_and(|limits| !limits.descriptors.is_empty())
    }

    /// Whether it is a policy with a rule for requests of the route, or a filter that such a rule names.
    fn is_in_rules(&self, route: &Route) -> bool {
        if self.resources.filters.is_empty() && self.resources.rule_sets.is_empty() {
            return false;
        }
        let gate = rule_set(self.model, route).into_iter().flat_map(|set| &set.gate);
        gate.chain(rules_for(self.model, route).flat_map(|rule| &rule.filters)).any(|used| self.is_used(used))
            || rules_for(self.model, route)
                .any(|rule| self.objects.iter().any(|id| World::is_rule_of(id, &rule.origin)))
    }

    fn is_used(&self, used: &FilterRef) -> bool {
        let filters = &self.resources.filters;
        !filters.is_empty()
            && named(used).into_iter().any(|id| {
                let kind = self.model.filters.get(id).map(|filter| &filter.kind);
                filters.contains(id) || kind.and_then(inherited).is_some_and(|id| filters.contains(id))
            })
    }

    /// Whether it is a limit that requests of the route may meet.
    fn limits(&self, route: &Route) -> bool {
        let is_limit = self.objects.iter().any(|id| id.kind == Kind::RateLimit);
        let reached = route.limits.as_deref().filter(|_| is_limit).map(|limits| self.rates.reached(limits));
        reached.into_iter().flatten().any(|(_, rule)| self.objects.contains(&rule.origin))
    }
}

#[cfg(test)]
mod tests;
