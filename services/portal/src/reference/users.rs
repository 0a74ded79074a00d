//! Which operations and webhooks use a schema that a document shares.

mod graph;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

use self::graph::Graph;
use super::resolve::resolve;
use super::{Operation, Reference, Webhook, incoming};
use crate::document::{Document, operations};

/// What uses a schema, as pages list it.
#[derive(Debug)]
pub(crate) struct Users<'r> {
    pub(crate) operations: Vec<&'r Operation>,
    pub(crate) webhooks: Vec<&'r Webhook>,
}

/// All references of a document, and what of them operations and webhooks have: themselves, and their path items.
#[derive(Debug)]
pub(super) struct Uses {
    graph: Graph,
    operations: Vec<[usize; 2]>,
    webhooks: Vec<[usize; 2]>,
}

impl Uses {
    fn of(document: &Document) -> Self {
        let root = &*document.value;
        let mut graph = Graph::of(root);
        // Many paths may have the same large item: each value is looked through once.
        let mut known: BTreeMap<*const Value, usize> = BTreeMap::new();
        let mut places = |item: &Value, operation: &Value| {
            [resolve(root, operation), &item["parameters"]]
                .map(|value| *known.entry(std::ptr::from_ref(value)).or_insert_with(|| graph.enter(value)))
        };
        let operations = operations(root).map(|(_, _, item, operation)| places(item, operation)).collect();
        let webhooks = incoming::sent(document).map(|(_, item, _, operation)| places(item, operation)).collect();
        Self { graph, operations, webhooks }
    }
}

impl Reference {
    /// What refers to a schema by itself, or by parts of the document that are no schemas; then what comes to it by other
    /// schemas alone.
    pub(crate) fn users(&self, schema: &str) -> [Users<'_>; 2] {
        // Once for all pages: a document may have thousands of operations, and as many schemas.
        let uses = self.uses.get_or_init(|| Uses::of(&self.document));
        let [direct, any] = [false, true].map(|by_schemas| uses.graph.leading_to(schema, by_schemas));
        let leads = |leading: &[bool], places: &[usize; 2]| places.iter().any(|place| leading[*place]);
        let is_direct = |places: &[usize; 2]| leads(&direct, places);
        let is_through = |places: &[usize; 2]| leads(&any, places) && !leads(&direct, places);
        [self.using(uses, &is_direct), self.using(uses, &is_through)]
    }

    fn using(&self, uses: &Uses, is_user: &dyn Fn(&[usize; 2]) -> bool) -> Users<'_> {
        let places = self.groups.iter().flat_map(|group| &group.operations);
        let users = places.filter(|place| uses.operations.get(**place).is_some_and(is_user));
        let webhooks = self.webhooks.iter().zip(&uses.webhooks).filter(|(_, places)| is_user(places));
        Users {
            operations: users.filter_map(|place| self.operations.get(*place)).collect(),
            webhooks: webhooks.map(|(webhook, _)| webhook).collect(),
        }
    }
}
