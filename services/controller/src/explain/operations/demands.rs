//! What lets a request through: of all that its filters may want to be shown, any one of a few sets.
//!
//! Filters are asked in order, and what one says decides which are asked after it. Some are asked by headers of the request, of
//! which nothing is known here: so each way is tried in which these may be there or not.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use nuncio_auth::{Condition, Request};
use nuncio_ir::auth::{FilterKind, FilterRef, Grant, HeaderCondition, HeaderValue, KeySource, OnAllow, OnDeny};
use nuncio_ir::{Check, Model, Route, Slot, SlotFilter};

use crate::admin::CredentialView;
use crate::view::credential;

/// The most ways in which headers may be there or not that are tried.
const MOST_GUESSES: usize = 128;
/// The most sets that are told.
const MOST_SETS: usize = 64;

/// All of these together.
type Demand = BTreeSet<CredentialView>;

/// Any one of these. An empty one lets everybody through; where there is none, nobody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Demands(BTreeSet<Demand>);

impl Demands {
    fn nothing() -> Self {
        Self([Demand::new()].into())
    }

    fn nobody() -> Self {
        Self(BTreeSet::new())
    }

    /// Something that only somebody else knows.
    fn unknown() -> Self {
        Self([Demand::from([CredentialView::Other])].into())
    }

    /// What the AuthService wants, where the route asks it.
    pub(super) fn of_auth_service(model: &Model, route: &Route) -> Self {
        if !matches!(route.auth, Check::On(_)) {
            return Self::nothing();
        }
        match model.extensions.get(&Slot::Auth).map(|extension| &extension.filter) {
            Some(SlotFilter::Idle | SlotFilter::Limit(_)) => Self::nothing(),
            Some(SlotFilter::Refuse { .. }) => Self::nobody(),
            Some(SlotFilter::Authorize(_)) | None => Self::unknown(),
        }
    }

    /// What filters want, one after the other. Where none of them decides, the request is let through.
    pub(super) fn of_filters(model: &Model, filters: &[FilterRef], asked: &Request) -> Self {
        let Some(guesses) = Guess::all(model, filters, asked) else { return Self::unknown() };
        let all: BTreeSet<_> = guesses.iter().flat_map(|guess| guess.through(filters).0).collect();
        Self(all).fewest()
    }

    /// The same of a gate: it is passed by nobody whom none of its filters lets through.
    pub(super) fn of_gate(model: &Model, gate: &[FilterRef], asked: &Request) -> Self {
        let mut demands = Self::of_filters(model, gate, asked);
        demands.0.retain(|demand| gate.is_empty() || !demand.is_empty());
        demands
    }

    /// Both.
    pub(super) fn and(self, other: &Self) -> Self {
        let both = self.0.iter().flat_map(|one| other.0.iter().map(move |other| one | other));
        Self(both.collect()).fewest()
    }

    /// Whoever shows less shows it as well: but not what lets everybody through, which is told beside what one may show.
    fn fewest(self) -> Self {
        let is_more = |demand: &&Demand| {
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

    pub(super) fn into_lists(self) -> Vec<Vec<CredentialView>> {
        self.0.into_iter().map(|demand| demand.into_iter().collect()).collect()
    }
}

/// A way in which the headers may be there by which filters are asked or not.
#[derive(Clone)]
struct Guess<'m> {
    model: &'m Model,
    /// What is known of the request.
    asked: &'m Request,
    /// Those that are there, with what holds of their values.
    there: BTreeMap<String, Vec<&'m HeaderValue>>,
    missing: BTreeSet<String>,
}

impl<'m> Guess<'m> {
    /// Each way; `None` where there are too many.
    fn all(model: &'m Model, filters: &'m [FilterRef], asked: &'m Request) -> Option<Vec<Self>> {
        let mut by_name: BTreeMap<String, Vec<&HeaderValue>> = BTreeMap::new();
        for condition in conditions(filters) {
            let name = condition.name.to_ascii_lowercase();
            if asked.headers().contains_key(&name) {
                continue;
            }
            let values = by_name.entry(name).or_default();
            if condition.value != HeaderValue::Present && !values.contains(&&condition.value) {
                values.push(&condition.value);
            }
        }
        let mut all = vec![Self { model, asked, there: BTreeMap::new(), missing: BTreeSet::new() }];
        for (name, values) in by_name {
            let choices = choices(&values)?;
            all = all.iter().flat_map(|guess| guess.with(&name, &choices)).collect();
            if all.len() > MOST_GUESSES {
                return None;
            }
        }
        Some(all)
    }

