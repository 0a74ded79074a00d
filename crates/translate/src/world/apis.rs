//! Where the requests of a Mapping come in and go to: what a portal has to know of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use nuncio_api::{Kind, Object, ObjectId};
use nuncio_ir::{Arm, Cluster, PathRewrite, RouteMatch};

use super::World;
use crate::compiled::{Compiled, HostCondition, Labels, Part};
use crate::policy::{HostPolicy, Insecure};

/// A Mapping, or a path of an Ingress, that sends requests to a service.
#[derive(Clone, Copy, Debug)]
pub struct Served<'a> {
    compiled: &'a Compiled,
    arm: &'a Arm,
    cluster: &'a Cluster,
}

impl<'a> Served<'a> {
    /// The object that users know.
    #[must_use]
    pub fn origin(&self) -> &'a ObjectId {
        self.compiled.origin()
    }

    /// Its labels.
    #[must_use]
    pub fn labels(&self) -> &'a Labels {
        &self.compiled.labels
    }

    /// Which requests it takes, of the names that it is for.
    #[must_use]
    pub fn matches(&self) -> &'a RouteMatch {
        &self.compiled.matches
    }

    /// What happens to the path: of the whole group, if that says so.
    #[must_use]
    pub fn rewrite(&self) -> Option<&'a PathRewrite> {
        self.compiled.shared.regex_rewrite.as_ref().or(self.arm.rewrite.as_ref())
    }

    /// What it says about the requests that it sends on.
    #[must_use]
    pub fn arm(&self) -> &'a Arm {
        self.arm
    }

    /// The service.
    #[must_use]
    pub fn cluster(&self) -> &'a Cluster {
        self.cluster
    }
}

/// A name, or a pattern for names, by which clients reach something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicName {
    /// `shop.example.com`, `*.example.com`, `*`.
    pub host: String,
    /// The class of the listeners that serve it.
    pub class: Arc<str>,
    /// Whether requests in clear text are answered, rather than redirected or refused.
    pub clear_text: bool,
}

impl World {
    /// Everything that sends requests to a service. What is redirected or cannot be used is not among it.
    pub fn served(&self) -> impl Iterator<Item = Served<'_>> {
        self.mappings.values().filter_map(|compiled| match &compiled.part {
            Part::Arm { arm, upstream: Some(upstream), .. } => {
                Some(Served { compiled, arm, cluster: &upstream.cluster })
            }
            _ => None,
        })
    }

    /// The Service that it sends to, where there is one of that name.
    #[must_use]
    pub fn service_of(&self, served: Served<'_>) -> Option<&Arc<Object>> {
        let key = self.users.service_of(&served.compiled.id)?;
        self.objects.get(&ObjectId::new(Kind::Service, Arc::clone(&key.namespace), Arc::clone(&key.name)))
    }

    /// The names by which clients reach it, sorted; none where no Host takes it.
    #[must_use]
    pub fn public_names(&self, served: Served<'_>) -> BTreeSet<PublicName> {
        let compiled = served.compiled;
        let mut names = BTreeSet::new();
        for class in &self.frame.classes {
            let mut add = |host: &HostPolicy, name: String| {
                let clear_text = host.insecure == Insecure::Route
                    && !host.own_chain.as_ref().is_some_and(|own| own.asks_for_certificates);
                names.insert(PublicName { host: name, class: Arc::clone(&class.key), clear_text });
            };
            match compiled.host.exact() {
                Some(name) => {
                    if let Some(host) = class.governing(name).filter(|host| host.takes(compiled)) {
                        add(host, name.to_string());
                    }
                }
                None => {
                    for host in class.hosts().filter(|host| host.takes(compiled)) {
                        names_under(compiled, host).into_iter().for_each(|name| add(host, name));
                    }
                }
            }
        }
        names
    }
}

/// What of a Host's names is a Mapping's that is for many.
fn names_under(compiled: &Compiled, host: &HostPolicy) -> Option<String> {
    match (&compiled.host, host.pattern.exact()) {
        (condition, Some(name)) => condition.may_take(name).then(|| name.to_string()),
        (HostCondition::Pattern(pattern), None) if host.pattern.covers(pattern) => Some(pattern.to_string()),
        (_, None) => Some(host.pattern.to_string()),
    }
}
