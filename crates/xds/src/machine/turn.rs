//! Make before break among route configurations: what one update takes from one of them, it may give to another.
//!
//! The route configurations of an update go in turns: first those that come to need something new, then the others,
//! and what is removed last. Each turn begins when the client has acknowledged the one before, or after
//! [`Options::ack_timeout`](crate::Options::ack_timeout). An update of only one waits for nothing.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Instant;

use super::Context;
use super::judge::{Needs, Verdict};
use super::stream::Stream;
use crate::event::Hold;
use crate::resource::{Key, Resource, ResourceType, Revision};

/// When something of an update is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It comes to need something, and loses nothing: as soon as it can.
    Gains,
    /// It comes to need something, and no longer needs something else: when all that gain have what they need.
    Trades,
    /// It comes to need nothing: when those that gain have arrived.
    Keeps,
    /// It is removed: when the others have arrived.
    Goes,
}

/// The updates of which not everything has arrived.
#[derive(Debug, Default)]
pub(super) struct Turns {
    groups: BTreeMap<Revision, Group>,
}

/// The route configurations of one update.
#[derive(Debug)]
struct Group {
    /// When nothing waits any longer.
    until: Instant,
    /// What gains and has not arrived.
    gaining: BTreeSet<Key>,
    /// What keeps and has not arrived.
    keeping: BTreeSet<Key>,
    /// What gains, as far as its needs have not been seen to be met.
    unmet: Vec<Key>,
}

impl Stream {
    /// Gives each of the changed resources its turn.
    pub(super) fn give_turns(&mut self, changed: &[Key], context: &Context<'_>) {
        let turns: Vec<_> = changed.iter().filter_map(|key| Some((key, self.turn(key, context)?))).collect();
        for (key, _) in turns.iter().filter(|(_, turn)| matches!(turn, Turn::Keeps | Turn::Goes)) {
            // Whatever it was to gain before is not waited for: this keeps groups from waiting for each other.
            self.arrived(key, None);
        }
        let (mut gaining, mut keeping, mut trades, mut goes) = (BTreeSet::new(), BTreeSet::new(), false, false);
        for &(key, turn) in &turns {
            trades |= turn == Turn::Trades;
            match turn {
                Turn::Gains | Turn::Trades => _ = gaining.insert(key.clone()),
                Turn::Keeps => _ = keeping.insert(key.clone()),
                Turn::Goes => goes = true,
            }
        }
        let is_needed = (goes && !(gaining.is_empty() && keeping.is_empty()))
            || (!keeping.is_empty() && !gaining.is_empty())
            || (trades && gaining.len() > 1);
        self.turns.groups.retain(|_, group| context.now < group.until);
        if !is_needed {
            return;
        }
        let revision = context.store.revision();
        for (key, turn) in turns.iter().filter(|(_, turn)| *turn != Turn::Gains) {
            if let Some(slot) = self.slot_mut(key) {
                slot.turns.push((revision, *turn));
            }
        }
        let unmet = gaining.iter().cloned().collect();
        let until = context.now + context.options.ack_timeout;
        self.turns.groups.insert(revision, Group { until, gaining, keeping, unmet });
    }

    fn turn(&self, key: &Key, context: &Context<'_>) -> Option<Turn> {
        let slot = self.slot(key).filter(|_| self.awaits(key))?;
        let newest = match (key.kind, context.store.get(key)) {
            (ResourceType::Route | ResourceType::ScopedRoute, None) => return slot.may_be_had().then_some(Turn::Goes),
            (ResourceType::Route, Some(newest)) if !slot.is_at(&newest.version) => newest,
            _ => return None,
        };
        Some(match slot.known() {
            Some(known) => match (needs_more(newest, known), needs_more(known, newest)) {
                (true, false) => Turn::Gains,
                (true, true) => Turn::Trades,
                (false, _) => Turn::Keeps,
            },
            None if slot.may_be_had() => Turn::Keeps,
            None => Turn::Gains,
        })
    }

    /// Holds back what can be sent but whose turn has not come.
    pub(super) fn in_turn(&mut self, key: &Key, verdict: Verdict, context: &Context<'_>) -> Verdict {
        let is_change = match &verdict {
            Verdict::Send(resource) => self.slot(key).is_some_and(|slot| !slot.is_at(&resource.version)),
            Verdict::Remove => true,
            _ => false,
        };
        let turns = self.slot_mut(key).filter(|_| is_change).map(|slot| std::mem::take(&mut slot.turns));
        let mut turns = turns.unwrap_or_default();
        let removes = matches!(verdict, Verdict::Remove);
        let mut hold = None;
        turns.retain(|(revision, turn)| {
            let waits = if *turn == Turn::Goes && !removes { None } else { self.waits(*revision, *turn, context) };
            hold = hold.take().or_else(|| waits.clone());
            waits.is_some()
        });
        let Some((why, until)) = hold else { return verdict };
        let Some(slot) = self.slot_mut(key) else { return verdict };
        slot.turns = turns;
        match slot.known().filter(|_| slot.force) {
            Some(known) => Verdict::Send(known.clone()),
            None => Verdict::Hold(why, Some(until)),
        }
    }

    fn waits(&mut self, revision: Revision, turn: Turn, context: &Context<'_>) -> Option<(Hold, Instant)> {
        let group = self.turns.groups.get(&revision).filter(|group| context.now < group.until)?;
        let until = group.until;
        let first = match turn {
            Turn::Gains | Turn::Trades => return self.waits_for_needs(revision, until, context),
            Turn::Keeps => group.gaining.first(),
            Turn::Goes => group.gaining.first().or_else(|| group.keeping.first()),
        };
        first.map(|key| (Hold::Needs(key.clone()), until))
    }

    fn waits_for_needs(
        &mut self,
        revision: Revision,
        until: Instant,
        context: &Context<'_>,
    ) -> Option<(Hold, Instant)> {
        while let Some(key) = self.turns.groups.get(&revision)?.unmet.last() {
            match context.store.get(key).map_or(Needs::Met, |newest| self.needs(newest, context)) {
                Needs::Settling(at) => return Some((Hold::Settling, at.min(until))),
                Needs::Unmet(need) => return Some((Hold::Needs(need), until)),
                // Whether it ever comes is open; those who are not at fault do not wait for it.
                Needs::Met | Needs::Rejected(_) => {}
            }
            self.turns.groups.get_mut(&revision)?.unmet.pop();
        }
        None
    }

    /// A route configuration has arrived, or is not going to: as it was made at `revision`, or at any.
    pub(super) fn arrived(&mut self, key: &Key, revision: Option<Revision>) {
        if key.kind != ResourceType::Route || self.turns.groups.is_empty() {
            return;
        }
        let mut waited_for = false;
        self.turns.groups.retain(|made, group| {
            if revision.is_none_or(|revision| *made <= revision) {
                waited_for |= group.gaining.remove(key) | group.keeping.remove(key);
            }
            !(group.gaining.is_empty() && group.keeping.is_empty())
        });
        if waited_for {
            self.wake(key, None);
        }
    }
}

/// Whether one version needs what the other does not.
fn needs_more(version: &Resource, other: &Resource) -> bool {
    let needs: HashSet<_> = other.needs.iter().collect();
    version.needs.iter().any(|need| !needs.contains(need))
}
