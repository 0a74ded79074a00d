//! Taking objects in and out, and what that touches.

use std::sync::Arc;

use nuncio_api::{Kind, Object, ObjectId, Remains, Service, Spec};
use nuncio_ir::Discovery;

use super::mappings::invalid_reason;
use super::{Dirty, World};
use crate::compiled::Compiled;
use crate::context::SecretRef;
use crate::secrets::SecretError;
use crate::service::{ServiceKey, Target, target};
use crate::upstream::Resolver;

/// Label by which a slice names its Service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

impl World {
    pub(super) fn take(&mut self, id: &ObjectId, object: Option<&Arc<Object>>, dirty: &mut Dirty) {
        if id.kind == Kind::Module {
            self.note_sound_module();
        }
        let old = match object {
            Some(object) => self.objects.insert(id.clone(), Arc::clone(object)),
            None => self.objects.remove(id),
        };
        let reason = |object: &Object| matches!(object.spec, Spec::Invalid(_)).then(|| invalid_reason(object));
        // A Preview that was made anew has another key, and another life; of one that has ended it is told why.
        let anew = |a: &Object, b: &Object| id.kind == Kind::Preview && (a.uid != b.uid || a.ended() != b.ended());
        let equal =
            |a: &Object, b: &Object| a.spec == b.spec && a.labels == b.labels && reason(a) == reason(b) && !anew(a, b);
        match (&old, object) {
            (Some(old), Some(new)) if equal(old, new) => {
                if id.kind == Kind::Preview && old.asked() != new.asked() {
                    self.note_told_preview(id);
                    dirty.previews.insert(id.clone());
                }
                return;
            }
            _ => {}
        }
        self.note_changed_preview(id, object.is_some());
        self.let_in(id, dirty);
        if let Some(old) = &old {
            self.untake(old, dirty);
        }
        if let Some(new) = object {
            self.touch(new, dirty);
        }
    }

    /// Gives what changes another chance, and what may have been refused because of it.
    fn let_in(&mut self, id: &ObjectId, dirty: &mut Dirty) {
        self.quarantine.remove(id);
        if matches!(id.kind, Kind::Secret | Kind::TLSContext) {
            let uses_it = [Kind::Host, Kind::Ingress, Kind::TCPMapping, Kind::AuthService, Kind::TLSContext];
            let refused: Vec<_> = self.quarantine.keys().filter(|id| uses_it.contains(&id.kind)).cloned().collect();
            refused.iter().for_each(|id| self.let_in_again(id, dirty));
        }
    }

    pub(super) fn let_in_again(&mut self, id: &ObjectId, dirty: &mut Dirty) {
        if let Some(object) = self.quarantine.remove(id).and_then(|_| self.objects.get(id).cloned()) {
            self.touch(&object, dirty);
        }
    }

    /// The first Service of a namespace makes what was taken for a name in DNS one that is misspelt; the last one makes it a name
    /// again.
    fn put_service(&mut self, key: ServiceKey, service: Option<Arc<Service>>) {
        let namespace = Arc::clone(&key.namespace);
        let had_some = self.services.has_any(&namespace);
        self.services.put(key, service);
        if self.services.has_any(&namespace) != had_some {
            let is_by_name = |compiled: &&Arc<Compiled>| {
                compiled.upstream().is_some_and(|upstream| matches!(upstream.cluster.discovery, Discovery::Dns { .. }))
            };
            let by_name = self.mappings.values().filter(is_by_name).map(|compiled| compiled.origin().clone());
            self.stirred.extend(by_name);
        }
    }

