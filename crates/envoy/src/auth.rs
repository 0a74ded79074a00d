//! Sets of rules and filters for the service that decides by them, which it is sent over the same server as Envoy its
//! resources: JSON in an `Any` of a type of our own.

use std::sync::Arc;
use std::time::Duration;

use nuncio_ir::auth::{Filter, RuleSet};
use nuncio_ir::{ResourceType, Version};
use serde::Serialize;

use crate::Resource;

/// A set, to be sent after the filters that it names.
#[must_use]
pub fn rule_set(set: &RuleSet) -> Resource {
    let filters = set.gate.iter().chain(set.rules.iter().flat_map(|rule| &rule.filters));
    let with_nested = filters.flat_map(|used| {
        let instead = used.arguments.instead_of_redirect.iter().flat_map(|instead| &instead.filters);
        std::iter::once(&used.filter).chain(instead.map(|used| &used.filter))
    });
    let mut needs: Vec<_> = with_nested.map(|filter| (ResourceType::AuthFilter, Arc::clone(&filter.0))).collect();
    needs.sort_unstable();
    needs.dedup();
    Resource { needs, ..resource(ResourceType::RuleSet, &set.id.0, nuncio_ir::version(set), set) }
}

/// A filter. Its body holds secrets.
#[must_use]
pub fn auth_filter(filter: &Filter) -> Resource {
    resource(ResourceType::AuthFilter, &filter.id.0, nuncio_ir::version(filter), filter)
}

fn resource(kind: ResourceType, name: &Arc<str>, version: Version, message: &impl Serialize) -> Resource {
    // Texts, numbers, lists and maps with text as keys: nothing that JSON does not have.
    let body = serde_json::to_vec(message).unwrap_or_default();
    Resource { kind, name: Arc::clone(name), version, body, needs: Vec::new(), settle: Duration::ZERO }
}
