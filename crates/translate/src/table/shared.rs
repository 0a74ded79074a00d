//! Exact Hosts that see the wildcards alike: one virtual host of the wildcard table serves them all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::compiled::Compiled;
use crate::coverage::{Applying, Coverage};
use crate::policy::{HostPolicy, Insecure};

/// Exact Hosts that see the same wildcards in the same way: they share a virtual host of the wildcard table.
pub(crate) struct Shared<'a> {
    /// By name.
    pub(crate) hosts: BTreeMap<&'a Arc<str>, &'a HostPolicy>,
    pub(crate) mappings: Vec<&'a Compiled>,
    pub(crate) protected: Protected,
}

/// What Hosts have to have in common to share their guards.
pub(crate) type Guard = (Insecure, Option<bool>);

/// What names have to have in common to share routes that are held to rules: the rules, and whether logins have their
/// endpoints there.
pub(crate) type Protected = (Applying, bool);

impl Shared<'_> {
    /// Whether two Hosts may share their guards.
    pub(crate) fn guard(host: &HostPolicy) -> Guard {
        (host.insecure, host.own_chain.as_ref().map(|own| own.asks_for_certificates))
    }

    /// Of the virtual host: the same whichever Hosts share it.
    pub(super) fn name(&self, coverage: &Coverage) -> Arc<str> {
        let guard = self.hosts.values().next().map(|host| Self::guard(host));
        let ids: BTreeSet<_> = self.mappings.iter().map(|mapping| &mapping.id).collect();
        let (rules, endpoints) = &self.protected;
        let origins: Vec<_> = rules.iter().filter_map(|at| coverage.rules.get(*at)).map(|rule| &rule.origin).collect();
        // Names without rules are called as ever.
        let protected = (!origins.is_empty() || *endpoints).then_some((origins, endpoints));
        format!("nuncio/shared-{}", nuncio_ir::version(&(guard, ids, protected))).into()
    }
}
