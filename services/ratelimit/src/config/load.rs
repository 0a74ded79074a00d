//! Checks configurations and makes the tree of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::{ConfigError, ConfigErrors};
use super::glob::Glob;
use super::limit::{self, Checked};
use super::raw::{RawDescriptor, RawLimit, RawRoot};
use super::store_failure::StoreFailure;
use super::tree::{Below, Config, Map, Node, Rule, Special};
use crate::stats::Registry;

/// One configuration and what it is called in errors.
#[derive(Clone, Debug)]
pub struct Source {
    /// Name of the file or of the resource.
    pub name: String,
    /// What it says.
    pub root: RawRoot,
}

impl Source {
    /// Reads a file's text.
    ///
    /// # Errors
    /// When it is no YAML, or holds what it may not.
    pub fn parse(name: &str, text: &str) -> Result<Self, ConfigErrors> {
        Ok(Self { name: name.to_owned(), root: super::decode::file(name, text)? })
    }
}

/// Makes a [`Config`] of all sources, or of none.
#[derive(Debug)]
pub struct Loader<'s> {
    /// Where limits find their counters.
    pub stats: &'s Registry,
    /// Whether several sources may be for one domain (`MERGE_DOMAIN_CONFIG`).
    pub merge_domains: bool,
}

impl Loader<'_> {
    /// The rules of all `sources`, in their order.
    ///
    /// # Errors
    /// All that is wrong: the original's check, order and words, but for what comes after the first.
    pub fn load(&self, sources: Vec<Source>) -> Result<Config, ConfigErrors> {
        let (mut domains, mut errors) = (Map::default(), ConfigErrors::default());
        for source in sources {
            if let Err(error) = self.add(&mut domains, source, &mut errors) {
                errors.push(error);
            }
        }
        let domains = domains.into_iter().map(|(domain, Domain { node, .. })| (domain, Arc::new(node))).collect();
        errors.unless_any(Config { domains })
    }

    /// The rules of each domain by itself. One of which anything is wrong, which `errors` then says, has those of `before`.
    pub fn load_each(&self, sources: Vec<Source>, before: Option<&Config>, errors: &mut Vec<ConfigErrors>) -> Config {
        let mut by_domain: BTreeMap<String, Vec<Source>> = BTreeMap::new();
        for source in sources {
            by_domain.entry(source.root.domain.clone()).or_default().push(source);
        }
        let mut all = Config::default();
        for (domain, sources) in by_domain {
            match self.load(sources) {
                Ok(config) => all.domains.extend(config.domains),
                Err(wrong) => {
                    errors.push(wrong);
                    all.keep(&domain, before);
                }
            }
        }
        all
    }

    /// Adds a source. What is wrong with its descriptors is added to `errors`.
    fn add(&self, domains: &mut Map<Domain>, source: Source, errors: &mut ConfigErrors) -> Result<(), ConfigError> {
        let Source { name, root } = source;
        let domain = root.domain;
        let at_root = |message: String| ConfigError { file: name.clone(), message, line: 0, path: String::new() };
        if domain.is_empty() {
            return Err(at_root("config file cannot have empty domain".to_owned()));
        }
        if let Some(known) = domains.get(domain.as_str()).filter(|_| !self.merge_domains) {
            return Err(at_root(format!("duplicate domain '{domain}' in config file: {} has it already", known.file)));
        }
        let store_failure = StoreFailure::read(&root.store_failure).map_err(at_root)?;
        let file = Arc::new(name);
        let level = Level { loader: self, file: &file, parent: &domain, store_failure };
        let known = domains.entry(domain.as_str().into());
        let known = known.or_insert_with(|| Domain { node: Node::default(), file: file.clone() });
        level.fill(&mut known.node, root.descriptors, errors);
        Ok(())
    }
}

/// A domain that is being loaded.
struct Domain {
    node: Node,
    /// Where it came from first.
    file: Arc<String>,
}

/// A level of descriptors of one source.
struct Level<'l> {
    loader: &'l Loader<'l>,
    file: &'l Arc<String>,
    /// Full key of the parent.
    parent: &'l str,
    /// What holds for all of the level.
    store_failure: Option<StoreFailure>,
}

impl Level<'_> {
    fn fill(&self, node: &mut Node, descriptors: Vec<RawDescriptor>, errors: &mut ConfigErrors) {
        if descriptors.is_empty() {
            return;
        }
        let below = node.below.get_or_insert_default();
        below.nodes.reserve(descriptors.len());
        // One after the other is given back: there may be very many.
        for descriptor in descriptors {
            if let Err(error) = self.insert(below, descriptor, errors) {
                errors.push(error);
            }
        }
    }

    fn insert(
        &self,
        siblings: &mut Below,
        mut raw: RawDescriptor,
        errors: &mut ConfigErrors,
    ) -> Result<(), ConfigError> {
        if raw.key.is_empty() {
            return Err(self.error(&raw, self.parent, "descriptor has empty key".to_owned()));
        }
        let name = match raw.value.as_str() {
            "" => raw.key.clone(),
            value => format!("{}_{value}", raw.key),
        };
        let full_key = format!("{}.{name}", self.parent);
        if siblings.nodes.contains_key(name.as_str()) {
            let message = format!("duplicate descriptor composite key '{full_key}'");
            return Err(self.error(&raw, &full_key, message));
        }
        // Whatever is wrong with it, what is below is looked at all the same.
        let mut wrong = |message: String| errors.push(self.error(&raw, &full_key, message));
        let own = StoreFailure::read(&raw.store_failure).map_err(&mut wrong).ok().flatten();
        let below = Level { parent: &full_key, store_failure: own.or(self.store_failure), ..*self };
        let rule = raw.rate_limit.as_ref().and_then(|limit| below.rule(&raw, limit).map_err(&mut wrong).ok());
        let is_glob = name.contains('*');
        if raw.share_threshold && !is_glob {
            wrong(format!(
                "share_threshold can only be used with wildcard values (containing '*'), but found key '{name}'"
            ));
        }
        if is_glob {
            siblings.globs.push((name.as_str().into(), Glob::new(&name)));
        }
        let mut child = Node {
            rule,
            value_to_metric: raw.value_to_metric,
            share_threshold: raw.share_threshold,
            prefix: raw.prefix,
            below: None,
        };
        below.fill(&mut child, std::mem::take(&mut raw.descriptors), errors);
        siblings.nodes.insert(name.into(), child);
        Ok(())
    }

    /// The limit of the descriptor that this is the level below.
    fn rule(&self, raw: &RawDescriptor, limit: &RawLimit) -> Result<Rule, String> {
        let Checked { window, algorithm } = limit::check(limit)?;
        let special = Special {
            algorithm,
            lease: limit.lease.unwrap_or_default(),
            name: limit.name.clone(),
            replaces: limit.replaces.clone(),
            edge: raw.edge.clone(),
            metadata: raw.metadata.clone(),
        };
        Ok(Rule {
            requests_per_unit: limit.count(),
            window,
            store_failure: self.store_failure,
            shadow_mode: raw.shadow_mode,
            quota_mode: raw.quota_mode,
            detailed_metric: raw.detailed_metric,
            stats: self.loader.stats.configured(self.parent),
            line: u32::try_from(raw.line).unwrap_or(u32::MAX),
            file: self.file.clone(),
            special: special.unless_usual(),
        })
    }

    fn error(&self, raw: &RawDescriptor, path: &str, message: String) -> ConfigError {
        ConfigError { file: self.file.to_string(), message, line: raw.line, path: path.to_owned() }
    }
}

#[cfg(test)]
mod tests;