    /// Forgets what an object said.
    pub(super) fn untake(&mut self, object: &Object, dirty: &mut Dirty) {
        let id = &object.id;
        match id.kind {
            Kind::Service => self.put_service(service_key(id), None),
            Kind::EndpointSlice => {
                if let Some(key) = slice_service(object) {
                    self.services.put_slice(&key, Arc::clone(&id.name), None);
                    dirty.protection |= self.filters_ask(&key);
                    dirty.endpoints.insert(key);
                }
            }
            Kind::Secret => self.secrets.put(secret_ref(id), None),
            Kind::TLSContext => {
                self.tls_contexts.remove(id);
                self.broken_contexts.remove(id);
            }
            Kind::KubernetesServiceResolver | Kind::KubernetesEndpointResolver => drop(self.resolvers.remove(id)),
            Kind::IngressClass => self.ingresses.put_class(id, None),
            Kind::Mapping
            | Kind::TCPMapping
            | Kind::Host
            | Kind::Listener
            | Kind::AuthService
            | Kind::Module
            | Kind::Ingress
            | Kind::RateLimitService
            | Kind::RateLimit
            | Kind::Filter
            | Kind::FilterPolicy
            | Kind::GatewayFilter
            | Kind::GatewayFilterPolicy
            | Kind::Preview
            | Kind::PreviewPolicy
            | Kind::DevPortal => {}
        }
        self.mark(id, dirty);
    }

    /// Learns what an object says.
    pub(super) fn touch(&mut self, object: &Arc<Object>, dirty: &mut Dirty) {
        let id = &object.id;
        match &object.spec {
            Spec::Service(service) => self.put_service(service_key(id), Some(Arc::clone(service))),
            Spec::EndpointSlice(slice) => {
                if let Some(key) = slice_service(object) {
                    self.services.put_slice(&key, Arc::clone(&id.name), Some(Arc::clone(slice)));
                    dirty.protection |= self.filters_ask(&key);
                    dirty.endpoints.insert(key);
                }
            }
            Spec::Secret(secret) => self.secrets.put(secret_ref(id), Some(Arc::new((**secret).clone()))),
            Spec::TlsContext(context) => {
                self.broken_contexts.remove(id);
                self.tls_contexts.insert(id.clone(), Arc::new((**context).clone()));
            }
            Spec::ServiceResolver(_) => drop(self.resolvers.insert(id.clone(), Resolver::Service)),
            Spec::EndpointResolver(_) => drop(self.resolvers.insert(id.clone(), Resolver::Endpoint)),
            Spec::IngressClass(class) => self.ingresses.put_class(id, Some(class)),
            Spec::Mapping(_) | Spec::TcpMapping(_) | Spec::Host(_) | Spec::Listener(_) | Spec::Module(_) => {}
            Spec::AuthService(_) | Spec::RateLimitService(_) | Spec::RateLimit(_) => {}
            Spec::Filter(_) | Spec::FilterPolicy(_) | Spec::Preview(_) | Spec::PreviewPolicy(_) => {}
            // A portal asks for it.
            Spec::DevPortal(_) => {}
            // What it makes is made once all classes are known.
            Spec::Ingress(_) => {}
            Spec::Invalid(remains) if id.kind == Kind::TLSContext => {
                let hosts = if let Remains::ServerNames(hosts) = remains { hosts.clone() } else { Vec::new() };
                self.broken_contexts.insert(id.clone(), hosts);
            }
            Spec::Invalid(_) if id.kind == Kind::Secret => {
                self.secrets.take_out(SecretError::Invalid(secret_ref(id), invalid_reason(object)));
            }
            Spec::Invalid(_) => {}
        }
        self.mark(id, dirty);
    }

