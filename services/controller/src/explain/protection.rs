//! Who is asked about a request before it goes on, and by which rules.

use nuncio_auth::{Condition, Match, Rules};
use nuncio_ir::auth::{FilterKind, FilterRef, OnAllow, OnDeny, Rule};
use nuncio_ir::{Check, HttpFilter, HttpSettings, IpRule, IpSource, Model, Route, RuleCheck, Slot, SlotFilter};

use super::request::Request;
use crate::admin::ProtectionExplained;

/// What becomes of a path that is encoded twice, or otherwise such that different rules are for what servers make of it.
const TWO_WAYS: &str = "answered 400: servers may read this path in two ways, to which different rules apply";

/// What the Module has every request pass, whatever its route.
pub(super) fn of_listener(settings: &HttpSettings) -> impl Iterator<Item = ProtectionExplained> {
    let told = |filter: &HttpFilter| match filter {
        HttpFilter::Lua(_) => Some(("lua_scripts", "sees the request, and may answer it".to_owned())),
        HttpFilter::IpAccess { allow: true, rules } => {
            Some(("ip_allow", format!("only {} may pass", addresses(rules))))
        }
        HttpFilter::IpAccess { allow: false, rules } => Some(("ip_deny", format!("{} may not pass", addresses(rules)))),
        _ => None,
    };
    settings.filters.iter().filter_map(told).map(|(setting, outcome)| ProtectionExplained {
        by: format!("{setting} of the Module"),
        path: String::new(),
        filters: Vec::new(),
        applies: true,
        outcome,
    })
}

fn addresses(rules: &[IpRule]) -> String {
    let address = |rule: &IpRule| {
        let source = match rule.source {
            IpSource::Peer => "peer",
            IpSource::Remote => "remote",
        };
        format!("{source} {}/{}", rule.address, rule.prefix_len)
    };
    rules.iter().map(address).collect::<Vec<_>>().join(", ")
}

/// What protects the route, in the order in which it is asked. Of rules only what applies to the request's path.
pub(super) fn of_route(model: &Model, route: &Route, request: &Request) -> Vec<ProtectionExplained> {
    let check = route.rules.as_ref();
    let gate = check.and_then(|check| by_gate(model, check, request));
    let rules = check.map(|check| by_rules(model, check, request));
    auth_service(model, route).into_iter().chain(gate).chain(rules).collect()
}

/// What requests for a preview pass before any rule.
fn by_gate(model: &Model, check: &RuleCheck, request: &Request) -> Option<ProtectionExplained> {
    let set = model.rule_sets.get(&check.set).filter(|set| !set.gate.is_empty())?;
    let asked = as_filters_see_it(request);
    Some(ProtectionExplained {
        by: "the PreviewPolicy".to_owned(),
        path: String::new(),
        filters: set.gate.iter().map(|used| describe(model, used, &asked)).collect(),
        applies: true,
        outcome: "decided by the authentication service".to_owned(),
    })
}

fn by_rules(model: &Model, check: &RuleCheck, request: &Request) -> ProtectionExplained {
    let by_none = |outcome: String| ProtectionExplained {
        by: check.set.to_string(),
        path: String::new(),
        filters: Vec::new(),
        applies: false,
        outcome,
    };
    let Some(set) = model.rule_sets.get(&check.set) else {
        return by_none("there are no such rules: refused".to_owned());
    };
    let rules = match Rules::new(set) {
        Ok(rules) => rules,
        Err(error) => return by_none(format!("refused: {error}")),
    };
    let asked = as_filters_see_it(request);
    match rules.find(&asked) {
        Match::Ambiguous => by_none(TWO_WAYS.to_owned()),
        Match::Open => by_none("no rule is for this path: let through".to_owned()),
        Match::Rule(found) => explain(model, &set.rules[found.index], &asked),
    }
}

fn auth_service(model: &Model, route: &Route) -> Option<ProtectionExplained> {
    if !matches!(route.auth, Check::On(_)) {
        return None;
    }
    let extension = model.extensions.get(&Slot::Auth)?;
    let outcome = match &extension.filter {
        SlotFilter::Idle | SlotFilter::Limit(_) => return None,
        SlotFilter::Refuse { status, reason } => format!("answered {status}: {reason}"),
        SlotFilter::Authorize(authorization) => format!("asked at {}", authorization.cluster),
    };
    let by = extension.origins.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Some(ProtectionExplained { by, path: String::new(), filters: Vec::new(), applies: true, outcome })
}

