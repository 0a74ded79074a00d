//! What would be lost by a change, each once.

use std::collections::BTreeMap;

use crate::admin::{LossKind, LossView};

/// By what is lost, the host and the route.
#[derive(Debug, Default)]
pub(super) struct Losses(BTreeMap<(LossKind, String, String), LossView>);

impl Losses {
    /// All of them.
    pub(super) fn into_views(self) -> Vec<LossView> {
        self.0.into_values().collect()
    }

    /// Of several paths the first is told that somebody would ask for, if there is one.
    pub(super) fn note(&mut self, what: LossKind, host: &str, matches: &str, path: &str, was: &str) {
        let key = (what, host.to_owned(), matches.to_owned());
        let is_better = |known: &LossView| !is_usual(&known.path) && is_usual(path);
        if self.0.get(&key).is_none_or(is_better) {
            let loss = LossView {
                what,
                host: host.to_owned(),
                matches: matches.to_owned(),
                path: path.to_owned(),
                was: was.to_owned(),
            };
            self.0.insert(key, loss);
        }
    }
}

/// Whether all servers read a path as it is written.
fn is_usual(path: &str) -> bool {
    nuncio_auth::path::liberal(path).is_some_and(|read| read == path)
}