    /// Marks whatever hangs on an object.
    fn mark(&self, id: &ObjectId, dirty: &mut Dirty) {
        match id.kind {
            Kind::Mapping => drop(dirty.mappings.insert(id.clone())),
            Kind::Host | Kind::Listener | Kind::TCPMapping | Kind::AuthService => dirty.frame = true,
            Kind::Module => dirty.module = true,
            Kind::RateLimitService => {
                dirty.frame = true;
                dirty.limiting = true;
            }
            Kind::RateLimit => drop(dirty.limits.insert(id.clone())),
            Kind::Filter | Kind::FilterPolicy | Kind::GatewayFilter | Kind::GatewayFilterPolicy => {
                dirty.protection = true;
            }
            Kind::Service => {
                let key = service_key(id);
                dirty.mappings.extend(self.users.of_service(&key));
                dirty.frame = dirty.frame || self.frame_names(&key);
                dirty.endpoints.insert(key);
                // A Filter may ask a service.
                dirty.protection |= self.has_filters();
            }
            Kind::EndpointSlice => {}
            Kind::DevPortal => dirty.portals = true,
            Kind::Ingress => {
                dirty.ingresses.insert(id.clone());
                dirty.frame |= self.ingresses.has_hosts(id);
            }
            Kind::IngressClass => dirty.ingress_classes = true,
            Kind::Preview => drop(dirty.previews.insert(id.clone())),
            Kind::PreviewPolicy => {
                dirty.preview_policy = true;
                // It names Filters.
                dirty.protection = true;
            }
            Kind::TLSContext | Kind::Secret | Kind::KubernetesServiceResolver | Kind::KubernetesEndpointResolver => {
                dirty.frame = true;
                dirty.all_secrets |= id.kind == Kind::Secret;
                dirty.protection |= id.kind == Kind::Secret && self.has_filters();
                self.secrets.forget_mappings();
                dirty.preview_policy |= self.preview_policy_names_secrets();
                dirty.mappings.extend(self.users.of_names());
                // The Module's resolver is that of every Mapping that names none.
                dirty.module |= self.module.resolver.as_deref() == Some(&*id.name);
            }
        }
    }

    pub(super) fn has_filters(&self) -> bool {
        super::protection::FILTERS.into_iter().any(|kind| self.ids_of(kind).next().is_some())
    }

    /// Whether some Filter asks this Service.
    fn filters_ask(&self, key: &ServiceKey) -> bool {
        let context = self.context();
        let asks = |object: &Arc<Object>| {
            let Spec::Filter(filter) = &object.spec else { return false };
            let namespace = context.lookup_namespace(&object.id.namespace);
            let named = filter.external.as_ref().map(|external| target(&external.auth_service.host, namespace));
            matches!(named, Some(Target::Name(Some(named))) if named == *key)
        };
        let ids = super::protection::FILTERS.into_iter().flat_map(|kind| self.ids_of(kind));
        ids.filter_map(|id| self.objects.get(id)).any(asks)
    }

    /// Whether something in the frame sends to this Service.
    fn frame_names(&self, key: &ServiceKey) -> bool {
        let context = self.context();
        let names = |object: &Object| {
            let (service, is_asked) = match &object.spec {
                Spec::TcpMapping(mapping) => (&mapping.service, false),
                Spec::AuthService(auth) => (&auth.auth_service, true),
                Spec::RateLimitService(limits) => (&limits.service, true),
                _ => return false,
            };
            let is_key = |namespace: &str| matches!(target(&service.host, namespace), Target::Name(Some(named)) if named == *key);
            // Which of the two namespaces is meant hangs on the Services of both.
            is_key(context.lookup_namespace(&object.id.namespace)) || is_asked && is_key(&context.settings.namespace)
        };
        let kinds = [Kind::TCPMapping, Kind::AuthService, Kind::RateLimitService];
        let ids = kinds.into_iter().flat_map(|kind| self.ids_of(kind));
        ids.filter_map(|id| self.objects.get(id)).any(|object| names(object))
    }
}

/// Whether an object is for this instance. Core objects are for all.
pub(super) fn is_for(ids: &[String], instance: &str, kind: Kind) -> bool {
    matches!(kind, Kind::Service | Kind::EndpointSlice | Kind::Secret)
        || ids.iter().any(|id| id == instance || id == "_automatic_")
}

pub(super) fn service_key(id: &ObjectId) -> ServiceKey {
    ServiceKey { namespace: Arc::clone(&id.namespace), name: Arc::clone(&id.name) }
}

pub(super) fn secret_ref(id: &ObjectId) -> SecretRef {
    SecretRef { namespace: Arc::clone(&id.namespace), name: Arc::clone(&id.name) }
}

pub(super) fn slice_service(object: &Object) -> Option<ServiceKey> {
    let name = object.labels.get(SERVICE_NAME)?;
    Some(ServiceKey { namespace: Arc::clone(&object.id.namespace), name: name.as_str().into() })
}
