//! Does to the counters what a plan says.

use bytes::Bytes;
use smallvec::SmallVec;

use super::{CallError, Limiter};
use crate::algorithm::Algorithm;
use crate::clock::Now;
use crate::config::StoreFailure;
use crate::lease::{Answer, Grant};
use crate::plan::{Item, Plan};
use crate::stats;
use crate::store::{Action, Backend, LocalCache, Meter, Op, Ops, Store, StoreError};

/// Where in the plan an operation comes from, and what it is.
struct Place {
    index: usize,
    action: Action,
    meter: Meter,
}

type Places = SmallVec<[Place; 2]>;

impl Limiter {
    /// Does to the counters what the plan says, and notes what they come to.
    pub(super) async fn count(&self, plan: &mut Plan<'_>, now: Now) -> Result<(), CallError> {
        if let Some(cache) = &self.shared.local_cache {
            plan.counted(|item, key| look(cache, item, key, now));
        }
        let charge = self.charge(plan, now).await?;
        self.lease(plan, charge, now);
        self.run(plan, now, |item| {
            let hits = charge.of(item);
            if item.over_locally || (item.covered > 0 && item.covered == hits) {
                return None;
            }
            Some(item.refund.map_or_else(|| Action::Add(hits - item.covered + item.ahead), Action::Refund))
        })
        .await?;
        self.settle(plan, now).await;
        if let Some(cache) = &self.shared.local_cache {
            plan.counted(|item, key| note(cache, item, key, now));
        }
        Ok(())
    }

    /// Looks at the counters, and counts nothing.
    pub(crate) async fn look(&self, plan: &mut Plan<'_>) -> Result<(), StoreError> {
        self.run(plan, Now::read(), |_| Some(Action::Read)).await
    }

    /// Which counters to charge, where a request over one limit must not be counted towards others.
    async fn charge(&self, plan: &mut Plan<'_>, now: Now) -> Result<Charge, StoreError> {
        if !self.shared.options.stop_increment {
            return Ok(Charge::All);
        }
        if plan.items.iter().any(|item| item.over_locally) {
            return Ok(Charge::None);
        }
        self.run(plan, now, |item| item.refund.is_none().then_some(Action::Read)).await?;
        let mut any = false;
        plan.counted(|item, _| {
            item.would_exceed = item.refund.is_none() && item.after.saturating_add(item.hits) > item.capacity;
            any |= item.would_exceed;
        });
        Ok(if any { Charge::Exceeded } else { Charge::All })
    }

