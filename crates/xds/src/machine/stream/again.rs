//! What is looked at again, and when.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Instant;

use super::Stream;
use crate::machine::Context;
use crate::resource::{Key, ResourceType, Revision};

impl Stream {
    /// Looks again at whatever has reached its time.
    pub(crate) fn tick(&mut self, context: &mut Context<'_>) {
        while let Some(Reverse((at, _))) = self.timers.peek()
            && *at <= context.now
        {
            let Some(Reverse((at, key))) = self.timers.pop() else { return };
            if let Some(slot) = self.slot_mut(&key)
                && slot.timer == Some(at)
            {
                slot.timer = None;
                self.touch(&key, None);
            }
        }
    }

    /// Has a resource looked at at a later time.
    pub(in crate::machine) fn set_timer(&mut self, key: &Key, at: Instant) {
        if let Some(slot) = self.slot_mut(key)
            && slot.timer != Some(at)
        {
            slot.timer = Some(at);
            self.timers.push(Reverse((at, key.clone())));
        }
    }

    /// Queues a resource for a look; `due` makes it count for that revision until it has arrived.
    pub(in crate::machine) fn touch(&mut self, key: &Key, due: Option<Revision>) {
        let state = &mut self.types[key.kind.index()];
        let Some(slot) = state.slots.get_mut(&key.name) else { return };
        if let Some(revision) = due
            && slot.due.is_none()
        {
            slot.due = Some(revision);
            self.progress.add(revision);
        }
        if !slot.queued {
            slot.queued = true;
            let name = Arc::clone(&key.name);
            if slot.hurried { state.queue.push_front(name) } else { state.queue.push_back(name) }
        }
    }

    /// Has a resource looked at before what has waited longer, now and whenever it has waited for something, until it is sent.
    pub(super) fn put_first(&mut self, key: &Key) {
        let state = &mut self.types[key.kind.index()];
        let Some(slot) = state.slots.get_mut(&key.name) else { return };
        slot.hurried = true;
        if slot.queued {
            state.queue.retain(|name| *name != key.name);
            state.queue.push_front(Arc::clone(&key.name));
        }
    }

    /// Looks again at what waited for this.
    pub(in crate::machine) fn wake(&mut self, key: &Key, due: Option<Revision>) {
        for waiter in self.waiters.remove(key).unwrap_or_default() {
            let held = self.slot_mut(&waiter).and_then(|slot| slot.held.as_mut());
            if let Some(held) = held.filter(|held| held.waits_for.as_ref() == Some(key)) {
                held.waits_for = None;
                self.touch(&waiter, due);
            }
        }
    }

    /// Looks again at what waited for anything of a kind that other clients have.
    pub(in crate::machine) fn wake_all(&mut self, kind: ResourceType) {
        let waited_for: Vec<_> = self.waiters.keys().filter(|key| key.kind == kind).cloned().collect();
        waited_for.iter().for_each(|key| self.wake(key, None));
    }

    pub(super) fn next_timer(&self) -> Option<Instant> {
        let load_ends = self.load_ends.filter(|_| !self.loaded);
        let next = self.timers.peek().map(|Reverse((at, _))| *at);
        next.into_iter().chain(load_ends).min()
    }
}
