//! Finding the object that a proxy refuses among several that may be to blame.
//!
//! An Envoy names the resource that it refuses, not the object, and keeps the version that it had. So nothing
//! is taken from a table that serves: halves of the suspects are sent in a table that no request can
//! reach, until one is left.

use nuncio_api::ObjectId;
use nuncio_ir::{Scope, Table, TableName, VirtualHost};
use nuncio_xds::Revision;

/// Name and host of the table for trials. No request can be for such a host.
pub(crate) const TRIAL_TABLE: &str = "nuncio/trial";

/// A search for one guilty object.
#[derive(Debug)]
pub(crate) struct Search {
    /// The table that was refused.
    pub(crate) table: TableName,
    /// In Envoy's words; of the last refusal.
    pub(crate) message: String,
    /// The trial that runs.
    pub(crate) revision: Revision,
    suspects: Vec<ObjectId>,
}

impl Search {
    /// Searches among `suspects`, at least two.
    pub(crate) fn new(table: TableName, suspects: Vec<ObjectId>, message: &str) -> Self {
        Self { table, message: message.to_owned(), revision: Revision(u64::MAX), suspects }
    }

    /// Whom the next trial is about.
    fn half(&self) -> usize {
        self.suspects.len().div_ceil(2)
    }

    /// The trial was refused: somebody in it is guilty.
    pub(crate) fn refused(&mut self, message: &str) -> Option<ObjectId> {
        message.clone_into(&mut self.message);
        self.suspects.truncate(self.half());
        self.guilty()
    }

    /// The trial was accepted: somebody else is guilty.
    pub(crate) fn accepted(&mut self) -> Option<ObjectId> {
        self.suspects.drain(..self.half());
        self.guilty()
    }

    fn guilty(&self) -> Option<ObjectId> {
        match &self.suspects[..] {
            [guilty] => Some(guilty.clone()),
            _ => None,
        }
    }

    /// Whether one of these is a suspect.
    pub(crate) fn concerns(&self, ids: &[ObjectId]) -> bool {
        ids.iter().any(|id| self.suspects.contains(id))
    }

    /// The refused table with the routes of the next trial alone.
    pub(crate) fn trial(&self, table: &Table) -> Table {
        let tried = &self.suspects[..self.half()];
        let hosts = table.hosts.iter().map(|host| VirtualHost {
            routes: host
                .routes
                .iter()
                .filter(|route| route.origins.iter().any(|origin| tried.contains(origin)))
                .cloned()
                .collect(),
            falls_through: true,
            ..host.clone()
        });
        let scope = Scope { host: TRIAL_TABLE.into(), ..table.scope.clone() };
        Table { name: TableName(TRIAL_TABLE.into()), scope, hosts: hosts.collect() }
    }
}

#[cfg(test)]
mod tests {
    use nuncio_api::Kind;

    use super::*;

    #[test]
    fn halving_finds_the_guilty_one() {
        let ids: Vec<_> = (0..11).map(|n| ObjectId::new(Kind::Mapping, "default", format!("m{n}"))).collect();
        for guilty in &ids {
            let mut search = Search::new(TableName("a.example".into()), ids.clone(), "refused");
            let mut trials = 0;
            let found = loop {
                trials += 1;
                let tried = &search.suspects[..search.half()];
                let found = if tried.contains(guilty) { search.refused("again") } else { search.accepted() };
                if let Some(found) = found {
                    break found;
                }
            };
            assert_eq!(found, *guilty);
            assert!(trials <= 4, "{trials} trials for 11 suspects");
        }
    }
}
