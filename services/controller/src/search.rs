//! Finding the object that a proxy refuses among several that may be to blame.
//!
//! An Envoy names the resource that it refuses, not the object, and keeps the version that it had. So nothing
//! is taken from a table that serves: halves of the suspects are sent in a table that no request can
//! reach, until one is left.

use std::sync::Arc;

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
    /// Version of its table, by which late answers to an earlier trial are told.
    pub(crate) version: Arc<str>,
    suspects: Vec<ObjectId>,
}

/// Where a search stands after a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// This one is refused alone.
    Guilty(ObjectId),
    /// Nobody is refused alone.
    Nobody,
    /// There must be another trial.
    GoOn,
}

impl Search {
    /// Searches among `suspects`, at least two.
    pub(crate) fn new(table: TableName, suspects: Vec<ObjectId>, message: &str) -> Self {
        Self { table, message: message.to_owned(), revision: Revision(u64::MAX), version: "".into(), suspects }
    }

    /// Whom the next trial is about.
    fn half(&self) -> usize {
        self.suspects.len().div_ceil(2)
    }

    /// The trial was refused: somebody in it is guilty.
    pub(crate) fn refused(&mut self, message: &str) -> Verdict {
        message.clone_into(&mut self.message);
        self.suspects.truncate(self.half());
        match &self.suspects[..] {
            [guilty] => Verdict::Guilty(guilty.clone()),
            _ => Verdict::GoOn,
        }
    }

    /// The trial was accepted: somebody else is guilty. The last suspect is tried as well: what one Envoy
    /// refused may have been mended, or be nobody's fault alone.
    pub(crate) fn accepted(&mut self) -> Verdict {
        self.suspects.drain(..self.half());
        if self.suspects.is_empty() { Verdict::Nobody } else { Verdict::GoOn }
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

    fn ids() -> Vec<ObjectId> {
        (0..11).map(|n| ObjectId::new(Kind::Mapping, "default", format!("m{n}"))).collect()
    }

    fn search(refused: impl Fn(&[ObjectId]) -> bool) -> (Verdict, u32) {
        let mut search = Search::new(TableName("a.example".into()), ids(), "refused");
        let mut trials = 0;
        loop {
            trials += 1;
            let tried = &search.suspects[..search.half()];
            let verdict = if refused(tried) { search.refused("again") } else { search.accepted() };
            if verdict != Verdict::GoOn {
                return (verdict, trials);
            }
        }
    }

    #[test]
    fn halving_finds_the_guilty_one() {
        for guilty in ids() {
            let (verdict, trials) = search(|tried| tried.contains(&guilty));
            assert_eq!(verdict, Verdict::Guilty(guilty));
            assert!(trials <= 5, "{trials} trials for 11 suspects");
        }
    }

    #[test]
    fn of_two_one_is_found() {
        let both = [&ids()[2], &ids()[7]].map(Clone::clone);
        let (verdict, _) = search(|tried| tried.iter().any(|id| both.contains(id)));
        assert_eq!(verdict, Verdict::Guilty(both[0].clone()));
    }

    #[test]
    fn nobody_is_convicted_without_a_refusal() {
        assert_eq!(search(|_| false).0, Verdict::Nobody);
    }
}
