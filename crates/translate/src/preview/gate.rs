//! The gate of a preview: what is asked of requests before the rules that the baseline has for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use nuncio_api::{Kind, ObjectId, Preview, PreviewAccessMode, PreviewPolicy, Problem};
use nuncio_ir::auth::{Filter, FilterId, FilterKind, RuleSetId, ShareLink};
use nuncio_ir::{Route, RouteAction, RuleCheck};

use super::key::Seed;
use crate::coverage::{Gate, SetKey};
use crate::filters::filter_id;
use crate::protection::Protection;
use crate::table;

/// What claims hold groups and names, where a policy does not say it.
const GROUPS_CLAIM: &str = "groups";
const OWNER_CLAIM: &str = "sub";

/// The gate of a Preview; none if anybody may see it.
///
/// # Errors
/// Why it cannot be kept.
pub(super) fn of(
    id: &ObjectId,
    spec: &Preview,
    policy: &PreviewPolicy,
    protection: &Protection,
) -> Result<Option<Gate>, Problem> {
    let access = spec.access.clone().unwrap_or_default();
    let require = match access.mode {
        Some(PreviewAccessMode::Public) => return Ok(None),
        Some(PreviewAccessMode::ShareLink) => return Ok(Some(Gate::ShareLink(share_filter_id(id)))),
        Some(PreviewAccessMode::Members) => Some(in_one_of(&access.groups, policy)),
        Some(PreviewAccessMode::Owner) => Some(is_owner(access.owner.as_deref().unwrap_or_default(), policy)),
        Some(PreviewAccessMode::Authenticated) | None => None,
    };
    let closed = |message: &str| Err(Problem::error("NotAllowed", "spec.access.mode", message));
    if protection.gate.is_empty() {
        return closed("the PreviewPolicy names no filters, so nobody can be let in");
    }
    if require.is_some() && !protection.gate_knows_claims() {
        return closed("a filter of the PreviewPolicy knows of no claims, so nobody can be let in");
    }
    Ok(Some(Gate::Filters { require, body: protection.gate_body }))
}

/// No Filter of a manifest is called so.
fn share_filter_id(id: &ObjectId) -> FilterId {
    FilterId(format!("#preview:{}", filter_id(&id.name, &id.namespace)).into())
}

/// The filter that wants a link to a preview, where that is its gate.
pub(super) fn share_filter(
    gate: &Gate,
    id: &ObjectId,
    spec: &Preview,
    selector: &Arc<str>,
    seed: &Seed,
) -> Option<Arc<Filter>> {
    let Gate::ShareLink(filter) = gate else { return None };
    let generation = spec.access.as_ref().and_then(|access| access.generation).unwrap_or_default();
    let link = ShareLink { preview: Arc::clone(selector), key: seed.share_key(id), generation };
    Some(Arc::new(Filter { id: filter.clone(), kind: FilterKind::ShareLink(Box::new(link)) }))
}

/// An expression over claims. JSON's texts are texts there too. A list alone can be added to one: the keys of an object are no
/// groups.
fn in_one_of(groups: &[String], policy: &PreviewPolicy) -> Arc<str> {
    let claim = said(policy.groups_claim.as_ref()).unwrap_or(GROUPS_CLAIM);
    let (claim, groups) = (serde_json::json!(claim), serde_json::json!(groups));
    format!("(claims[{claim}] + []).exists(group, group in {groups})").into()
}

/// The same for one person.
fn is_owner(owner: &str, policy: &PreviewPolicy) -> Arc<str> {
    let claim = said(policy.owner_claim.as_ref()).unwrap_or(OWNER_CLAIM);
    let (claim, owner) = (serde_json::json!(claim), serde_json::json!(owner));
    format!("claims[{claim}] == {owner}").into()
}

fn said(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

/// How the requests of a route are asked about, behind the gate. Notes the set of rules.
pub(super) fn held(
    route: &Route,
    gate: Option<&Gate>,
    known: &BTreeMap<RuleSetId, SetKey>,
    sets: &mut BTreeMap<RuleSetId, SetKey>,
) -> Option<RuleCheck> {
    let before = route.rules.as_ref().and_then(|check| Some((check, known.get(&check.set)?)));
    let gate = gate.filter(|_| !answers_by_itself(route));
    let wanted = gate.and_then(Gate::body);
    let (key, body) = match (before, gate) {
        (None, None) => return None,
        (Some((check, key)), gate) => (SetKey { gate: gate.cloned(), ..key.clone() }, check.body.max(wanted)),
        (None, gate) => (SetKey { rules: Vec::new(), whole: false, gate: gate.cloned() }, wanted),
    };
    let set = key.id();
    sets.insert(set.clone(), key);
    Some(RuleCheck { set, body })
}

/// Whether a route says nothing of the baseline: what guards its host, a login's endpoint, the last one.
fn answers_by_itself(route: &Route) -> bool {
    let is_guard = route.origins.iter().all(|id| id.kind == Kind::Host);
    !matches!(route.action, RouteAction::Forward(_)) && is_guard
}

/// Where logins have their endpoints.
pub(super) fn endpoints(sets: &mut BTreeMap<RuleSetId, SetKey>) -> Vec<Route> {
    let (key, check) = SetKey::endpoints();
    sets.insert(check.set.clone(), key);
    table::endpoints(&check)
}

#[cfg(test)]
mod tests {
    use nuncio_expr::Requirement;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_owner_is_one_person() {
        let require = Requirement::new(&is_owner("ann \"a\"", &PreviewPolicy::default())).unwrap();
        assert_eq!(require.holds(&json!({"sub": "ann \"a\""})), Ok(()));
        for claims in [json!({}), json!({"sub": "bob"}), json!({"sub": ["ann \"a\""]}), json!({"email": "ann \"a\""})] {
            assert!(require.holds(&claims).is_err(), "{claims}");
        }
        let policy = PreviewPolicy { owner_claim: Some("email".to_owned()), ..PreviewPolicy::default() };
        let require = Requirement::new(&is_owner("ann@corp.test", &policy)).unwrap();
        assert_eq!(require.holds(&json!({"email": "ann@corp.test", "sub": "1"})), Ok(()));
        assert!(require.holds(&json!({"sub": "ann@corp.test"})).is_err());
    }

    #[test]
    fn members_are_in_one_of_the_groups() {
        let groups = ["team-cart".to_owned(), "a \"quoted\" one".to_owned()];
        let require = Requirement::new(&in_one_of(&groups, &PreviewPolicy::default())).unwrap();
        for claims in [json!({"groups": ["x", "team-cart"]}), json!({"groups": ["a \"quoted\" one"]})] {
            assert_eq!(require.holds(&claims), Ok(()), "{claims}");
        }
        for claims in
            [json!({}), json!({"groups": []}), json!({"groups": ["team-cart2"]}), json!({"groups": "team-cart"})]
        {
            assert!(require.holds(&claims).is_err(), "{claims}");
        }
        let policy = PreviewPolicy { groups_claim: Some("roles".to_owned()), ..PreviewPolicy::default() };
        let require = Requirement::new(&in_one_of(&groups, &policy)).unwrap();
        assert_eq!(require.holds(&json!({"roles": ["team-cart"]})), Ok(()));
    }
}
