//! Who is asked about a request before it goes on, and by which rules.

use nuncio_auth::Condition;
use nuncio_ir::auth::{FilterKind, FilterRef, OnAllow, OnDeny};
use nuncio_ir::{Extension, HttpFilter, HttpSettings, IpRule, IpSource, Model, Route, SlotFilter};

use super::request::Request;
use crate::admin::ProtectionExplained;
use crate::policies::{Chain, Policies, Refusal, kind_name, rule_set};

/// What the Module has every request pass, whatever its route.
pub(crate) fn of_listener(settings: &HttpSettings) -> impl Iterator<Item = ProtectionExplained> {
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
    let (policies, asked) = (Policies::new(model), as_filters_see_it(request));
    let service = policies.auth_service(route).map(of_auth_service);
    let check = route.rules.as_ref().map(|_| policies.chain(route, &asked));
    let describe = |used: &[FilterRef]| used.iter().map(|used| describe(&policies, used, &asked)).collect::<Vec<_>>();
    let of_rules = check.into_iter().flat_map(|chain| {
        let gate = chain.as_ref().ok().map(|chain| chain.gate).filter(|gate| !gate.is_empty());
        let gate = gate.map(|gate| asks("the PreviewPolicy".to_owned(), String::new(), describe(gate)));
        let rule = match chain {
            Err(refusal) => Some(nobody(looked_at(model, route), refusal.to_string())),
            Ok(Chain { rule: None, .. }) => {
                // A set without rules is there for its gate alone.
                let by = Some(looked_at(model, route)).filter(|by| !by.is_empty());
                by.map(|by| nobody(by, "no rule is for this path: let through".to_owned()))
            }
            Ok(Chain { rule: Some(rule), .. }) => {
                Some(asks(rule.origin.to_string(), rule.path.to_string(), describe(&rule.filters)))
            }
        };
        gate.into_iter().chain(rule)
    });
    service.into_iter().chain(of_rules).collect()
}

fn asks(by: String, path: String, filters: Vec<String>) -> ProtectionExplained {
    let outcome = match filters.is_empty() {
        true => "let through: the rule has no filters",
        false => "decided by the authentication service",
    };
    ProtectionExplained { by, path, filters, applies: true, outcome: outcome.to_owned() }
}

/// The policies with rules that may be for requests on the route: `account.shop, orders.shop`. Empty where there are none.
fn looked_at(model: &Model, route: &Route) -> String {
    let mut names: Vec<&str> = Vec::new();
    for rule in rule_set(model, route).into_iter().flat_map(|set| &set.rules) {
        let name = rule.origin.rsplit_once('#').map_or(&*rule.origin, |(name, _)| name);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

fn nobody(by: String, outcome: String) -> ProtectionExplained {
    ProtectionExplained { by, path: String::new(), filters: Vec::new(), applies: false, outcome }
}

fn of_auth_service(extension: &Extension) -> ProtectionExplained {
    let outcome = match &extension.filter {
        SlotFilter::Refuse { status, reason } => format!("answered {status}: {reason}"),
        SlotFilter::Authorize(authorization) => format!("asked at {}", authorization.cluster),
        SlotFilter::Idle | SlotFilter::Limit(_) => "let through".to_owned(),
    };
    let by = extension.origins.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    ProtectionExplained { by, path: String::new(), filters: Vec::new(), applies: true, outcome }
}

/// What refuses the request, whoever sends it.
pub(super) fn refusal(model: &Model, route: &Route, request: &Request) -> Option<String> {
    let policies = Policies::new(model);
    let by_service = policies.auth_service(route).and_then(|extension| match &extension.filter {
        SlotFilter::Refuse { status, reason } => Some(format!("answered {status}: {reason}")),
        SlotFilter::Idle | SlotFilter::Limit(_) | SlotFilter::Authorize(_) => None,
    });
    by_service.or_else(|| refusing_filter(&policies, route, &as_filters_see_it(request)))
}

/// The first filter that is asked, where it is none that could decide.
fn refusing_filter(policies: &Policies<'_>, route: &Route, asked: &nuncio_auth::Request) -> Option<String> {
    let chain = match policies.chain(route, asked) {
        Ok(chain) => chain,
        Err(refusal @ Refusal::TwoWays) => return Some(refusal.to_string()),
        Err(Refusal::NoRules | Refusal::Unusable(_)) => return None,
    };
    let first = chain.filters().find(|used| passed_over(used, asked).is_none())?;
    let reason = match policies.kind(first) {
        Some(FilterKind::Invalid { reason }) => reason,
        Some(_) => return None,
        None => "it is not there",
    };
    (first.on_deny != OnDeny::Continue).then(|| format!("answered 503 by the filter {}: {reason}", first.filter))
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
fn describe(policies: &Policies<'_>, used: &FilterRef, asked: &nuncio_auth::Request) -> String {
    let kind = match policies.kind(used) {
        Some(FilterKind::Invalid { reason }) => return format!("{}, which denies: {reason}", used.filter),
        Some(kind) => kind_name(kind),
        None => return format!("{}, which is not there: denies", used.filter),
    };
    let passed_over = passed_over(used, asked).map(|header| format!("not asked, by ifRequestHeader {header}"));
    let ends = (used.on_allow == OnAllow::Break).then(|| "is the last if it allows".to_owned());
    let goes_on = (used.on_deny == OnDeny::Continue).then(|| "may deny in vain".to_owned());
    let more = passed_over.map_or_else(|| ends.into_iter().chain(goes_on).collect(), |reason| vec![reason]);
    let said: String = more.iter().map(|more| format!("; {more}")).collect();
    format!("{} ({kind}{said})", used.filter)
}
