//! What a request has to show before its route does anything with it: the first words of what becomes of it.

use std::collections::BTreeSet;

use nuncio_auth::ClientKind;
use nuncio_ir::auth::{FilterKind, KeySource};
use nuncio_ir::{Model, Route, SlotFilter};

use super::protection::as_filters_see_it;
use super::request::Request;
use crate::admin::CredentialView;
use crate::policies::{Chain, Demands, Policies};

/// What becomes of a request that gets this route, which does `outcome` with those that may pass.
pub(super) fn headline(model: &Model, route: &Route, request: &Request, outcome: String) -> String {
    let policies = Policies::new(model);
    let mut asked = as_filters_see_it(request);
    asked.method = request.header(":method").unwrap_or_default();
    let Ok(chain) = policies.chain(route, &asked) else { return outcome };
    let service = policies.auth_service(route).map(|extension| &extension.filter);
    let outcome = match service {
        Some(SlotFilter::Authorize(_)) => format!("if the AuthService lets it through: {outcome}"),
        _ => outcome,
    };
    if Demands::<CredentialView>::of_filters(model, chain, &asked, &|_| false).is_open() {
        return outcome;
    }
    let shows = bearers(&policies, chain);
    let mut any = Demands::of_filters(model, chain, &asked, &|name| shows.contains(name)).into_lists();
    any.retain(|all| !all.is_empty());
    let is_brought = |all: &&Vec<CredentialView>| all.iter().all(|one| brings(request, one));
    let refusal = refusal(&any, ClientKind::of(&asked));
    match any.iter().find(is_brought) {
        _ if any.is_empty() => "refused whatever it shows: its filters let nobody through".to_owned(),
        Some(all) if all.iter().all(|one| *one == CredentialView::Other) => {
            format!("if who is asked lets it through: {outcome}")
        }
        Some(all) => format!("if {} (if not, {refusal}): {outcome}", joined(all.iter().map(own), " and ")),
        None => {
            let ways = any.iter().map(|all| joined(all.iter().map(needed), " and "));
            format!("needs {}; without one {refusal}; with one: {outcome}", joined(ways, " or "))
        }
    }
}

/// The headers in which credentials are shown, in lower case: of others this request has what it has.
fn bearers(policies: &Policies<'_>, chain: Chain<'_>) -> BTreeSet<String> {
    let keys = chain.filters().filter_map(|used| match policies.kind(used)? {
        FilterKind::ApiKey(keys) => Some(&keys.sources),
        _ => None,
    });
    let names = keys.flatten().filter_map(|source| match source {
        KeySource::Header(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    names.chain(["authorization".to_owned(), "cookie".to_owned()]).collect()
}

fn joined(words: impl Iterator<Item = String>, between: &str) -> String {
    words.collect::<Vec<_>>().join(between)
}

/// Whether the request brings such a credential, valid or not.
fn brings(request: &Request, credential: &CredentialView) -> bool {
    let has = |name: &str| request.header(name).is_some();
    match credential {
        CredentialView::Login { .. } => has("cookie"),
        CredentialView::Token { .. } | CredentialView::Password => has("authorization"),
        CredentialView::Headers { names } => names.iter().all(|name| has(&name.to_ascii_lowercase())),
        CredentialView::Key { places } => places.iter().any(|place| match place.split_once(' ') {
            Some(("header", name)) => has(&name.split(':').next().unwrap_or(name).to_ascii_lowercase()),
            Some(("cookie", _)) => has("cookie"),
            // A query parameter.
            _ => place.rsplit(' ').next().is_some_and(|name| request.query.iter().any(|(key, _)| key == name)),
        }),
        // Only who is asked knows.
        CredentialView::Other => true,
    }
}

fn needed(credential: &CredentialView) -> String {
    match credential {
        CredentialView::Login { .. } => "a login".to_owned(),
        CredentialView::Token { .. } => "a token".to_owned(),
        CredentialView::Password => "a name and a password".to_owned(),
        CredentialView::Headers { names } => format!("the headers {}", names.join(" and ")),
        CredentialView::Key { .. } => "an API key".to_owned(),
        CredentialView::Other => "the consent of who is asked".to_owned(),
    }
}

fn own(credential: &CredentialView) -> String {
    match credential {
        CredentialView::Login { .. } => "the login in its cookie is valid".to_owned(),
        CredentialView::Token { .. } => "its token is valid".to_owned(),
        CredentialView::Password => "its name and password are right".to_owned(),
        CredentialView::Headers { names } => format!("its {} are right", names.join(" and ")),
        CredentialView::Key { .. } => "its API key is known".to_owned(),
        CredentialView::Other => "who is asked lets it through".to_owned(),
    }
}

/// What becomes of it if it is not let through.
fn refusal(any: &[Vec<CredentialView>], client: ClientKind) -> &'static str {
    let has_login = any.iter().flatten().any(|one| matches!(one, CredentialView::Login { .. }));
    match (has_login, client.may_log_in()) {
        (true, true) => "redirected to log in (programs get 401)",
        (true, false) => "answered 401 (browsers are redirected to log in)",
        (false, _) => "answered 401",
    }
}
