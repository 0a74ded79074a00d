//! Which Hosts a Listener takes.

use std::sync::Arc;

use nuncio_api::{NamespaceFrom, ObjectId, SecurityModel};

use crate::host::CompiledHost;
use crate::policy::Security;

/// Which Hosts a Listener takes, and how it tells secure requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Binding {
    pub(super) security: Security,
    /// `None` is every namespace.
    namespace: Option<Arc<str>>,
    selector: Option<nuncio_api::LabelSelector>,
}

impl Binding {
    pub(super) fn new(id: &ObjectId, listener: &nuncio_api::Listener) -> Self {
        let binding = listener.host_binding.clone().unwrap_or_default();
        let from = binding.namespace.and_then(|namespaces| namespaces.from).unwrap_or_default();
        Self {
            security: match listener.security_model {
                Some(SecurityModel::Secure) => Security::Secure,
                Some(SecurityModel::Insecure) => Security::Insecure,
                Some(SecurityModel::Xfp) | None => Security::Xfp,
            },
            namespace: (from == NamespaceFrom::Same).then(|| Arc::clone(&id.namespace)),
            selector: binding.selector.filter(|selector| !selector.is_empty()),
        }
    }

    pub(super) fn takes(&self, host: &CompiledHost) -> bool {
        let namespace = self.namespace.as_ref().is_none_or(|namespace| *namespace == host.policy.id.namespace);
        namespace && self.selector.as_ref().is_none_or(|selector| selector.matches(&host.labels))
    }

    /// Stable under changes of Hosts, so that adding one renames no table.
    pub(super) fn class_key(&self) -> Arc<str> {
        if self.security == Security::Xfp && self.namespace.is_none() && self.selector.is_none() {
            return "".into();
        }
        nuncio_ir::version(self).to_string().into()
    }
}
