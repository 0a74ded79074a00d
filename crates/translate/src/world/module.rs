//! The Module that counts, and what is wrong with it and the others.

use std::sync::Arc;

use nuncio_api::{IpAccess, Kind, ModuleConfig, Object, ObjectId, Problem, Remains, Spec};

use super::World;

/// Name of the Module that has settings.
const MODULE: &str = "ambassador";

impl World {
    /// What the Module that counts says. Of one that the proxy refused only what closes something or is said to
    /// Mappings stays: whatever else shapes a listener may be at fault.
    pub(super) fn effective_module(&self, is_out: impl Fn(&ObjectId) -> bool) -> Arc<ModuleConfig> {
        let Some(object) = self.chosen_module() else { return Arc::default() };
        let mut config = match &object.spec {
            Spec::Module(module) => module.config.clone(),
            // An access list that cannot be read lets nobody in.
            _ => ModuleConfig { ip_allow: Some(IpAccess::Unreadable), ..ModuleConfig::default() },
        };
        if is_out(&object.id) {
            config = ModuleConfig {
                lua_scripts: None,
                envoy_log_format: None,
                envoy_log_path: None,
                envoy_log_type: None,
                grpc_stats: None,
                gzip: None,
                server_name: None,
                listener_idle_timeout_ms: None,
                max_request_headers_kb: None,
                ..config
            };
        }
        Arc::new(config)
    }

    /// The Module that counts: the edge's own, else the first by name. One that cannot be read counts where
    /// it may have shut somebody out.
    pub(super) fn chosen_module(&self) -> Option<&Arc<Object>> {
        let own = ObjectId::new(Kind::Module, Arc::clone(&self.settings.namespace), MODULE);
        let counts = |object: &&Arc<Object>| {
            *object.id.name == *MODULE && matches!(object.spec, Spec::Module(_) | Spec::Invalid(Remains::AccessList))
        };
        self.ids_of(Kind::Module).filter_map(|id| self.objects.get(id)).filter(counts).min_by_key(|it| it.id != own)
    }

    /// What is wrong with a Module besides what is wrong with its text.
    pub(super) fn module_problems(&self, id: &ObjectId) -> Vec<Problem> {
        let Some(chosen) = self.chosen_module().filter(|_| id.kind == Kind::Module && *id.name == *MODULE) else {
            return Vec::new();
        };
        if chosen.id != *id {
            let message = format!("has no effect: {} is the one that counts", chosen.id);
            return vec![Problem::warning("DuplicateModule", "", message)];
        }
        let unreadable = matches!(chosen.spec, Spec::Invalid(_)).then(|| {
            let message = "cannot be read, and it names ip_allow or ip_deny: every request is refused until it can be";
            Problem::error("UnreadableAccessList", "", message)
        });
        self.frame.module_problems.iter().cloned().chain(unreadable).collect()
    }
}
