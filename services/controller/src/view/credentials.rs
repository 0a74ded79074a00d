//! What clients have to show, so that the rules of a route let them through: without the names that its operators use.

use std::collections::{BTreeMap, BTreeSet};

use nuncio_api::{Kind, ObjectId, Spec};
use nuncio_ir::auth::{FilterKind, FilterRef, Grant, KeySource};
use nuncio_ir::{Extension, Handler, Model, Removal, Route};
use nuncio_translate::World;

use crate::admin::CredentialView;
use crate::policies::{Policies, rule_set, rules_for};

/// Of all rules that may apply to requests on a route.
pub(super) fn credentials(model: &Model, route: &Route) -> BTreeSet<CredentialView> {
    let set = rule_set(model, route);
    let of_rules = rules_for(model, route).flat_map(|rule| &rule.filters);
    let used = set.into_iter().flat_map(|set| &set.gate).chain(of_rules);
    credentials_of(model, Policies::new(model).auth_service(route), used)
}

/// Of these filters alone, and of the AuthService where one is asked.
pub(crate) fn credentials_of<'m>(
    model: &'m Model,
    service: Option<&Extension>,
    used: impl Iterator<Item = &'m FilterRef>,
) -> BTreeSet<CredentialView> {
    let asked = used.filter_map(|used| credential(&model.filters.get(&used.filter)?.kind, used));
    let other = service.map(|_| CredentialView::Other);
    asked.chain(other).collect()
}

/// What a filter wants to be shown.
pub(crate) fn credential(kind: &FilterKind, used: &FilterRef) -> Option<CredentialView> {
    let scopes = || used.arguments.scope.iter().map(ToString::to_string).collect();
    let headers = |names: [&str; 2]| CredentialView::Headers { names: names.map(str::to_owned).into() };
    Some(match kind {
        FilterKind::OAuth2(oauth2) => match &oauth2.grant {
            Grant::AuthorizationCode(_) => {
                CredentialView::Login { provider: oauth2.issuer.to_string(), scopes: scopes() }
            }
            Grant::ClientCredentials => headers(["X-Ambassador-Client-ID", "X-Ambassador-Client-Secret"]),
            Grant::Password { .. } => headers(["X-Ambassador-Username", "X-Ambassador-Password"]),
        },
        FilterKind::Jwt(jwt) => {
            CredentialView::Token { issuer: jwt.issuer.as_ref().map(ToString::to_string), scopes: scopes() }
        }
        FilterKind::Introspection(_) => CredentialView::Token { issuer: None, scopes: scopes() },
        FilterKind::ApiKey(keys) => CredentialView::Key { places: keys.sources.iter().map(place).collect() },
        FilterKind::Basic(_) => CredentialView::Password,
        FilterKind::External(_) | FilterKind::ShareLink(_) => CredentialView::Other,
        // It lets nobody through, whatever they show.
        FilterKind::Invalid { .. } => return None,
    })
}

/// The Secrets whose keys are taken by any rule that may apply to requests on a route.
pub(super) fn key_secrets(world: &World, route: &Route) -> Vec<String> {
    let used = rules_for(world.model(), route).flat_map(|rule| &rule.filters);
    let of_filter = |used: &FilterRef| {
        let (name, namespace) = used.filter.0.rsplit_once('.')?;
        let object = world.object(&ObjectId::new(Kind::Filter, namespace, name))?;
        let Spec::Filter(filter) = &object.spec else { return None };
        Some(
            filter
                .api_key
                .as_ref()?
                .keys
                .iter()
                .map(|keys| format!("{namespace}/{}", keys.secret_name))
                .collect::<Vec<_>>(),
        )
    };
    used.filter_map(of_filter).flatten().collect()
}

fn place(source: &KeySource) -> String {
    match source {
        KeySource::Header(name) => format!("header {name}"),
        KeySource::Authorization(scheme) => format!("header Authorization: {scheme}"),
        KeySource::Cookie(name) => format!("cookie {name}"),
        KeySource::Query(name) => format!("query parameter {name}"),
    }
}

/// The headers of clients that no service sees, by any way in that is for clients.
pub(super) fn removed_headers(model: &Model) -> Vec<String> {
    let chains = model.listeners.values().flat_map(|listener| &listener.chains);
    let settings = chains.filter_map(|chain| match &chain.handler {
        Handler::Http(settings) => Some(settings).filter(|settings| !settings.is_internal()),
        Handler::Tcp(_) | Handler::Close => None,
    });
    let mut ways = 0;
    let mut removed: BTreeMap<String, usize> = BTreeMap::new();
    for settings in settings {
        ways += 1;
        for removal in settings.removals() {
            let name = match removal {
                Removal::Name(name) | Removal::Spelled(name) => name,
                Removal::Prefix(prefix) => format!("{prefix}*"),
            };
            *removed.entry(name.to_lowercase()).or_default() += 1;
        }
    }
    removed.into_iter().filter(|(_, count)| *count == ways).map(|(name, _)| name).collect()
}
