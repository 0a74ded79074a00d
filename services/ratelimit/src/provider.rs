//! Where the rules come from, and how they come into force.

pub mod files;
pub(crate) mod xds;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::config::{Config, ConfigError, Loader, Source};
use crate::limiter::Shared;

/// Puts configurations into force: all of one, or the last one stays.
#[derive(Clone, Debug)]
pub struct Active {
    shared: Arc<Shared>,
    merge_domains: bool,
    loaded: tokio::sync::watch::Sender<Loads>,
}

/// What became of configurations so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loads {
    /// How many came, good or bad.
    pub events: u64,
    /// Whether there are rules for any domain.
    pub has_domains: bool,
}

impl Active {
    /// Puts into force for all who have `shared`.
    pub fn new(shared: Arc<Shared>, merge_domains: bool) -> Self {
        Self { shared, merge_domains, loaded: tokio::sync::watch::Sender::default() }
    }

    /// What became of configurations; changes are told.
    pub fn loads(&self) -> tokio::sync::watch::Receiver<Loads> {
        self.loaded.subscribe()
    }

    /// Puts the rules of all `sources` into force.
    ///
    /// # Errors
    /// When one is wrong; the rules in force stay, and the error is logged and counted.
    pub fn load(&self, sources: Result<Vec<Source>, ConfigError>) -> Result<(), ConfigError> {
        let loader = Loader { stats: &self.shared.stats, merge_domains: self.merge_domains };
        match sources.and_then(|sources| loader.load(sources)) {
            Ok(config) => {
                self.replace(config);
                Ok(())
            }
            Err(error) => {
                self.refused(&error.with_place());
                Err(error)
            }
        }
    }

    fn replace(&self, config: Config) {
        let has_domains = !config.is_empty();
        self.shared.stats.service.config_load_success.fetch_add(1, Ordering::Relaxed);
        self.shared.config.store(Some(Arc::new(config)));
        self.loaded.send_modify(|loads| *loads = Loads { events: loads.events + 1, has_domains });
        tracing::info!("Successfully loaded new configuration");
    }

    /// Counts a configuration that cannot be used.
    pub(crate) fn refused(&self, error: &str) {
        self.shared.stats.service.config_load_error.fetch_add(1, Ordering::Relaxed);
        self.loaded.send_modify(|loads| loads.events += 1);
        tracing::error!("Error loading new configuration: {error}");
    }
}
