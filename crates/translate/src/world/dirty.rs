//! What a round of changes touches.

use std::collections::BTreeSet;
use std::sync::Arc;

use nuncio_api::ObjectId;
use nuncio_ir::auth::RuleSetId;
use nuncio_ir::{ClusterName, SecretName};

use crate::compiled::Compiled;
use crate::coverage::Coverage;
use crate::service::ServiceKey;

/// What a round of changes touches.
#[derive(Default)]
pub(super) struct Dirty {
    pub(super) module: bool,
    pub(super) frame: bool,
    /// Some RateLimitService is another.
    pub(super) limiting: bool,
    /// RateLimits that are others.
    pub(super) limits: BTreeSet<ObjectId>,
    /// Domains whose RateLimits are others.
    pub(super) limit_domains: BTreeSet<Arc<str>>,
    /// Some Filter or FilterPolicy is another, or something that they name.
    pub(super) protection: bool,
    /// What FilterPolicies were for, where that is something else now.
    pub(super) old_coverage: Option<Arc<Coverage>>,
    /// Sets of rules that some table no longer names, or did not name before.
    pub(super) rule_sets: BTreeSet<RuleSetId>,
    /// Some DevPortal is another.
    pub(super) portals: bool,
    /// Some `PreviewPolicy` is another.
    pub(super) preview_policy: bool,
    /// Services to which Mappings lead, or led, that are others.
    pub(super) mapped: BTreeSet<ServiceKey>,
    /// Previews have another gate than before.
    pub(super) preview_gate: bool,
    /// Other names than before are for previews alone.
    pub(super) preview_domain: bool,
    /// A cookie chooses previews elsewhere than before.
    pub(super) preview_choice: bool,
    /// Others than before are told keys of previews.
    pub(super) preview_trust: bool,
    pub(super) previews: BTreeSet<ObjectId>,
    /// Previews for which nothing but routes of their baselines changed are left for later.
    pub(super) previews_follow: bool,
    /// Some `IngressClass` is another.
    pub(super) ingress_classes: bool,
    pub(super) ingresses: BTreeSet<ObjectId>,
    pub(super) mappings: BTreeSet<ObjectId>,
    pub(super) endpoints: BTreeSet<ServiceKey>,
    /// Names whose own Mappings changed.
    pub(super) names: BTreeSet<Arc<str>>,
    /// Mappings for no single name that came, changed or went: before and after.
    pub(super) wild: Vec<Arc<Compiled>>,
    pub(super) clusters: BTreeSet<ClusterName>,
    /// Names that listeners no longer use, or did not use before.
    pub(super) secrets: BTreeSet<SecretName>,
    /// Some Secret is another: whatever is used may be.
    pub(super) all_secrets: bool,
}

impl Dirty {
    pub(super) fn touch(&mut self, compiled: Arc<Compiled>) {
        match compiled.host.exact() {
            Some(name) => drop(self.names.insert(Arc::clone(name))),
            None => self.wild.push(compiled),
        }
    }
}
