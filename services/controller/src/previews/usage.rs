//! How previews are used, as the status of their objects tells it: not each time that it is counted, for an API server has more to
//! do than that.

use std::collections::BTreeMap;

use nuncio_api::ObjectId;
use serde::{Deserialize, Serialize};

/// How long the status of one stays as it is, at least, in seconds.
const EVERY: u64 = 60;
/// How many may be others after each look, whatever the number of previews.
const AT_ONCE: usize = 10;

/// What a status says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Used {
    /// All requests by the preview.
    pub(crate) requests: u64,
    /// Those that the baseline of a service got in its place.
    pub(crate) fallbacks: u64,
    /// When the last came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_used_at: Option<String>,
    /// Since when they are counted.
    pub(crate) since: String,
}

impl Used {
    /// The same where a gateway that led before has said something: it may have seen a request later.
    pub(crate) fn after(self, before: Option<Self>) -> Self {
        let earlier = before.and_then(|before| before.last_used_at);
        // As times in UTC they are in the order of their texts.
        Self { last_used_at: self.last_used_at.max(earlier), ..self }
    }
}

/// What statuses say, and since when they do.
#[derive(Debug, Default)]
pub(super) struct Usage(BTreeMap<ObjectId, (u64, Used)>);

impl Usage {
    pub(super) fn of(&self, id: &ObjectId) -> Option<&Used> {
        self.0.get(id).map(|(_, used)| used)
    }

    /// Takes what is counted by now, of those first that have waited longest. Gives those whose status is another by it.
    pub(super) fn take(&mut self, counted: impl Iterator<Item = (ObjectId, Used)>, now: u64) -> Vec<ObjectId> {
        let mut old = std::mem::take(&mut self.0);
        let mut due = Vec::new();
        for (id, used) in counted {
            let said = old.remove(&id);
            let may_be_said = said.as_ref().is_none_or(|(at, said)| at.saturating_add(EVERY) <= now && *said != used);
            due.extend(may_be_said.then(|| (said.as_ref().map(|(at, _)| *at), id.clone(), used)));
            self.0.extend(said.map(|said| (id, said)));
        }
        due.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
        due.truncate(AT_ONCE);
        let told = due.iter().map(|(_, id, _)| id.clone()).collect();
        self.0.extend(due.into_iter().map(|(_, id, used)| (id, (now, used))));
        told
    }
}

#[cfg(test)]
mod tests {
    use nuncio_api::Kind;

    use super::*;

    fn used(requests: u64) -> Used {
        Used { requests, fallbacks: 0, last_used_at: Some("2026-01-01T00:00:00Z".into()), since: "then".into() }
    }

    fn id(name: usize) -> ObjectId {
        ObjectId::new(Kind::Preview, "shop", format!("pr-{name:04}"))
    }

    #[test]
    fn a_status_is_another_once_a_minute_and_where_something_was_counted() {
        let (mut usage, one) = (Usage::default(), id(1));
        let mut at = |now: u64, requests: u64| {
            let told = usage.take([(id(1), used(requests))].into_iter(), now);
            (told.len(), usage.of(&one).unwrap().requests)
        };
        assert_eq!([at(0, 1), at(2, 2), at(59, 9), at(60, 9)], [(1, 1), (0, 1), (0, 1), (1, 9)]);
        assert_eq!([at(200, 9), at(201, 10)], [(0, 9), (1, 10)]);
        assert_eq!(usage.take([].into_iter(), 300), [], "it is gone");
        assert_eq!(usage.of(&one), None);
    }

    #[test]
    fn of_a_thousand_that_are_asked_for_all_the_time_each_has_its_turn_and_few_are_written_at_once() {
        let mut usage = Usage::default();
        let mut writes = BTreeMap::<ObjectId, usize>::new();
        for look in 0..300_u64 {
            let told = usage.take((0..1000).map(|name| (id(name), used(look))), look * 2);
            assert!(told.len() <= AT_ONCE, "{look}");
            told.into_iter().for_each(|id| *writes.entry(id).or_default() += 1);
        }
        assert!(writes.len() == 1000 && writes.values().all(|writes| *writes == 3), "{writes:?}");
    }

    #[test]
    fn who_leads_now_does_not_take_back_that_somebody_asked() {
        let later = Used { last_used_at: Some("2026-01-02T00:00:00Z".into()), ..used(7) };
        let said = used(1).after(Some(later.clone()));
        assert_eq!((said.requests, &said.last_used_at), (1, &later.last_used_at));
        assert_eq!(used(1).after(None), used(1));
    }
}
