//! What one stream has to do with the others: an Envoy is not told to ask by a set of rules before those who are asked have
//! it, and these keep it until no Envoy asks by it any more.

use super::Context;
use super::stream::Stream;
use super::usage::Free;
use crate::resource::{Key, Resource, ResourceType};

impl Stream {
    /// Whether this client decides by sets of rules.
    pub(super) fn decides(&self) -> bool {
        self.of(ResourceType::RuleSet).subscription.is_requested()
    }
}

impl Context<'_> {
    /// Whether everybody who decides by sets of rules has this one, and there is somebody. One who refused it has said
    /// what there is to say: it denies, or decides by what it had.
    pub(super) fn is_known_to_services(&self, newest: &Resource) -> bool {
        let mut services = self.others.values().filter(|stream| stream.decides()).peekable();
        services.peek().is_some()
            && services.all(|stream| {
                let slot = stream.slot(&newest.key);
                slot.is_some_and(|slot| slot.is_at(&newest.version) || slot.is_rejected(&newest.version))
            })
    }

    /// When a set of rules may be taken from those who decide by it.
    pub(super) fn free_of_others(&self, key: &Key) -> Free {
        let linger = self.options.linger;
        let mut free = Free::Now;
        for stream in self.others.values().filter(|stream| !stream.decides()) {
            match (stream.usage.free(key, linger, self.now), free) {
                // Nobody tells when that changes: it is looked at again.
                (Free::InUse, _) => return Free::At(self.now + linger),
                (Free::At(at), Free::At(other)) => free = Free::At(at.max(other)),
                (Free::At(at), _) => free = Free::At(at),
                (Free::Now, _) => {}
            }
        }
        free
    }
}