/// What refuses the request, whoever sends it.
pub(super) fn refusal(model: &Model, route: &Route, request: &Request) -> Option<String> {
    refusing_service(model, route).or_else(|| refusing_filter(model, route, request))
}

fn refusing_service(model: &Model, route: &Route) -> Option<String> {
    let extension = model.extensions.get(&Slot::Auth).filter(|_| matches!(route.auth, Check::On(_)))?;
    match &extension.filter {
        SlotFilter::Refuse { status, reason } => Some(format!("answered {status}: {reason}")),
        SlotFilter::Idle | SlotFilter::Limit(_) | SlotFilter::Authorize(_) => None,
    }
}

/// The first filter that is asked, where it is none that could decide.
fn refusing_filter(model: &Model, route: &Route, request: &Request) -> Option<String> {
    let set = model.rule_sets.get(&route.rules.as_ref()?.set)?;
    let (rules, asked) = (Rules::new(set).ok()?, as_filters_see_it(request));
    let of_rule = match rules.find(&asked) {
        Match::Rule(found) => &set.rules[found.index].filters[..],
        Match::Open => &[],
        Match::Ambiguous => return Some(TWO_WAYS.to_owned()),
    };
    let first = set.gate.iter().chain(of_rule).find(|used| passed_over(used, &asked).is_none())?;
    let reason = match model.filters.get(&first.filter).map(|filter| &filter.kind) {
        Some(FilterKind::Invalid { reason }) => reason,
        Some(_) => return None,
        None => "it is not there",
    };
    (first.on_deny != OnDeny::Continue).then(|| format!("answered 503 by the filter {}: {reason}", first.filter))
}

fn explain(model: &Model, rule: &Rule, asked: &nuncio_auth::Request) -> ProtectionExplained {
    let outcome = match rule.filters.is_empty() {
        true => "let through: the rule has no filters",
        false => "decided by the authentication service",
    };
    ProtectionExplained {
        by: rule.origin.to_string(),
        path: rule.path.to_string(),
        filters: rule.filters.iter().map(|used| describe(model, used, asked)).collect(),
        applies: true,
        outcome: outcome.to_owned(),
    }
}

/// The request before any filter has changed it.
pub(super) fn as_filters_see_it(request: &Request) -> nuncio_auth::Request {
    let mut asked =
        nuncio_auth::Request::new("", if request.tls { "https" } else { "http" }, &request.host, &request.path);
    for (name, value) in &request.headers {
        asked.add_header(name, value.as_bytes());
    }
    asked
}

/// The header by which the request is none for the filter.
fn passed_over<'f>(used: &'f FilterRef, asked: &nuncio_auth::Request) -> Option<&'f str> {
    let condition = used.if_request_header.as_ref()?;
    let is_for_others = Condition::new(condition).is_ok_and(|compiled| !compiled.holds(asked));
    is_for_others.then_some(&*condition.name)
}

/// `login.default (OAuth2)`, with what the rule makes of it; or why it denies.
fn describe(model: &Model, used: &FilterRef, asked: &nuncio_auth::Request) -> String {
    let kind = match model.filters.get(&used.filter).map(|filter| &filter.kind) {
        Some(FilterKind::Jwt(_)) => "JWT",
        Some(FilterKind::OAuth2(_)) => "OAuth2",
        Some(FilterKind::ApiKey(_)) => "APIKey",
        Some(FilterKind::Basic(_)) => "Basic",
        Some(FilterKind::External(_)) => "External",
        Some(FilterKind::Introspection(_)) => "Introspection",
        Some(FilterKind::ShareLink(_)) => "a link to the preview",
        Some(FilterKind::Invalid { reason }) => return format!("{}, which denies: {reason}", used.filter),
        None => return format!("{}, which is not there: denies", used.filter),
    };
    let passed_over = passed_over(used, asked).map(|header| format!("not asked, by ifRequestHeader {header}"));
    let ends = (used.on_allow == OnAllow::Break).then(|| "is the last if it allows".to_owned());
    let goes_on = (used.on_deny == OnDeny::Continue).then(|| "may deny in vain".to_owned());
    let more = passed_over.map_or_else(|| ends.into_iter().chain(goes_on).collect(), |reason| vec![reason]);
    let said: String = more.iter().map(|more| format!("; {more}")).collect();
    format!("{} ({kind}{said})", used.filter)
}
