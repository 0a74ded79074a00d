//! Rules of FilterPolicies, as the service is told of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use nuncio_api as api;
use nuncio_ir::auth::{
    Arguments, Filter, FilterId, FilterKind, FilterRef, Grant, HeaderCondition, HeaderValue, InsteadOfRedirect,
    OnAllow, OnDeny, SameSite,
};

use crate::filters::filter_id;

/// The status where a login is not begun.
const INSTEAD_STATUS: u16 = 403;

/// A condition on a header.
pub(crate) fn condition(written: &api::HeaderCondition) -> HeaderCondition {
    let value = match (&written.value_regex, &written.value) {
        (Some(regex), _) => HeaderValue::Regex(regex.as_str().into()),
        (None, Some(value)) => HeaderValue::Exact(value.as_str().into()),
        (None, None) => HeaderValue::Present,
    };
    HeaderCondition { name: written.name.as_str().into(), value, negate: written.negate.unwrap_or(false) }
}

/// The filters of a rule.
pub(crate) fn filters(rule: &api::FilterRule, namespace: &Arc<str>) -> Vec<FilterRef> {
    rule.filters.iter().map(|used| one(used, namespace)).collect()
}

/// A filter that is used, and those that decide instead of it.
pub(crate) fn with_nested(used: &FilterRef) -> impl Iterator<Item = &FilterRef> {
    let instead = used.arguments.instead_of_redirect.iter().flat_map(|instead| &instead.filters);
    std::iter::once(used).chain(instead)
}

/// What a rule asks of a filter that cannot tell: it knows of no claims.
pub(crate) fn unheeded(used: &FilterRef, all: &BTreeMap<FilterId, Filter>) -> Option<String> {
    with_nested(used).find_map(|used| {
        let kind = kind_without_claims(&all.get(&used.filter)?.kind)?;
        let arguments = &used.arguments;
        let asks = arguments.require.is_some() || !arguments.acr_values.is_empty() || arguments.max_age.is_some();
        asks.then(|| format!("{} is of kind {kind}, which heeds neither require, acrValues nor maxAge", used.filter))
    })
}

/// Scopes for a filter that knows of none.
pub(crate) fn without_scopes(used: &FilterRef, all: &BTreeMap<FilterId, Filter>) -> Option<String> {
    let kind = kind_without_claims(&all.get(&used.filter)?.kind).filter(|_| !used.arguments.scope.is_empty())?;
    Some(format!("{} is of kind {kind}, which knows of no scopes: whom it lets in need not have them", used.filter))
}

fn kind_without_claims(kind: &FilterKind) -> Option<&'static str> {
    match kind {
        FilterKind::ApiKey(_) => Some("APIKey"),
        FilterKind::Basic(_) => Some("Basic"),
        FilterKind::External(_) => Some("External"),
        _ => None,
    }
}

/// A login that is to decide instead of a login.
pub(crate) fn begins_anyway(used: &FilterRef, all: &BTreeMap<FilterId, Filter>) -> Option<String> {
    let is_login =
        |kind: &FilterKind| matches!(kind, FilterKind::OAuth2(it) if matches!(it.grant, Grant::AuthorizationCode(_)));
    let instead = used.arguments.instead_of_redirect.as_ref()?;
    let login =
        instead.filters.iter().find(|used| all.get(&used.filter).is_some_and(|filter| is_login(&filter.kind)))?;
    Some(format!("{} is a login, and cannot decide where none is to begin", login.filter))
}

fn one(used: &api::FilterUse, namespace: &Arc<str>) -> FilterRef {
    FilterRef {
        filter: named(&used.name, used.namespace.as_deref(), namespace),
        if_request_header: used.if_request_header.as_ref().map(condition),
        on_deny: on_deny(used.on_deny),
        on_allow: on_allow(used.on_allow),
        arguments: used.arguments.as_ref().map(|told| arguments(told, namespace)).unwrap_or_default(),
    }
}

fn named(name: &str, own: Option<&str>, namespace: &Arc<str>) -> FilterId {
    filter_id(name, own.filter(|own| !own.is_empty()).unwrap_or(namespace))
}

fn on_deny(follows: Option<api::Follows>) -> OnDeny {
    match follows {
        Some(api::Follows::Continue) => OnDeny::Continue,
        Some(api::Follows::Break) | None => OnDeny::Break,
    }
}

fn on_allow(follows: Option<api::Follows>) -> OnAllow {
    match follows {
        Some(api::Follows::Break) => OnAllow::Break,
        Some(api::Follows::Continue) | None => OnAllow::Continue,
    }
}

fn arguments(told: &api::FilterArguments, namespace: &Arc<str>) -> Arguments {
    Arguments {
        scope: scopes(&told.scope, &told.scopes),
        instead_of_redirect: told.instead_of_redirect.as_ref().map(|instead| instead_of(instead, namespace)),
        same_site: match told.same_site {
            None | Some(api::SameSite::Default) => SameSite::Unset,
            Some(api::SameSite::None) => SameSite::None,
            Some(api::SameSite::Lax) => SameSite::Lax,
            Some(api::SameSite::Strict) => SameSite::Strict,
        },
        require: required(told.require.as_deref()),
        acr_values: told.acr_values.iter().map(|text| text.as_str().into()).collect(),
        max_age: told.max_age.map(|age| age.0.as_secs()),
    }
}

fn scopes(new: &[String], old: &[String]) -> Vec<Arc<str>> {
    let scopes = if new.is_empty() { old } else { new };
    scopes.iter().map(|text| text.as_str().into()).collect()
}

fn required(written: Option<&str>) -> Option<Arc<str>> {
    written.filter(|text| !text.is_empty()).map(Into::into)
}

fn instead_of(instead: &api::InsteadOfRedirect, namespace: &Arc<str>) -> InsteadOfRedirect {
    let filter = |used: &api::InsteadFilter| {
        let told = used.arguments.clone().unwrap_or_default();
        FilterRef {
            filter: named(&used.name, used.namespace.as_deref(), namespace),
            if_request_header: used.if_request_header.as_ref().map(condition),
            on_deny: on_deny(used.on_deny),
            on_allow: on_allow(used.on_allow),
            arguments: Arguments {
                scope: scopes(&told.scope, &told.scopes),
                require: required(told.require.as_deref()),
                ..Arguments::default()
            },
        }
    };
    InsteadOfRedirect {
        if_request_header: instead.if_request_header.as_ref().map(condition),
        status: instead.http_status_code.or(instead.status_code).unwrap_or(INSTEAD_STATUS),
        filters: instead.filters.iter().map(filter).collect(),
    }
}
