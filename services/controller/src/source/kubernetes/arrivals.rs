//! Kinds that are installed later: whoever misses one is told when its definition comes or changes. Where definitions may
//! not be watched, it is looked for ever more rarely.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;

use super::backoff::Backoff;
use super::object::Item;
use super::reflector::{Message, Reflector, Selection, Told};
use super::request::Failure;
use super::resources::{ApiKind, DEFINITION};

/// Messages that may wait: they only wake somebody.
const QUEUED: usize = 16;
/// Tries after a definition came or changed: it is served within moments, or not at all.
const TRIES: u32 = 6;
/// How rarely at last a kind is looked for whose definition nobody watches, and whether definitions may be watched by now.
const LONGEST: Duration = Duration::from_secs(300);

/// The definitions that somebody may wait for.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    /// Wakes him, by the name of the definition.
    waiting: BTreeMap<String, Notify>,
    /// Whether definitions are watched.
    watched: watch::Sender<bool>,
}

impl Arrivals {
    /// Of these kinds, as far as they have definitions.
    pub(super) fn of(kinds: &[ApiKind]) -> Self {
        let defined = kinds.iter().filter(|api| api.is_defined());
        Self { waiting: defined.map(|api| (api.resource(), Notify::new())).collect(), ..Self::default() }
    }

    /// Watches definitions for as long as the tasks are there.
    pub(super) fn watch(self: &Arc<Self>, client: &Client, tasks: &mut JoinSet<()>) {
        let (arrivals, client) = (Arc::clone(self), client.clone());
        tasks.spawn(async move {
            let mut said = false;
            loop {
                let denied = arrivals.listen(&client).await;
                if let Some(why) = denied.filter(|_| !std::mem::replace(&mut said, true)) {
                    let minutes = LONGEST.as_secs() / 60;
                    tracing::info!("kinds that are installed later are noticed within {minutes} min: {why}");
                }
                tokio::time::sleep(LONGEST).await;
            }
        });
    }

    /// Waits until the kind with this definition may be there. `tries` counts what was tried in vain.
    pub(super) async fn may_be_there(&self, definition: &str, tries: &mut Backoff) {
        let mut watched = self.watched.subscribe();
        loop {
            let is_told = *watched.borrow_and_update() && tries.tries() >= TRIES;
            let wait = tries.next_up_to(LONGEST);
            tokio::select! {
                () = self.comes(definition) => return tries.reset(),
                () = tokio::time::sleep(wait), if !is_told => return,
                _ = watched.changed() => {}
            }
        }
    }

    async fn comes(&self, definition: &str) {
        match self.waiting.get(definition) {
            Some(notify) => notify.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Follows the metadata of definitions until that is denied; says why.
    async fn listen(&self, client: &Client) -> Option<String> {
        let (messages, mut received) = mpsc::channel(QUEUED);
        let reflected = Reflector::of(DEFINITION, client.clone(), Selection::default(), messages).run();
        let heard = async {
            while let Some(Message { told, .. }) = received.recv().await {
                if let Told::Failed(Failure::Denied(why)) = told {
                    return Some(why);
                }
                self.hear(told);
            }
            None
        };
        let denied = tokio::select! {
            () = reflected => None,
            denied = heard => denied,
        };
        self.watched.send_replace(false);
        denied
    }

    fn hear(&self, told: Told) {
        match told {
            Told::Object(Item { file, .. }) | Told::Gone(file) => {
                let name = file.rsplit('/').next().and_then(|name| self.waiting.get(name));
                name.into_iter().for_each(Notify::notify_one);
            }
            Told::Complete | Told::Works => {
                self.watched.send_replace(true);
            }
            Told::Failed(_) => {
                self.watched.send_replace(false);
            }
            Told::Begin => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use nuncio_api::Kind;

    use super::super::resources::api_kind;
    use super::*;

    const MAPPINGS: &str = "mappings.getambassador.io";

    #[tokio::test]
    async fn who_misses_a_kind_looks_by_himself_until_he_is_told() {
        let arrivals = Arrivals::of(&[api_kind(Kind::Mapping).unwrap(), api_kind(Kind::Service).unwrap()]);
        assert_eq!(arrivals.waiting.keys().collect::<Vec<_>>(), [MAPPINGS]);
        let mut tries = Backoff::default();
        arrivals.may_be_there(MAPPINGS, &mut tries).await;
        assert_eq!(tries.tries(), 1, "by himself");

        arrivals.hear(Told::Complete);
        for _ in 0..60 {
            tries.next();
        }
        // However often it was tried in vain, and however long the next wait would be.
        arrivals.hear(Told::Gone(format!("apiextensions.k8s.io/CustomResourceDefinition//{MAPPINGS}").into()));
        arrivals.may_be_there(MAPPINGS, &mut tries).await;
        assert_eq!(tries.tries(), 0, "told");
    }
}
