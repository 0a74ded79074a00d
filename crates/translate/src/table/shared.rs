//! Exact Hosts that see the wildcards alike: one virtual host of the wildcard table serves them all.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::compiled::Compiled;
use crate::coverage::Applying;
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

    /// Of the virtual host: by the first of those that share it, which are in no other. Mappings come and go more often, and what
    /// Envoy has counted under a name stays until it ends.
    pub(super) fn name(&self) -> Arc<str> {
        let first = self.hosts.keys().next().map_or("", |name| name);
        format!("nuncio/shared-{first}").into()
    }
}
