//! What a request has to show, by the rule that its path falls under.

use std::collections::BTreeMap;

use nuncio_auth::{Match, Rules};
use nuncio_ir::auth::{FilterRef, RuleSetId};
use nuncio_ir::{Model, Route};

use super::demands::Demands;
use crate::admin::CredentialView;
use crate::explain::protection::as_filters_see_it;
use crate::explain::request::Request;
use crate::view::credentials_of;

/// Sets of rules, each made ready once.
pub(super) struct Policies<'m> {
    model: &'m Model,
    ready: BTreeMap<&'m RuleSetId, Option<Rules>>,
}

/// The filters that a request passes, one after the other.
#[derive(Clone, Copy, Default)]
pub(super) struct Chains<'m> {
    gate: &'m [FilterRef],
    rule: &'m [FilterRef],
}

impl<'m> Policies<'m> {
    pub(super) fn new(model: &'m Model) -> Self {
        Self { model, ready: BTreeMap::new() }
    }

    /// What requests have to show on this route. Where that cannot be told, it is something.
    pub(super) fn credentials(&self, route: &'m Route, chains: Option<Chains<'m>>) -> Vec<CredentialView> {
        match chains {
            Some(Chains { gate, rule }) => {
                credentials_of(self.model, route, gate.iter().chain(rule)).into_iter().collect()
            }
            None => vec![CredentialView::Other],
        }
    }

    /// What lets them through: any one of these. None where they are refused whatever they show.
    pub(super) fn security(
        &self,
        route: &'m Route,
        chains: Option<Chains<'m>>,
        request: &Request,
    ) -> Vec<Vec<CredentialView>> {
        let Some(Chains { gate, rule }) = chains else { return Vec::new() };
        let asked = as_filters_see_it(request);
        let gate = Demands::of_gate(self.model, gate, &asked);
        let rule = Demands::of_filters(self.model, rule, &asked);
        Demands::of_auth_service(self.model, route).and(&gate).and(&rule).into_lists()
    }

    /// The filters that a request passes; `None` where it is refused before any.
    pub(super) fn chains(&mut self, route: &'m Route, request: &Request) -> Option<Chains<'m>> {
        let Some(check) = &route.rules else { return Some(Chains::default()) };
        let set = self.model.rule_sets.get(&check.set)?;
        let rules = self.ready.entry(&set.id).or_insert_with(|| Rules::new(set).ok()).as_ref()?;
        let rule = match rules.find(&as_filters_see_it(request)) {
            Match::Rule(found) => &set.rules.get(found.index)?.filters[..],
            Match::Open => &[],
            Match::Ambiguous => return None,
        };
        Some(Chains { gate: &set.gate, rule })
    }
}
