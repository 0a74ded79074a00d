//! Ingresses, and what they make.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::{Ingress, IngressClass, Kind, Object, ObjectId, Problem, Spec};

use super::{Dirty, World};
use crate::compiled::Compiled;
use crate::ingress::{self, Controller, Derived, IngressHost, IngressPath};

/// Classes that somebody who names them means for this gateway.
const OWN_CLASSES: [&str; 2] = ["ambassador", "nuncio"];

/// What the Ingresses of this gateway make, and the classes by which they are known.
#[derive(Debug, Default)]
pub(super) struct Ingresses {
    classes: BTreeMap<ObjectId, Class>,
    derived: BTreeMap<ObjectId, Derived>,
    /// By their keys.
    paths: BTreeMap<ObjectId, Arc<IngressPath>>,
}

#[derive(Debug)]
struct Class {
    controller: Option<Controller>,
    is_default: bool,
}

impl Ingresses {
    pub(super) fn put_class(&mut self, id: &ObjectId, class: Option<&IngressClass>) {
        match class {
            Some(class) => {
                let controller = Controller::of_class(&class.controller);
                self.classes.insert(id.clone(), Class { controller, is_default: class.is_default })
            }
            None => self.classes.remove(id),
        };
    }

    /// The keys of all paths.
    pub(super) fn keys(&self) -> impl Iterator<Item = &ObjectId> {
        self.paths.keys()
    }

    pub(super) fn path(&self, key: &ObjectId) -> Option<&Arc<IngressPath>> {
        self.paths.get(key)
    }

    /// The keys of an Ingress's paths.
    pub(super) fn paths_of(&self, id: &ObjectId) -> impl Iterator<Item = &Arc<IngressPath>> {
        self.derived.get(id).into_iter().flat_map(|derived| &derived.paths)
    }

    pub(super) fn hosts_of(&self, id: &ObjectId) -> &[IngressHost] {
        self.derived.get(id).map_or(&[], |derived| &derived.hosts)
    }

    pub(super) fn has_hosts(&self, id: &ObjectId) -> bool {
        !self.hosts_of(id).is_empty()
    }

    /// The class of this name. It has no namespace, but a file may give it one.
    fn class(&self, name: &str) -> Option<&Class> {
        let first = ObjectId::new(Kind::IngressClass, "", name);
        self.classes.range(first..).next().filter(|(id, _)| *id.name == *name).map(|(_, class)| class)
    }

    /// Whose an Ingress is; `None` if it is not for this gateway.
    fn controller(&self, object: &Object, ingress: &Ingress) -> Option<Controller> {
        let of_class = match ingress.ingress_class_name.as_deref().filter(|name| !name.is_empty()) {
            Some(name) => self.class(name).and_then(|class| class.controller),
            // An API server has filled in the default class where it is meant.
            None if object.uid.is_none() && ingress.class_annotation.is_none() => {
                self.classes.values().find(|class| class.is_default).and_then(|class| class.controller)
            }
            None => None,
        };
        Controller::of_annotation(ingress).or(of_class)
    }

    /// Says that nobody knows the class of an Ingress that seems to be meant for this gateway.
    fn unknown_class(&self, object: &Object, ingress: &Ingress) -> Option<Problem> {
        let name = ingress.ingress_class_name.as_deref().filter(|name| self.class(name).is_none())?;
        let meant = OWN_CLASSES.contains(&name) || object.uid.is_none();
        let message = format!("serves nothing: there is no IngressClass called `{name}`");
        meant.then(|| Problem::warning("IngressClassNotFound", "spec.ingressClassName", message))
    }
}

impl World {
    /// Takes apart the Ingresses that changed, or whose class may have.
    pub(super) fn derive_ingresses(&mut self, dirty: &mut Dirty) {
        if dirty.ingress_classes {
            dirty.ingresses.extend(self.ids_of(Kind::Ingress).cloned());
        }
        for id in std::mem::take(&mut dirty.ingresses) {
            let new = self.derive(&id).unwrap_or_default();
            let old = self.ingresses.derived.remove(&id).unwrap_or_default();
            dirty.frame |= new.hosts != old.hosts;
            // Also those that are equal: the Ingress may have been refused, or let in again.
            dirty.mappings.extend(old.paths.iter().chain(&new.paths).map(|path| path.key.clone()));
            for path in &old.paths {
                self.ingresses.paths.remove(&path.key);
            }
            self.ingresses.paths.extend(new.paths.iter().map(|path| (path.key.clone(), Arc::clone(path))));
            if new != Derived::default() {
                self.ingresses.derived.insert(id, new);
            }
        }
    }

    fn derive(&self, id: &ObjectId) -> Option<Derived> {
        let object = self.objects.get(id)?;
        let Spec::Ingress(ingress) = &object.spec else { return None };
        let Some(controller) = self.ingresses.controller(object, ingress) else {
            let problems = self.ingresses.unknown_class(object, ingress).into_iter().collect();
            return Some(Derived { problems, ..Derived::default() });
        };
        Some(ingress::derive(id, &object.labels, ingress, controller))
    }

    /// Takes a path of an Ingress apart.
    pub(super) fn compile_path(&mut self, key: &ObjectId) -> Option<Compiled> {
        let Some(path) = self.ingresses.path(key).cloned() else {
            self.users.put(key, None);
            return None;
        };
        if let Some(refusal) = self.quarantine.get(&path.origin) {
            self.users.put(key, None);
            let reason = format!("{} was refused by Envoy: {}", path.origin, refusal.message);
            return (!refusal.rest).then(|| ingress::refused(&path, reason));
        }
        self.users.put(key, Some((&path.mapping, &path.origin.namespace)));
        Some(ingress::compile(&path, &self.context()))
    }

    /// The Hosts of Ingresses; `None` for the Host of one that is out.
    pub(super) fn ingress_hosts<F: Fn(&ObjectId) -> bool>(
        &self,
        is_out: F,
    ) -> impl Iterator<Item = (&IngressHost, bool)> + use<'_, F> {
        let hosts = self.ingresses.derived.values().flat_map(|derived| &derived.hosts);
        hosts.map(move |host| (host, is_out(&host.origin)))
    }

    /// Whether an Ingress is for this gateway, be it that something is wrong with it.
    #[must_use]
    pub fn serves_ingress(&self, id: &ObjectId) -> bool {
        let Some(object) = self.objects.get(id) else { return false };
        matches!(&object.spec, Spec::Ingress(ingress) if self.ingresses.controller(object, ingress).is_some())
    }

    /// What is wrong with an Ingress besides what is wrong with its text.
    pub(super) fn ingress_problems(&self, id: &ObjectId) -> Vec<Problem> {
        let derived = self.ingresses.derived.get(id);
        let mut problems: Vec<_> = derived.into_iter().flat_map(|derived| derived.problems.iter().cloned()).collect();
        for path in self.ingresses.paths_of(id) {
            let Some(compiled) = self.mappings.get(&path.key) else { continue };
            let found = self.mapping_problems(compiled);
            problems.extend(found.into_iter().map(|problem| Problem { field: path.field.clone(), ..problem }));
        }
        problems
    }

    /// The ids under which what an object makes is among the Mappings.
    pub(super) fn keys_of<'a>(&'a self, id: &'a ObjectId) -> BTreeSet<&'a ObjectId> {
        match id.kind {
            Kind::Ingress => self.ingresses.paths_of(id).map(|path| &path.key).collect(),
            _ => BTreeSet::from([id]),
        }
    }
}
