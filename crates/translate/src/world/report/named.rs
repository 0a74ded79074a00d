//! Where a TLSContext or a resolver ended up: with those who use it, since it is part of nothing by itself.

use nuncio_api::{Kind, Object, ObjectId, Spec};

use super::Resources;
use crate::host::shared_settings;
use crate::pattern::HostPattern;
use crate::tcp::closest_context;
use crate::world::World;

impl World {
    /// The resources of all who use an object.
    pub(super) fn resources_of_users(&self, id: &ObjectId) -> Resources {
        let mut all = Resources::default();
        for user in self.users_of(id) {
            let Resources { tables, listeners, extensions, .. } = self.resources_of(&user);
            all.tables.extend(tables);
            all.listeners.extend(listeners);
            all.extensions.extend(extensions);
        }
        all.tables.sort_unstable();
        all.tables.dedup();
        all.listeners.sort_unstable();
        all.listeners.dedup();
        all.extensions.sort_unstable();
        all.extensions.dedup();
        all
    }

    /// Who names a TLSContext or a resolver.
    #[must_use]
    pub fn users_of(&self, id: &ObjectId) -> Vec<ObjectId> {
        if !matches!(id.kind, Kind::TLSContext | Kind::KubernetesServiceResolver | Kind::KubernetesEndpointResolver) {
            return Vec::new();
        }
        let users = self.objects.values().filter(|object| self.uses(object, id));
        users.map(|object| object.id.clone()).collect()
    }

    fn uses(&self, object: &Object, id: &ObjectId) -> bool {
        let (context, namespace) = (self.context(), &object.id.namespace);
        let speaks = |name: &Option<String>| {
            let found = name.as_deref().map(|name| context.tls_context(name, namespace));
            found.is_some_and(|found| found.is_ok_and(|(found, _)| found == id))
        };
        let resolves = |name: &Option<String>| {
            let name = name.as_deref().or(self.module.resolver.as_deref());
            name.and_then(|name| context.resolver_called(name, namespace)).is_some_and(|(found, _)| found == Some(id))
        };
        match &object.spec {
            Spec::Mapping(mapping) => speaks(&mapping.tls) || resolves(&mapping.resolver),
            Spec::TcpMapping(mapping) => {
                let pattern = mapping.host.as_deref().and_then(HostPattern::parse);
                let closest = pattern.and_then(|pattern| closest_context(&pattern, &context));
                speaks(&mapping.tls) || resolves(&mapping.resolver) || closest.is_some_and(|(found, _)| found == id)
            }
            Spec::AuthService(service) => speaks(&service.tls),
            Spec::RateLimitService(service) => speaks(&service.tls),
            Spec::Host(host) => {
                let found = shared_settings(&object.id, host, &context);
                found.is_ok_and(|found| found.is_some_and(|(found, _)| found == id))
            }
            _ => false,
        }
    }
}
