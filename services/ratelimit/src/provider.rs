//! Where the rules come from, and how they come into force.

pub(crate) mod files;
pub(crate) mod xds;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::config::{Config, ConfigErrors, Loader, Source};
use crate::limiter::Shared;

/// Puts configurations into force: all of one, or the last one stays.
#[derive(Clone, Debug)]
pub struct Active {
    shared: Arc<Shared>,
    merge_domains: bool,
    loaded: tokio::sync::watch::Sender<Loads>,
}

/// A resource that cannot be used.
#[derive(Clone, Debug)]
pub(crate) struct Unusable {
    /// The domain that it is for, where that can be read.
    pub(crate) domain: Option<String>,
    pub(crate) error: String,
}

/// What became of configurations so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loads {
    /// How many came, good or bad.
    pub events: u64,
    /// Whether the last one was bad.
    pub refused: bool,
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
    /// When one is wrong; the rules in force stay, and what is wrong is logged and counted.
    pub fn load(&self, sources: Result<Vec<Source>, ConfigErrors>) -> Result<(), ConfigErrors> {
        let loader = Loader { stats: &self.shared.stats, merge_domains: self.merge_domains };
        let loaded = match sources.and_then(|sources| loader.load(sources)) {
            Ok(config) => {
                self.replace(config);
                Ok(())
            }
            Err(errors) => {
                self.refused(&errors.to_string());
                Err(errors)
            }
        };
        self.shared.stats.release(Instant::now());
        loaded
    }

    /// Puts the rules of each domain into force by itself. Of one that cannot be used the last good ones stay, and where
    /// something could not even be read, which may be of any domain, those of all domains that are not named.
    ///
    /// # Errors
    /// All that is wrong, which is logged and counted as well.
    pub(crate) fn load_each(&self, resources: Vec<Result<Source, Unusable>>) -> Result<(), String> {
        let loaded = self.try_each(resources);
        self.shared.stats.release(Instant::now());
        loaded
    }

    fn try_each(&self, resources: Vec<Result<Source, Unusable>>) -> Result<(), String> {
        let loader = Loader { stats: &self.shared.stats, merge_domains: self.merge_domains };
        let before = self.shared.config.load_full();
        let (mut sources, mut errors, mut broken, mut unread) = (Vec::new(), Vec::new(), BTreeSet::new(), false);
        for resource in resources {
            match resource {
                Ok(source) => sources.push(source),
                Err(Unusable { domain, error }) => {
                    unread |= domain.is_none();
                    broken.extend(domain);
                    errors.push(error);
                }
            }
        }
        sources.retain(|source| !broken.contains(&source.root.domain));
        let mut wrong = Vec::new();
        let mut config = loader.load_each(sources, before.as_deref(), &mut wrong);
        broken.iter().for_each(|domain| config.keep(domain, before.as_deref()));
        if let Some(before) = before.as_deref().filter(|_| unread) {
            config.keep_all(before);
        }
        errors.extend(wrong.iter().map(ToString::to_string));
        if errors.is_empty() {
            self.replace(config);
            return Ok(());
        }
        // Without any rules yet there are none all the same, and calls are told so.
        if before.is_some() || !config.is_empty() {
            self.put(config);
        }
        let error = errors.join("; ");
        self.refused(&error);
        Err(error)
    }

    fn replace(&self, config: Config) {
        self.shared.stats.service.config_load_success.fetch_add(1, Ordering::Relaxed);
        self.put(config);
        if self.came(false) {
            tracing::warn!("Successfully loaded new configuration, after an error");
        } else {
            tracing::info!("Successfully loaded new configuration");
        }
    }

    fn put(&self, config: Config) {
        let has_domains = !config.is_empty();
        self.shared.config.store(Some(Arc::new(config)));
        self.loaded.send_modify(|loads| loads.has_domains = has_domains);
    }

    /// Counts a configuration that cannot be used.
    fn refused(&self, error: &str) {
        self.shared.stats.service.config_load_error.fetch_add(1, Ordering::Relaxed);
        self.came(true);
        tracing::error!("Error loading new configuration: {error}");
    }

    /// Notes that a configuration came; tells whether the one before was bad.
    fn came(&self, refused: bool) -> bool {
        let mut before = false;
        self.loaded.send_modify(|loads| {
            loads.events += 1;
            before = std::mem::replace(&mut loads.refused, refused);
        });
        before
    }
}