    /// With this header missing, and there in each of these ways.
    fn with(&self, name: &str, choices: &[Vec<&'m HeaderValue>]) -> Vec<Self> {
        let mut without = self.clone();
        without.missing.insert(name.to_owned());
        let there = choices.iter().map(|values| {
            let mut with = self.clone();
            with.there.insert(name.to_owned(), values.clone());
            with
        });
        std::iter::once(without).chain(there).collect()
    }

    fn holds(&self, condition: &HeaderCondition) -> bool {
        match self.there.get(&condition.name.to_ascii_lowercase()) {
            Some(values) => {
                (condition.value == HeaderValue::Present || values.contains(&&condition.value)) != condition.negate
            }
            // It is known, or it is not there.
            None => Condition::new(condition).is_ok_and(|condition| condition.holds(self.asked)),
        }
    }

    /// What leads through these filters.
    fn through(&self, filters: &[FilterRef]) -> Demands {
        let mut through = Demands::nobody();
        let mut on_the_way = Demands::nothing();
        let is_asked =
            |used: &&FilterRef| used.if_request_header.as_ref().is_none_or(|condition| self.holds(condition));
        for used in filters.iter().filter(is_asked) {
            let allowed = on_the_way.clone().and(&self.allows(used));
            let mut next = if used.on_deny == OnDeny::Continue { on_the_way } else { Demands::nobody() };
            match used.on_allow {
                OnAllow::Break => through.0.extend(allowed.0),
                OnAllow::Continue => next.0.extend(allowed.0),
            }
            on_the_way = next.fewest();
        }
        through.0.extend(on_the_way.0);
        through
    }

    /// What a filter lets through.
    fn allows(&self, used: &FilterRef) -> Demands {
        let Some(filter) = self.model.filters.get(&used.filter) else { return Demands::nobody() };
        let shown = credential(&filter.kind, used).filter(|_| self.can_show(&filter.kind));
        let mut allowed = Demands(shown.map(|shown| Demand::from([shown])).into_iter().collect());
        if let (FilterKind::OAuth2(_), Some(instead)) = (&filter.kind, &used.arguments.instead_of_redirect)
            && instead.if_request_header.as_ref().is_none_or(|condition| self.holds(condition))
            && !instead.filters.is_empty()
        {
            allowed.0.extend(self.through(&instead.filters).0);
        }
        allowed
    }

    /// Whether what a filter wants to be shown can be there.
    fn can_show(&self, kind: &FilterKind) -> bool {
        let may_be = |header: &str| !self.missing.contains(&header.to_ascii_lowercase());
        match kind {
            FilterKind::Jwt(_) | FilterKind::Introspection(_) | FilterKind::Basic(_) => may_be("authorization"),
            FilterKind::ApiKey(keys) => keys.sources.iter().any(|source| match source {
                KeySource::Header(name) => may_be(name),
                KeySource::Authorization(_) => may_be("authorization"),
                KeySource::Cookie(_) => may_be("cookie"),
                KeySource::Query(_) => true,
            }),
            FilterKind::OAuth2(oauth2) => match &oauth2.grant {
                Grant::AuthorizationCode(_) => may_be("cookie"),
                Grant::ClientCredentials | Grant::Password { .. } => true,
            },
            FilterKind::External(_) | FilterKind::ShareLink(_) | FilterKind::Invalid { .. } => true,
        }
    }
}

/// All conditions on headers, of filters that are asked instead of a login as well.
fn conditions(filters: &[FilterRef]) -> Vec<&HeaderCondition> {
    let mut all = Vec::new();
    for FilterRef { if_request_header, arguments, .. } in filters {
        all.extend(if_request_header);
        if let Some(instead) = &arguments.instead_of_redirect {
            all.extend(&instead.if_request_header);
            all.extend(conditions(&instead.filters));
        }
    }
    all
}

/// What may hold of a header's value all at once. It cannot be two texts.
fn choices<'m>(values: &[&'m HeaderValue]) -> Option<Vec<Vec<&'m HeaderValue>>> {
    let count = 1_usize.checked_shl(u32::try_from(values.len()).ok()?).filter(|count| *count <= MOST_GUESSES)?;
    let choice = |chosen: usize| {
        let all = values.iter().enumerate().filter(|(place, _)| chosen & (1 << place) != 0);
        all.map(|(_, value)| *value).collect::<Vec<_>>()
    };
    let is_possible =
        |chosen: &Vec<&HeaderValue>| chosen.iter().filter(|value| matches!(value, HeaderValue::Exact(_))).count() <= 1;
    Some((0..count).map(choice).filter(is_possible).collect())
}
