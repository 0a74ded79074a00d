//! What a request has to show, by the rule that its path falls under.

use std::collections::BTreeMap;

use nuncio_auth::{Match, Rules};
use nuncio_ir::auth::{FilterRef, RuleSetId};
use nuncio_ir::{Model, Route};

use crate::admin::CredentialView;
use crate::explain::protection::as_filters_see_it;
use crate::explain::request::Request;
use crate::view::credentials_of;

/// Sets of rules, each made ready once.
pub(super) struct Policies<'m> {
    model: &'m Model,
    ready: BTreeMap<&'m RuleSetId, Option<Rules>>,
}

impl<'m> Policies<'m> {
    pub(super) fn new(model: &'m Model) -> Self {
        Self { model, ready: BTreeMap::new() }
    }

    /// What requests have to show on this route. Where that cannot be told, it is something.
    pub(super) fn credentials(&mut self, route: &'m Route, request: &Request) -> Vec<CredentialView> {
        match self.filters(route, request) {
            Some(filters) => credentials_of(self.model, route, filters.into_iter()).into_iter().collect(),
            None => vec![CredentialView::Other],
        }
    }

    /// The filters that a request passes; `None` where it is refused before any.
    fn filters(&mut self, route: &'m Route, request: &Request) -> Option<Vec<&'m FilterRef>> {
        let Some(check) = &route.rules else { return Some(Vec::new()) };
        let set = self.model.rule_sets.get(&check.set)?;
        let rules = self.ready.entry(&set.id).or_insert_with(|| Rules::new(set).ok()).as_ref()?;
        let of_rule = match rules.find(&as_filters_see_it(request)) {
            Match::Rule(found) => &set.rules.get(found.index)?.filters[..],
            Match::Open => &[],
            Match::Ambiguous => return None,
        };
        Some(set.gate.iter().chain(of_rule).collect())
    }
}
