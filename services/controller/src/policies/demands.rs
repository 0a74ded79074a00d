//! What lets a request through: of all that its filters may want to be shown, any one of a few sets.
//!
//! Filters are asked in order, and what one says decides which are asked after it. Some are asked by headers of the request:
//! each way is tried in which a client may send these or not. What a filter writes there itself no client chooses, so what is
//! told is enough whatever it writes.
//!
//! ```text
//!  guess (which headers a client sends) ─► way (filter after filter) ─► Demands
//!                                           └─► known (what they write and take away)
//! ```

mod cache;
mod guess;
mod known;
#[cfg(test)]
mod tests;
mod way;

use std::cell::Cell;
use std::collections::BTreeSet;

use nuncio_auth::Request;
use nuncio_ir::auth::{FilterKind, FilterRef};
use nuncio_ir::{Extension, Model, SlotFilter};

pub(crate) use self::cache::Cache;
use self::guess::Guess;
use self::way::Way;
use super::Chain;
use crate::admin::CredentialView;
use crate::view::credential;

/// The most sets that are told.
const MOST_SETS: usize = 64;
/// The most times that a filter is looked at, on all the ways together.
const MOST_STEPS: usize = 2_000;

/// What a filter wants to be shown.
pub(crate) trait Wanted: Ord + Clone {
    /// By this filter; nothing is enough for one that lets nobody through.
    fn of(kind: &FilterKind, used: &FilterRef) -> Option<Self>;
    /// Something that only somebody else knows.
    fn unknown() -> Self;
}

impl Wanted for CredentialView {
    fn of(kind: &FilterKind, used: &FilterRef) -> Option<Self> {
        credential(kind, used)
    }

    fn unknown() -> Self {
        Self::Other
    }
}

/// Any one of these. An empty one lets everybody through; where there is none, nobody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Demands<T = CredentialView>(BTreeSet<BTreeSet<T>>)
where
    T: Ord;

impl<T: Wanted> Demands<T> {
    fn nothing() -> Self {
        Self([BTreeSet::new()].into())
    }

    fn nobody() -> Self {
        Self(BTreeSet::new())
    }

    /// Something that only somebody else knows.
    fn unknown() -> Self {
        Self::one(T::unknown())
    }

    fn one(shown: T) -> Self {
        Self([BTreeSet::from([shown])].into())
    }

    /// What the AuthService wants, where it is asked.
    pub(crate) fn of_auth_service(service: Option<&Extension>) -> Self {
        match service.map(|extension| &extension.filter) {
            None | Some(SlotFilter::Idle | SlotFilter::Limit(_)) => Self::nothing(),
            Some(SlotFilter::Refuse { .. }) => Self::nobody(),
            Some(SlotFilter::Authorize(_)) => Self::unknown(),
        }
    }

    /// What the filters of a gate and then those of a rule want of a request of which this is known, and which may have any
    /// other header that `may_have` takes. Where none of a rule's decides, the request is let through; a gate is passed by
    /// nobody whom none of its filters lets through.
    pub(crate) fn of_filters(model: &Model, chain: Chain<'_>, seen: &Request, may_have: &dyn Fn(&str) -> bool) -> Self {
        let (gate, rule) = (chain.gate, chain.of_rule());
        let Some(guesses) = Guess::all(&[gate, rule], seen, may_have) else { return Self::unknown() };
        let steps = Cell::new(MOST_STEPS);
        let through = guesses.iter().map(|guess| Way::new(model, guess, &steps).through(gate, rule));
        through.fold(Self::nobody(), Self::or)
    }

    /// What each of these chains wants of requests that are the same for all, for each way in which a client may send headers.
    pub(crate) fn by_guess(chains: &[(&Model, Chain<'_>)], seen: &Request) -> Vec<Vec<Self>> {
        let parts: Vec<_> = chains.iter().flat_map(|(_, chain)| [chain.gate, chain.of_rule()]).collect();
        let anything = |_: &str| true;
        let Some(guesses) = Guess::all(&parts, seen, &anything) else {
            // Too many, but where nobody is asked.
            let of_chain = |(_, chain): &(_, Chain<'_>)| match chain.filters().next() {
                Some(_) => Self::unknown(),
                None => Self::nothing(),
            };
            return vec![chains.iter().map(of_chain).collect()];
        };
        let steps = Cell::new(MOST_STEPS);
        let of_guess = |guess: &Guess<'_>| {
            let through = |(model, chain): &(&Model, Chain<'_>)| {
                Way::new(model, guess, &steps).through(chain.gate, chain.of_rule())
            };
            chains.iter().map(through).collect()
        };
        guesses.iter().map(of_guess).collect()
    }

    /// Each of these is enough.
    pub(crate) fn sets(&self) -> impl Iterator<Item = &BTreeSet<T>> {
        self.0.iter()
    }

    /// Both.
    pub(crate) fn and(self, other: &Self) -> Self {
        let both = self.0.iter().flat_map(|one| other.0.iter().map(move |other| one | other));
        Self(both.collect()).fewest()
    }

    /// One or the other, as one likes.
    fn or(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self.fewest()
    }

    /// What is enough for each of these, of which nobody knows which counts.
    fn whichever(all: impl IntoIterator<Item = Self>) -> Self {
        let (closed, open): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.0.is_empty());
        let enough = open.iter().fold(Self::nothing(), Self::and);
        match (closed.is_empty(), open.is_empty()) {
            (_, true) => Self::nobody(),
            (true, _) => enough,
            // It may be that nothing is.
            (false, _) => enough.and(&Self::unknown()),
        }
    }

    /// Whoever shows less shows it as well: but not what lets everybody through, which is told beside what one may show.
    fn fewest(self) -> Self {
        let is_more = |demand: &&BTreeSet<T>| {
            !self.0.iter().any(|other| !other.is_empty() && other.len() < demand.len() && other.is_subset(demand))
        };
        let fewest: BTreeSet<_> = self.0.iter().filter(is_more).cloned().collect();
        if fewest.len() <= MOST_SETS {
            return Self(fewest);
        }
        // Too many to tell; that one may come without anything is told all the same.
        let open = fewest.into_iter().filter(BTreeSet::is_empty);
        Self(open.chain(Self::unknown().0).collect())
    }

    /// Whether a request that shows nothing is let through.
    pub(crate) fn is_open(&self) -> bool {
        self.sets().any(BTreeSet::is_empty)
    }

    pub(crate) fn into_lists(self) -> Vec<Vec<T>> {
        self.0.into_iter().map(|demand| demand.into_iter().collect()).collect()
    }
}
