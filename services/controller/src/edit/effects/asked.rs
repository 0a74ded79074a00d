//! Who stands before a request.

use std::ptr;

use nuncio_auth::Request;
use nuncio_ir::auth::FilterRef;
use nuncio_ir::{Extension, Model, Route};

use crate::policies::{Chain, Policies, Rates};

/// What protects a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guard<'m> {
    pub(super) service: Option<&'m Extension>,
    /// The filters that it meets; none where it is refused before any.
    pub(super) chain: Option<Chain<'m>>,
    /// How many limits it is held to.
    pub(super) limits: usize,
}

/// How guards are told apart: by where what they ask for stands.
pub(super) type Identity = (bool, bool, *const FilterRef, *const FilterRef);

/// Tells of a model what protects requests.
#[derive(Debug)]
pub(super) struct Guards<'m> {
    policies: Policies<'m>,
    rates: Rates<'m>,
}

impl<'m> Guards<'m> {
    pub(super) fn of(model: &'m Model) -> Self {
        Self { policies: Policies::new(model), rates: Rates::of(model) }
    }

    /// Of a model that comes after another.
    pub(super) fn after(model: &'m Model, before: &Model) -> Self {
        Self { rates: Rates::after(model, before), ..Self::of(model) }
    }

    /// What protects requests for this path on a route.
    pub(super) fn of_path(&self, route: &Route, host: &str, path: &str) -> Guard<'m> {
        let chain = match route.rules {
            Some(_) => self.policies.chain(route, &Request::new("GET", "https", host, path)).ok(),
            None => Some(Chain::default()),
        };
        self.of_chain(route, chain)
    }

    /// The same of requests that meet these filters.
    pub(super) fn of_chain(&self, route: &Route, chain: Option<Chain<'m>>) -> Guard<'m> {
        let limits = route.limits.as_deref().map_or(0, |limits| self.rates.held(limits));
        Guard { service: self.policies.auth_service(route), chain, limits }
    }
}

impl Guard<'_> {
    pub(super) fn identity(&self) -> Identity {
        let place = |filters: &[FilterRef]| if filters.is_empty() { ptr::null() } else { filters.as_ptr() };
        let chain = self.chain.unwrap_or_default();
        (self.service.is_some(), self.chain.is_some(), place(chain.gate), place(chain.of_rule()))
    }
}
