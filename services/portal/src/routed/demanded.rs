//! What lets requests for an operation through.

use std::collections::BTreeSet;

use crate::gateway::{Credential, ServedApi, ToldRoute};

/// The most sets that are told.
const MOST: usize = 64;

/// All of these together let a request through.
type Demand = BTreeSet<Credential>;

/// Any one of these does. An empty one lets everybody through; where there is none, nobody gets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Demands(BTreeSet<Demand>);

impl Demands {
    pub(super) fn nothing() -> Self {
        Self([Demand::new()].into())
    }

    /// What the routes of one address demand. Where a route takes usual requests, what another wants under a condition is enough
    /// for none of them, and generated clients send no others.
    pub(super) fn of(routes: &[&ToldRoute]) -> Self {
        let has_usual = routes.iter().any(|route| route.conditions.is_empty());
        let counted = routes.iter().filter(|route| !has_usual || route.conditions.is_empty());
        Self(counted.flat_map(|route| demands(route)).collect())
    }

    /// Any of what the rules of its paths want. That some of its operations are open may be, and is not said of all.
    pub(super) fn guess(served: &ServedApi) -> Self {
        let known: BTreeSet<_> = served.asked().into_iter().map(|credential| Demand::from([credential])).collect();
        if known.is_empty() { Self::nothing() } else { Self(known) }
    }

    /// What is enough for each of these.
    pub(super) fn whichever<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        all.into_iter().fold(Self::nothing(), |one, other| one.and(other))
    }

    fn and(&self, other: &Self) -> Self {
        let both = self.0.iter().flat_map(|one| other.0.iter().map(move |other| one | other));
        let both: BTreeSet<Demand> = both.collect();
        let is_less = |one: &Demand, than: &Demand| !one.is_empty() && one.len() < than.len() && one.is_subset(than);
        let fewest: BTreeSet<_> =
            both.iter().filter(|demand| !both.iter().any(|other| is_less(other, demand))).cloned().collect();
        match fewest.len() <= MOST {
            true => Self(fewest),
            // Too many to tell.
            false => Self([Demand::from([Credential::Other])].into()),
        }
    }

    pub(super) fn is_nobody(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a request that shows nothing is let through.
    pub(super) fn is_open(&self) -> bool {
        self.0.contains(&Demand::new())
    }

    /// Those that want something.
    pub(super) fn closed(&self) -> impl Iterator<Item = &Demand> {
        self.0.iter().filter(|demand| !demand.is_empty())
    }
}

/// What a route demands. A controller that does not tell what leads through tells what is asked for at all.
fn demands(route: &ToldRoute) -> BTreeSet<Demand> {
    match &route.security {
        Some(any) => any.iter().map(|demand| demand.iter().cloned().collect()).collect(),
        None => [route.credentials.iter().cloned().collect()].into(),
    }
}
