//! What keeps reflectors from going on: one line in the log for a server that is lost, however many watches it had,
//! and a problem for each kind that cannot be read.

use std::collections::BTreeMap;
use std::time::Instant;

use nuncio_api::Kind;

use super::reflector::Selection;
use super::request::Failure;
use super::resources::ApiKind;
use crate::source::{Content, FileChange};

/// The troubles of all reflectors.
#[derive(Debug)]
pub(super) struct Troubles {
    server: String,
    by_kind: BTreeMap<usize, Failure>,
    /// Since when nobody answers.
    lost: Option<Instant>,
}

impl Troubles {
    pub(super) fn new(server: String) -> Self {
        Self { server, by_kind: BTreeMap::new(), lost: None }
    }

    /// A reflector cannot go on. Gives the problem to show, if it is another than before.
    pub(super) fn failed(
        &mut self,
        index: usize,
        api: &ApiKind,
        selection: &Selection,
        failure: &Failure,
    ) -> Option<FileChange> {
        let before = self.by_kind.insert(index, failure.clone());
        if failure.is_lost() && self.lost.is_none() {
            self.lost = Some(Instant::now());
            let lost = self.says_nothing(failure);
            tracing::warn!("{lost}; what was read before is served on, and it is tried again");
        }
        self.answers();
        if before.as_ref() == Some(failure) || failure.is_lost() {
            return None;
        }
        let message = explain(api, selection, failure);
        if *failure == Failure::Missing && is_dispensable(api) {
            tracing::info!("there are no objects of {}: {message}", api.resource());
            // A server that has just begun may have said before that we may not read them.
            return before.map(|_| mended(api));
        }
        if *failure == Failure::Missing {
            tracing::warn!("{} cannot be read: {message}", api.resource());
        } else {
            tracing::error!("{} cannot be read: {message}", api.resource());
        }
        Some(FileChange { file: api.directory().into(), content: Content::Unreadable(message) })
    }

    /// A reflector goes on.
    pub(super) fn works(&mut self, index: usize, api: &ApiKind) -> Option<FileChange> {
        let before = self.by_kind.remove(&index)?;
        self.answers();
        if !before.is_lost() {
            tracing::info!("{} can be read now", api.resource());
        }
        // Also after a loss: there may have been a problem before it.
        Some(mended(api))
    }

    fn says_nothing(&self, failure: &Failure) -> String {
        let how = if matches!(failure, Failure::Faulty(_)) { "has an error of its own" } else { "does not answer" };
        format!("the API server {} {how}: {failure}", self.server)
    }

    /// Says that the server is back, once nobody misses it any more.
    fn answers(&mut self) {
        if !self.by_kind.values().any(Failure::is_lost)
            && let Some(since) = self.lost.take()
        {
            tracing::info!("the API server {} answers again after {:.1} s", self.server, since.elapsed().as_secs_f64());
        }
    }

    /// Why the first state is not complete, of those that it waits for.
    pub(super) fn waiting(&self, kinds: &[ApiKind], is_waited_for: impl Fn(usize) -> bool) -> String {
        if self.lost.is_some()
            && let Some(failure) = self.by_kind.values().find(|failure| failure.is_lost())
        {
            return self.says_nothing(failure);
        }
        let waits = kinds.iter().enumerate().filter(|(index, _)| is_waited_for(*index));
        let texts: Vec<_> = waits
            .map(|(index, api)| match self.by_kind.get(&index) {
                Some(failure) => format!("{} ({failure})", api.resource()),
                None => api.resource(),
            })
            .collect();
        format!("waiting for {}", texts.join(", "))
    }
}

/// Nothing is wrong with a kind any more.
fn mended(api: &ApiKind) -> FileChange {
    FileChange { file: api.directory().into(), content: Content::Gone }
}

/// Whether a cluster may do without a kind: those that Emissary's definitions do not have, and those without effect.
fn is_dispensable(api: &ApiKind) -> bool {
    Kind::of_group(api.group, api.kind).is_none_or(Kind::is_unknown_to_emissary)
}

/// What is wrong, and what would help.
fn explain(api: &ApiKind, selection: &Selection, failure: &Failure) -> String {
    let resource = api.resource();
    match failure {
        Failure::Missing => format!(
            "the API server has no {resource} in version {}: install the CustomResourceDefinition; it is picked up when it is there",
            api.version
        ),
        Failure::Denied(message) => {
            let role = match (&selection.namespace, api.namespaced) {
                (Some(namespace), true) => format!("a Role in the namespace {namespace}"),
                _ => "a ClusterRole".to_owned(),
            };
            format!("{message}: let {role} grant get, list and watch for {resource}")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::kubernetes::resources::api_kind;

    #[test]
    fn a_kind_that_can_be_done_without_is_no_problem_once_it_is_known_to_be_missing() {
        let (mut troubles, filters) = (Troubles::new("server".to_owned()), api_kind(Kind::GatewayFilter).unwrap());
        let mut failed = |failure: Failure| troubles.failed(0, &filters, &Selection::default(), &failure);
        assert_eq!(failed(Failure::Missing), None);
        let denied = failed(Failure::Denied("filters is forbidden".to_owned())).unwrap();
        assert!(matches!(denied.content, Content::Unreadable(_)), "{denied:?}");
        assert_eq!(failed(Failure::Missing), Some(mended(&filters)));
        assert_eq!(failed(Failure::Missing), None, "once");
        assert_eq!(failed(Failure::Faulty("leader changed".to_owned())), None, "the server is lost, not the kind");
    }
}
