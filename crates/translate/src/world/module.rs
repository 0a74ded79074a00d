//! The Module that counts, and what is wrong with it and the others.

use std::sync::Arc;

use nuncio_api::{IpAccess, Kind, ModuleConfig, Object, ObjectId, Problem, Remains, Spec};

use super::World;
use crate::lua;

/// Name of the Module that has settings.
const MODULE: &str = "ambassador";

impl World {
    /// What the Module that counts says. Of one that the proxy refused what closes something, or is said to Mappings, stays:
    /// whatever else shapes a listener may be at fault, and is as it was before. `is_tried_without` has it taken out
    /// for a trial.
    pub(super) fn effective_module(&self, is_tried_without: impl Fn(&ObjectId) -> bool) -> Arc<ModuleConfig> {
        let Some(object) = self.chosen_module() else { return Arc::default() };
        let mut config = match &object.spec {
            Spec::Module(module) => module.config.clone(),
            // An access list that cannot be read lets nobody in.
            _ => ModuleConfig { ip_allow: Some(IpAccess::Unreadable), ..ModuleConfig::default() },
        };
        let refusal = self.quarantine.get(&object.id);
        let whole = is_tried_without(&object.id) || refusal.is_some_and(|refusal| refusal.rest);
        if whole {
            config.lua_scripts = self.sound_script(&config);
        }
        if whole || refusal.is_some() {
            config = self.with_sound_texts(config);
        }
        Arc::new(config)
    }

    /// The Module that is in force, and that no proxy refused, before another comes.
    pub(super) fn note_sound_module(&mut self) {
        let is_sound = self.chosen_module().is_none_or(|chosen| !self.is_quarantined(&chosen.id));
        if !self.model.extensions.is_empty() && is_sound {
            self.sound_module = Some(Arc::clone(&self.module));
        }
    }

    /// The script that ran before. A script may be a guard: where nothing is known to have run, nobody gets in.
    fn sound_script(&self, config: &ModuleConfig) -> Option<String> {
        match &self.sound_module {
            Some(sound) => sound.lua_scripts.clone(),
            None => config.lua_scripts.as_ref().map(|_| lua::REFUSE_ALL.to_owned()),
        }
    }

    fn with_sound_texts(&self, config: ModuleConfig) -> ModuleConfig {
        let sound = self.sound_module.as_deref().cloned().unwrap_or_default();
        ModuleConfig {
            envoy_log_format: sound.envoy_log_format,
            envoy_log_path: sound.envoy_log_path,
            envoy_log_type: sound.envoy_log_type,
            grpc_stats: sound.grpc_stats,
            gzip: sound.gzip,
            server_name: sound.server_name,
            listener_idle_timeout_ms: sound.listener_idle_timeout_ms,
            listener_request_timeout_ms: sound.listener_request_timeout_ms,
            max_request_headers_kb: sound.max_request_headers_kb,
            ..config
        }
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
        if id.kind != Kind::Module || *id.name != *MODULE || !self.objects.contains_key(id) {
            return Vec::new();
        }
        let Some(chosen) = self.chosen_module() else {
            let message = "cannot be read: the defaults of all settings are in force until it can be";
            return vec![Problem::warning("DefaultSettings", "", message)];
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
