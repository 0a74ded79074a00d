//! Which tables send to which services, where services call each other through the gateway: a preview of one has to show
//! there too.

use std::collections::{BTreeMap, BTreeSet};

use nuncio_api::ObjectId;
use nuncio_ir::{Delta, TableName};

use super::super::{Dirty, World};
use crate::upstream::{Location, location};

/// Of the tables that the hosts of requests lead to, in classes with an internal Listener.
#[derive(Debug, Default)]
pub(super) struct Senders {
    of_tables: BTreeMap<TableName, BTreeSet<Location>>,
    tables: BTreeMap<Location, BTreeSet<TableName>>,
}

impl Senders {
    /// The tables that send to a service.
    pub(super) fn of(&self, location: &Location) -> impl Iterator<Item = &TableName> {
        self.tables.get(location).into_iter().flatten()
    }

    /// A table sends to these from now on. Gives what it sends to now or did before.
    fn change(&mut self, table: &TableName, locations: BTreeSet<Location>) -> BTreeSet<Location> {
        let mut touched = self.of_tables.remove(table).unwrap_or_default();
        for location in &touched {
            super::remove(&mut self.tables, location, table);
        }
        for location in &locations {
            self.tables.entry(location.clone()).or_default().insert(table.clone());
        }
        touched.extend(locations.iter().cloned());
        if !locations.is_empty() {
            self.of_tables.insert(table.clone(), locations);
        }
        touched
    }
}

impl World {
    /// Notes where changed tables send to. Gives the previews that replace something there.
    pub(super) fn note_senders(&mut self, dirty: &Dirty, delta: &Delta) -> BTreeSet<ObjectId> {
        let mut changed: BTreeSet<TableName> = delta.tables.iter().map(|(name, _)| name.clone()).collect();
        if dirty.frame || dirty.preview_policy {
            changed.extend(self.model.tables.keys().cloned());
            changed.extend(self.previews.senders.of_tables.keys().cloned());
        }
        let mut touched = BTreeSet::new();
        for name in changed {
            let sends_to = self.internal_destinations(&name);
            for location in self.previews.senders.change(&name, sends_to) {
                touched.extend(self.previews.locations.get(&location).into_iter().flatten().cloned());
            }
        }
        touched
    }

    /// Where a table sends to by which services call each other; nothing for any other.
    fn internal_destinations(&self, name: &TableName) -> BTreeSet<Location> {
        let is_internal = |class: &str| self.frame.classes.iter().any(|it| it.internal && *it.key == *class);
        let table = self.model.tables.get(name);
        let counts = table.is_some_and(|table| {
            let is_baseline = table.scope.is_by_host() && table.preview.is_none();
            is_baseline && self.previews.policy().is_some() && is_internal(&table.scope.class)
        });
        let clusters = self.table_clusters.get(name).filter(|_| counts).into_iter().flatten();
        clusters.filter_map(|cluster| Some(location(self.clusters.get(cluster)?)?.0)).collect()
    }
}
