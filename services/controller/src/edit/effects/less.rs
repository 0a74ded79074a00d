//! Of two filters of one kind, what one asks for and the other does not.

use std::collections::BTreeSet;
use std::sync::Arc;

use nuncio_ir::auth::{
    Arguments, Audiences, External, FilterKind, FilterRef, Introspection, Jwt, JwtAlgorithm, OAuth2,
};
use nuncio_ir::{Authorization, Model};

/// A filter, as a rule uses it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Used<'m> {
    pub(super) model: &'m Model,
    pub(super) used: &'m FilterRef,
}

impl<'m> Used<'m> {
    pub(super) fn kind(self) -> Option<&'m FilterKind> {
        self.model.filters.get(&self.used.filter).map(|filter| &filter.kind)
    }
}

/// What is asked for no more, in words.
pub(super) fn less(was: Used<'_>, is: Used<'_>) -> Vec<String> {
    let (Some(kind), Some(new)) = (was.kind(), is.kind()) else { return Vec::new() };
    let (arguments, others) = (&was.used.arguments, &is.used.arguments);
    let mut less = match (kind, new) {
        (FilterKind::Jwt(was), FilterKind::Jwt(is)) => of_tokens(was, is),
        (FilterKind::OAuth2(old), FilterKind::OAuth2(new)) => of_logins((was.model, old), (is.model, new)),
        (FilterKind::Introspection(was), FilterKind::Introspection(is)) => of_questions(was, is),
        (FilterKind::External(was), FilterKind::External(is)) => of_others(was, is),
        _ => Vec::new(),
    };
    if !matches!(
        kind,
        FilterKind::ApiKey(_) | FilterKind::Basic(_) | FilterKind::External(_) | FilterKind::ShareLink(_)
    ) {
        less.extend(of_arguments(arguments, others));
    }
    less
}

/// The same of two AuthServices.
pub(super) fn less_of_service(was: &Authorization, is: &Authorization) -> Vec<String> {
    told(!was.failure_mode_allow && is.failure_mode_allow, "that the AuthService answers").collect()
}

fn of_arguments(was: &Arguments, is: &Arguments) -> Vec<String> {
    let scopes = missing(&was.scope, &is.scope).map(|scope| format!("scope {scope}"));
    let require = was.require.as_ref().filter(|_| is.require.is_none()).map(|require| format!("require {require}"));
    let classes = (!was.acr_values.is_empty() && is_wider(&was.acr_values, &is.acr_values))
        .then(|| format!("acrValues {}", list(&was.acr_values)));
    let age = was.max_age.filter(|age| is.max_age.is_none_or(|other| other > *age)).map(|age| format!("maxAge {age}"));
    scopes.chain(require).chain(classes).chain(age).collect()
}

fn of_tokens(was: &Jwt, is: &Jwt) -> Vec<String> {
    let unsigned = |jwt: &Jwt| jwt.valid_algorithms.contains(&JwtAlgorithm::None);
    let issuer = was.issuer.as_ref().filter(|_| is.issuer.is_none()).map(|issuer| format!("issuer {issuer}"));
    let audience = is_for_more(&was.audiences, &is.audiences).then(|| match &was.audiences {
        Audiences::Any(names) | Audiences::All(names) => format!("audience {}", list(names)),
    });
    issuer
        .into_iter()
        .chain(audience)
        .chain(told(!unsigned(was) && unsigned(is), "a signature"))
        .chain(told(was.require_issuer && !is.require_issuer, "requireIssuer"))
        .chain(told(was.require_audience && !is.require_audience, "requireAudience"))
        .chain(told(was.expires_at.required && !is.expires_at.required, "requireExpiresAt"))
        .chain(told(was.not_before.required && !is.not_before.required, "requireNotBefore"))
        .chain(told(was.issued_at.required && !is.issued_at.required, "requireIssuedAt"))
        .collect()
}

fn of_logins((before, was): (&Model, &OAuth2), (after, is): (&Model, &OAuth2)) -> Vec<String> {
    let Some(inherited) = &was.access_token_jwt_filter else { return Vec::new() };
    let Some(other) = &is.access_token_jwt_filter else { return vec![format!("{} of its tokens", inherited.filter)] };
    let scopes = missing(&inherited.scope, &other.scope).map(|scope| format!("scope {scope}"));
    let handed = told(inherited.inherit_scope_argument && !other.inherit_scope_argument, "inheritScopeArgument");
    let kind = |model: &Model, id| model.filters.get(id).map(|filter| filter.kind.clone());
    let of_filter = match (kind(before, &inherited.filter), kind(after, &other.filter)) {
        (Some(FilterKind::Jwt(was)), Some(FilterKind::Jwt(is))) => of_tokens(&was, &is),
        _ => Vec::new(),
    };
    scopes.chain(handed).chain(of_filter).collect()
}

fn of_questions(was: &Introspection, is: &Introspection) -> Vec<String> {
    let is_less = !was.audiences.is_empty() && is_wider(&was.audiences, &is.audiences);
    is_less.then(|| format!("audience {}", list(&was.audiences))).into_iter().collect()
}

fn of_others(was: &External, is: &External) -> Vec<String> {
    told(!was.failure_mode_allow && is.failure_mode_allow, "that its service answers").collect()
}

fn told(is_so: bool, what: &str) -> impl Iterator<Item = String> {
    is_so.then(|| what.to_owned()).into_iter()
}

fn missing<'a>(was: &'a [Arc<str>], is: &[Arc<str>]) -> impl Iterator<Item = &'a Arc<str>> {
    let there: BTreeSet<_> = is.iter().cloned().collect();
    was.iter().filter(move |one| !there.contains(*one))
}

/// Whether one of the new ones is enough where none of the old ones is, or none is wanted any more.
fn is_wider(was: &[Arc<str>], is: &[Arc<str>]) -> bool {
    is.is_empty() || missing(is, was).next().is_some()
}

/// Whether tokens for others are taken as well.
fn is_for_more(was: &Audiences, is: &Audiences) -> bool {
    match (was, is) {
        (Audiences::Any(was) | Audiences::All(was), _) if was.is_empty() => false,
        (Audiences::Any(was), Audiences::Any(is)) => is_wider(was, is),
        (Audiences::Any(was), Audiences::All(is)) => !is.iter().any(|name| was.contains(name)),
        (Audiences::All(was), Audiences::All(is)) => missing(was, is).next().is_some(),
        (Audiences::All(was), Audiences::Any(is)) => was.len() > 1 || is_wider(was, is),
    }
}

fn list(names: &[Arc<str>]) -> String {
    names.join(" ")
}
