//! What previews get of requests, by whatever gateway they come.

mod counters;

use std::collections::{BTreeMap, BTreeSet};

use nuncio_api::ObjectId;
use nuncio_ir::PreviewWay;

pub(crate) use self::counters::follow;
use super::usage::{Usage, Used};
use crate::clock;

/// What Envoy counts for a preview: of each way, by the names of its counters.
type Told = BTreeMap<(PreviewWay, String), u64>;

/// The requests of one preview.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    ways: BTreeMap<PreviewWay, u64>,
    /// What Envoy said last.
    told: Told,
    /// When there were more of them than before, in seconds since 1970.
    pub(crate) last: Option<u64>,
    /// Since when they are counted.
    pub(crate) since: u64,
}

impl Counts {
    /// How many went this way.
    pub(crate) fn of(&self, way: PreviewWay) -> u64 {
        self.ways.get(&way).copied().unwrap_or_default()
    }

    /// How many there were of any way.
    pub(crate) fn all(&self) -> u64 {
        self.of(PreviewWay::Any)
    }

    /// How many the baseline of a service got in its place.
    pub(crate) fn fallbacks(&self) -> u64 {
        self.ways.iter().filter(|(way, _)| matches!(way, PreviewWay::Fallback(_))).map(|(_, count)| count).sum()
    }

    /// All of them by now. A counter goes with its route, such as when a tunnel is disconnected, or with Envoy, and begins anew:
    /// what it has counted until then stays.
    fn with(before: Option<&Self>, told: &Told) -> BTreeMap<PreviewWay, u64> {
        let mut ways = before.map(|before| before.ways.clone()).unwrap_or_default();
        for (counter, count) in told {
            let known = before.and_then(|before| before.told.get(counter)).copied().unwrap_or_default();
            *ways.entry(counter.0).or_default() += count.checked_sub(known).unwrap_or(*count);
        }
        ways
    }

    /// As another gateway tells them.
    pub(super) fn named(ways: &BTreeMap<String, u64>, last: Option<u64>, since: u64) -> Self {
        let ways = ways.iter().filter_map(|(name, count)| Some((PreviewWay::parse(name)?.1, *count)));
        Self { ways: ways.collect(), told: Told::new(), last, since }
    }

    /// As another gateway is told them. Whose they are it knows.
    pub(super) fn names(&self) -> BTreeMap<String, u64> {
        self.ways.iter().map(|(way, count)| (way.counted(""), *count)).collect()
    }

    /// Those of two gateways.
    fn joined(mut self, other: &Self) -> Self {
        for (way, count) in &other.ways {
            *self.ways.entry(*way).or_default() += count;
        }
        Self { last: self.last.max(other.last), since: self.since.min(other.since), ..self }
    }

    fn used(&self) -> Used {
        Used {
            requests: self.all(),
            fallbacks: self.fallbacks(),
            last_used_at: self.last.map(clock::text),
            since: clock::text(self.since),
        }
    }
}

/// The requests of all previews.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    counts: BTreeMap<ObjectId, Counts>,
    /// Those that came by other gateways, by what these call themselves.
    others: BTreeMap<String, BTreeMap<ObjectId, Counts>>,
    /// As far as statuses tell it.
    usage: Usage,
    /// When the first of them was counted.
    began: u64,
}

impl Traffic {
    /// By whatever gateway they came.
    pub(crate) fn of(&self, id: &ObjectId) -> Option<Counts> {
        let mut all = self.own(id).into_iter().chain(self.others.values().filter_map(|counts| counts.get(id)));
        let first = all.next()?.clone();
        Some(all.fold(first, Counts::joined))
    }

    /// By this gateway.
    pub(super) fn own(&self, id: &ObjectId) -> Option<&Counts> {
        self.counts.get(id)
    }