    /// Does what `action` says to each counter; where they cannot be had, what the rules say.
    async fn run(
        &self,
        plan: &mut Plan<'_>,
        now: Now,
        action: impl Fn(&Item<'_>) -> Option<Action>,
    ) -> Result<(), StoreError> {
        let mut asked: [(Ops, Places); 2] = Default::default();
        for (index, item) in plan.items.iter().enumerate() {
            let (Some(key), Some(window), Some(meter)) = (&item.key, item.window(), item.meter(now)) else { continue };
            let Some(action) = action(item) else { continue };
            let (ops, places) = &mut asked[usize::from(self.per_second.is_some() && window.seconds() == 1)];
            ops.push(Op { key: key.clone(), action, meter });
            places.push(Place { index, action, meter });
        }
        // One after the other, as the original: where the first fails, the second is not charged.
        let stores = [Some(&self.store), self.per_second.as_ref()];
        for (store, (ops, places)) in stores.into_iter().zip(asked) {
            if let (Some(store), false) = (store, ops.is_empty()) {
                self.run_in(store, plan, &places, ops).await?;
            }
        }
        Ok(())
    }

    async fn run_in(&self, store: &Backend, plan: &mut Plan<'_>, places: &Places, ops: Ops) -> Result<(), StoreError> {
        let policy = |item: &Item<'_>| item.store_failure().unwrap_or(self.shared.options.store_failure);
        let fails = |place: &Place| policy(&plan.items[place.index]) == StoreFailure::Error;
        // Where it is an error whatever happens, there is nothing to be in time for.
        let by = plan.answer_by.filter(|_| !places.iter().any(fails));
        let counts = store.run(ops, by).await;
        let refused = places.iter().zip(&counts).find(|(place, count)| count.is_err() && fails(place));
        if let Some((_, Err(error))) = refused {
            return Err(error.clone());
        }
        let mut fell_back = false;
        for (place, count) in places.iter().zip(counts) {
            let item = &mut plan.items[place.index];
            match count {
                Ok(count) => {
                    (item.after, item.reset) = (count.value, count.reset);
                    // It may have been looked at in vain before.
                    (item.capacity, item.without_store) = (capacity(item), false);
                }
                Err(_) => {
                    fell_back = true;
                    self.without_store(item, place, policy(item));
                }
            }
        }
        stats::add(&self.shared.stats.service.store_fallback, u64::from(fell_back));
        Ok(())
    }

    /// What an item comes to when its counter cannot be had.
    fn without_store(&self, item: &mut Item<'_>, place: &Place, policy: StoreFailure) {
        item.ahead = 0;
        item.without_store = true;
        let capacity = capacity(item);
        match policy {
            StoreFailure::Error | StoreFailure::Allow => item.after = 0,
            StoreFailure::Deny => item.after = capacity.saturating_add(item.hits.max(1)),
            StoreFailure::Local => {
                let replicas = self.shared.options.replicas;
                item.capacity = capacity.div_ceil(u64::from(replicas));
                let Some(key) = item.key.clone() else { return };
                let op = Op { key, action: place.action, meter: place.meter.share(replicas) };
                let count = self.shared.fallback.apply_now(op);
                (item.after, item.reset) = (count.value, count.reset);
            }
        }
    }

    /// Answers from leases what they have, and decides where to ask for more.
    fn lease(&self, plan: &mut Plan<'_>, charge: Charge, now: Now) {
        let leases = &self.shared.leases;
        plan.counted(|item, key| {
            let (lease, hits) = (item.lease(), charge.of(item));
            let Some(window) = item.window() else { return };
            if lease == 0 || hits == 0 || item.refund.is_some() || item.over_locally {
                return;
            }
            match leases.take(key, hits, window, now) {
                Answer::Counted(after) => (item.after, item.covered) = (after, hits),
                Answer::Ask { covered, more } => (item.covered, item.ahead) = (covered, if more { lease } else { 0 }),
            }
        });
    }

    /// Divides what the store counted into the hits of the request, those of the lease, and what is too much.
    async fn settle(&self, plan: &mut Plan<'_>, now: Now) {
        let mut too_much: SmallVec<[Op; 2]> = SmallVec::new();
        plan.counted(|item, key| {
            let Some(window) = item.window().filter(|_| item.lease() > 0 && !item.without_store) else { return };
            let leases = &self.shared.leases;
            if item.hits == 0 && item.refund.is_none() {
                item.after = item.after.saturating_sub(leases.free(key));
            }
            if item.ahead == 0 {
                return;
            }
            // Somebody else may have set the counter below nothing.
            let after = item.after.saturating_sub(item.ahead);
            let granted = item.capacity.saturating_sub(after).min(item.ahead);
            let spent = granted < item.ahead;
            let grant = Grant { counted: after.min(item.capacity) + granted, free: granted, spent };
            let kept = if leases.grant(key, &grant, now) { granted } else { 0 };
            item.after = after;
            if kept < item.ahead {
                too_much.push(refund(key.clone(), item.ahead - kept, window.seconds()));
            }
        });
        for op in too_much {
            self.give(op).await;
        }
    }

    /// Gives back what leases have and was not used for a second, or all of it `at_once`.
    pub(crate) async fn give_back(&self, at_once: bool) {
        for unused in self.shared.leases.unused(Now::read(), at_once) {
            self.give(refund(unused.key, unused.hits, unused.window)).await;
        }
    }

    /// Takes hits off a counter. Where it fails they stay counted: less is let through, never more.
    async fn give(&self, op: Op) {
        let counts = self.store_of(op.meter).run(Ops::from_iter([op]), None).await;
        if let Some(Err(error)) = counts.first() {
            tracing::debug!("a lease was not given back: {error}");
        }
    }

    fn store_of(&self, meter: Meter) -> &Backend {
        match (&self.per_second, meter) {
            (Some(store), Meter::Number(1)) => store,
            _ => &self.store,
        }
    }
}

/// How many hits fit into the limit.
fn capacity(item: &Item<'_>) -> u64 {
    item.limit.as_ref().map_or(u64::MAX, |limit| u64::from(limit.capacity()))
}

fn refund(key: Bytes, hits: u64, window: u64) -> Op {
    Op { key, action: Action::Refund(hits), meter: Meter::Number(window) }
}

/// Sees whether the counter is known to be over its limit.
fn look(cache: &LocalCache, item: &mut Item<'_>, key: &Bytes, now: Now) {
    // Where hits are refused as a whole, looking is never over.
    let is_plain = item.limit.as_ref().is_some_and(|limit| limit.algorithm() == Algorithm::FixedWindow);
    if item.refund.is_some() || (item.hits == 0 && !is_plain) {
        return;
    }
    if let Some(ends) = cache.over_until(key, now.seconds()) {
        item.over_locally = true;
        item.reset = (ends * 1_000).saturating_sub(now.0);
    }
}

/// Remembers that the counter is over its limit, or forgets it.
fn note(cache: &LocalCache, item: &mut Item<'_>, key: &Bytes, now: Now) {
    if item.refund.is_some() {
        cache.forget(key);
        return;
    }
    let (Some(limit), Some(window)) = (&item.limit, item.window()) else { return };
    // What others hold in leases may come back within the window.
    if !item.is_over() || item.over_locally || item.without_store || item.lease() > 0 {
        return;
    }
    match limit.algorithm() {
        Algorithm::FixedWindow => cache.note(key, now.seconds() + window.until_reset(now.seconds())),
        // One hit does not fit until then; nor do more.
        _ if item.hits == 1 => cache.note(key, (now.0 + item.reset) / 1_000),
        _ => {}
    }
}

impl Plan<'_> {
    /// Each item that has a counter, with the counter's key.
    fn counted(&mut self, mut each: impl FnMut(&mut Item<'_>, &Bytes)) {
        for item in &mut self.items {
            if let Some(key) = item.key.clone() {
                each(item, &key);
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Charge {
    All,
    None,
    /// Only those whose limit is the reason.
    Exceeded,
}

impl Charge {
    fn of(self, item: &Item<'_>) -> u64 {
        match self {
            Self::All => item.hits,
            Self::Exceeded if item.would_exceed => item.hits,
            Self::None | Self::Exceeded => 0,
        }
    }
}
