//! What the controller says of the operations of each document, kept until something at the gateway is another.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Semaphore;

use crate::api::ApiId;
use crate::gateway::{Admin, GatewayError};
use crate::reference::Reference;
use crate::routed::{MOST_ADDRESSES, Routed, questions};

/// How many documents are asked about at once.
const AT_ONCE: usize = 8;
/// How long one waits for the answers.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was said of each document.
#[derive(Debug)]
pub(super) struct Routes {
    known: Mutex<BTreeMap<ApiId, Known>>,
    asking: Semaphore,
}

#[derive(Clone, Debug)]
struct Known {
    of: Weak<Reference>,
    /// When it was said; never where nobody answered.
    edition: Option<u64>,
    routed: Arc<Routed>,
}

impl Default for Routes {
    fn default() -> Self {
        Self { known: Mutex::default(), asking: Semaphore::new(AT_ONCE) }
    }
}

/// A document of which nothing is said: its copy is as the service has it.
fn is_told(reference: &Reference) -> bool {
    reference.rewritten.is_ok() && !reference.api.keeps_servers
}

impl Routes {
    /// What is said of documents, each; nothing of those that are given as they are. Where the controller does not answer,
    /// what it said last, or what is known without it.
    pub(super) async fn of(&self, admin: &Admin, edition: u64, all: &[Arc<Reference>]) -> Vec<Option<Arc<Routed>>> {
        let mut found = Vec::with_capacity(all.len());
        let mut is_silent = false;
        for some in all.chunks(AT_ONCE) {
            let asked = some.iter().map(|reference| self.one(admin, edition, reference, is_silent));
            for (routed, is_answer) in join_all(asked).await {
                is_silent |= !is_answer;
                found.push(routed);
            }
        }
        found
    }

    /// What is said of one, and whether nobody is missing who should have said it.
    async fn one(
        &self,
        admin: &Admin,
        edition: u64,
        reference: &Arc<Reference>,
        is_silent: bool,
    ) -> (Option<Arc<Routed>>, bool) {
        if !is_told(reference) {
            return (None, true);
        }
        if let Some(known) = self.newest(reference, edition) {
            return (Some(known), true);
        }
        if is_silent {
            return (Some(self.last(reference)), false);
        }
        let _permit = self.asking.acquire().await;
        // Somebody may have asked in the meantime.
        if let Some(known) = self.newest(reference, edition) {
            return (Some(known), true);
        }
        let told = tokio::time::timeout(PATIENCE, ask(admin, reference)).await;
        match told {
            Ok(Ok(routed)) => (Some(self.note(reference, Some(edition), routed)), true),
            Ok(Err(error)) => {
                tracing::debug!("{error}");
                (Some(self.last(reference)), false)
            }
            Err(_) => (Some(self.last(reference)), false),
        }
    }

    fn newest(&self, reference: &Arc<Reference>, edition: u64) -> Option<Arc<Routed>> {
        self.known(reference).filter(|known| known.edition == Some(edition)).map(|known| known.routed)
    }

    fn last(&self, reference: &Arc<Reference>) -> Arc<Routed> {
        match self.known(reference) {
            Some(known) => known.routed,
            None => self.note(reference, None, Routed::guess(reference)),
        }
    }

    fn known(&self, reference: &Arc<Reference>) -> Option<Known> {
        let known = self.lock().get(&reference.api.id).cloned();
        known.filter(|known| known.of.as_ptr() == Arc::as_ptr(reference))
    }

    /// Keeps it: where it says what was said before, it is the same.
    fn note(&self, reference: &Arc<Reference>, edition: Option<u64>, routed: Routed) -> Arc<Routed> {
        let before = self.known(reference).map(|known| known.routed).filter(|known| **known == routed);
        let routed = before.unwrap_or_else(|| Arc::new(routed));
        let known = Known { of: Arc::downgrade(reference), edition, routed: Arc::clone(&routed) };
        let mut all = self.lock();
        all.retain(|_, known| known.of.strong_count() > 0);
        all.insert(reference.api.id.clone(), known);
        routed
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ApiId, Known>> {
        // Nothing is left half done under it.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks at each of its addresses.
async fn ask(admin: &Admin, reference: &Arc<Reference>) -> Result<Routed, GatewayError> {
    let addresses = reference.api.mount.iter().flat_map(|mount| &mount.addresses).take(MOST_ADDRESSES);
    let questions = questions(reference);
    let mut told = Vec::new();
    for address in addresses {
        told.push(admin.all_operations(address, &questions).await?);
    }
    Ok(Routed::of(reference, &told))
}