    /// Takes in what another gateway counts.
    pub(super) fn take(&mut self, from: &str, id: ObjectId, counts: Counts) {
        self.others.entry(from.to_owned()).or_default().insert(id, counts);
    }

    /// Forgets what gateways have counted that are none of these.
    pub(super) fn keep(&mut self, gateways: &BTreeSet<&str>) {
        self.others.retain(|gateway, _| gateways.contains(gateway.as_str()));
    }

    /// Forgets what others have counted of one that went: another of its name may come.
    pub(super) fn forget(&mut self, id: &ObjectId) {
        self.others.values_mut().for_each(|counts| drop(counts.remove(id)));
    }

    /// What the status of one says of it.
    pub(crate) fn used(&self, id: &ObjectId) -> Option<&Used> {
        self.usage.of(id)
    }

    /// Has statuses say what is counted. Gives those that are others by it.
    fn tell(&mut self, now: u64) -> Vec<ObjectId> {
        let ids: BTreeSet<_> = self.counts.keys().chain(self.others.values().flat_map(BTreeMap::keys)).collect();
        let counted: Vec<_> = ids.into_iter().filter_map(|id| Some((id.clone(), self.of(id)?.used()))).collect();
        self.usage.take(counted.into_iter(), now)
    }
}

#[cfg(test)]
mod tests {
    use nuncio_api::Kind;

    use super::*;

    #[test]
    fn what_gateways_count_is_added_up() {
        let id = |name: &str| ObjectId::new(Kind::Preview, "shop", name);
        let counts = |any: u64, first: u64, last: u64, since: u64| Counts {
            ways: [(PreviewWay::Any, any), (PreviewWay::Preview(0), first)].into(),
            last: Some(last),
            since,
            told: Told::new(),
        };
        let mut traffic = Traffic::default();
        traffic.counts.insert(id("a"), counts(3, 2, 70, 20));
        // As it comes over the wire.
        let told = counts(4, 1, 90, 10);
        let told = Counts::named(&told.names(), told.last, told.since);
        // It may have two addresses.
        traffic.take("one", id("a"), told.clone());
        traffic.take("one", id("a"), told.clone());
        traffic.take("two", id("b"), told.clone());
        assert_eq!(traffic.of(&id("a")), Some(counts(7, 3, 90, 10)));
        assert_eq!(traffic.of(&id("b")), Some(told), "also where nobody came by this gateway");
        assert_eq!(traffic.of(&id("c")), None);
        assert_eq!(traffic.own(&id("a")), Some(&counts(3, 2, 70, 20)), "others are told what is of this one");
        assert_eq!(traffic.tell(100), [id("a"), id("b")]);
        assert_eq!(traffic.used(&id("a")).unwrap().requests, 7);
        traffic.keep(&["two"].into());
        assert_eq!(traffic.of(&id("a")), Some(counts(3, 2, 70, 20)), "one that is gone counts no more");
    }

    #[test]
    fn what_was_counted_stays_when_its_counter_goes_and_begins_anew() {
        let told = |counters: &[(&str, u64)]| -> Told {
            counters.iter().map(|(name, count)| ((PreviewWay::Preview(0), (*name).to_owned()), *count)).collect()
        };
        let mut counts = Counts::default();
        let mut after = |counters: &[(&str, u64)]| {
            let told = told(counters);
            counts = Counts { ways: Counts::with(Some(&counts), &told), told, ..Counts::default() };
            counts.of(PreviewWay::Preview(0))
        };
        assert_eq!(after(&[("own", 3), ("internal", 2)]), 5);
        // Its tunnel is disconnected, where visitors come; then it is there again, and then Envoy is started anew.
        assert_eq!(after(&[("internal", 2)]), 5);
        assert_eq!(after(&[("own", 1), ("internal", 2)]), 6);
        assert_eq!(after(&[]), 6);
        assert_eq!(after(&[("own", 1)]), 7);
        assert_eq!(after(&[("own", 1)]), 7);
    }
}
