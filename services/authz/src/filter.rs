//! The filters, compiled, and what each asks of a request.

mod answers;
mod external;
mod inject;
mod introspect;
pub(crate) mod jwt;
mod keys;
mod needed;
pub(crate) mod oauth2;
mod share_link;

use std::sync::Arc;
use std::time::Instant;

use nuncio_auth::api_key::ApiKeys;
use nuncio_auth::basic::Users;
use nuncio_auth::{Denial, Request, Step, Verdict};
use nuncio_ir::auth::{Filter, FilterKind};

use crate::config::Config;
use crate::engine::Services;
use crate::idp::Calls;
use external::ExternalFilter;
use introspect::IntrospectionFilter;
use jwt::JwtFilter;
use keys::{ApiKeyFilter, BasicFilter};
pub(crate) use needed::Lacking;
use oauth2::OAuth2Filter;
use share_link::ShareLinkFilter;

/// A filter that can be asked.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) kind: Kind,
}

/// What it does.
#[derive(Debug)]
pub(crate) enum Kind {
    Jwt(JwtFilter),
    OAuth2(Arc<OAuth2Filter>),
    ApiKey(ApiKeyFilter),
    Basic(BasicFilter),
    External(ExternalFilter),
    Introspection(IntrospectionFilter),
    ShareLink(ShareLinkFilter),
    Invalid(String),
}

impl Compiled {
    /// Compiles a filter.
    ///
    /// # Errors
    /// With what is wrong with it.
    pub(crate) fn new(filter: Filter) -> Result<Self, String> {
        let id = filter.id;
        let kind = match filter.kind {
            FilterKind::Jwt(jwt) => Kind::Jwt(JwtFilter::new(&id, *jwt)?),
            FilterKind::OAuth2(oauth2) => Kind::OAuth2(Arc::new(OAuth2Filter::new(&id, *oauth2)?)),
            FilterKind::ApiKey(keys) => {
                let compiled = ApiKeys::new(&keys).map_err(|error| error.to_string())?;
                Kind::ApiKey(ApiKeyFilter::new(&id, compiled, &keys.identity)?)
            }
            FilterKind::Basic(basic) => {
                let users = Users::parse(basic.users.expose()).map_err(|error| error.to_string())?;
                Kind::Basic(BasicFilter::new(&id, Arc::new(users), &basic)?)
            }
            FilterKind::External(external) => Kind::External(ExternalFilter::new(*external)?),
            FilterKind::Introspection(introspection) => {
                Kind::Introspection(IntrospectionFilter::new(&id, *introspection)?)
            }
            FilterKind::ShareLink(link) => Kind::ShareLink(ShareLinkFilter::new(*link)),
            FilterKind::Invalid { reason } => Kind::Invalid(reason.as_ref().to_owned()),
        };
        Ok(Self { kind })
    }

    /// Takes over what counts on of this filter as it was before.
    pub(crate) fn follow(&mut self, before: &Self) {
        if let (Kind::External(filter), Kind::External(before)) = (&mut self.kind, &before.kind) {
            filter.follow(before);
        }
    }

    /// One that denies.
    pub(crate) fn invalid(reason: &str) -> Self {
        Self { kind: Kind::Invalid(reason.to_owned()) }
    }

    #[cfg(test)]
    pub(crate) fn is_invalid(&self) -> bool {
        matches!(self.kind, Kind::Invalid(_))
    }

    /// What the filter needs of others and cannot have. What was never fetched is.
    pub(crate) async fn lacking(&self, services: &Services) -> Option<Lacking> {
        if let Kind::External(filter) = &self.kind {
            filter.look_again().await;
        }
        let document = match &self.kind {
            Kind::Jwt(filter) => filter.lacking(services).await,
            Kind::OAuth2(filter) => filter.lacking(services).await,
            Kind::ApiKey(_)
            | Kind::Basic(_)
            | Kind::External(_)
            | Kind::Introspection(_)
            | Kind::ShareLink(_)
            | Kind::Invalid(_) => None,
        };
        document.or_else(|| self.calls()?.failed(Instant::now()).map(Lacking::from))
    }

    fn calls(&self) -> Option<&Calls> {
        match &self.kind {
            Kind::OAuth2(filter) => Some(&filter.calls),
            Kind::External(filter) => Some(&filter.calls),
            Kind::Introspection(filter) => Some(&filter.calls),
            Kind::Jwt(_) | Kind::ApiKey(_) | Kind::Basic(_) | Kind::ShareLink(_) | Kind::Invalid(_) => None,
        }
    }

    /// What the filter says of a request. A login that is to begin is the engine's to begin.
    pub(crate) async fn check(
        &self,
        request: &mut Request,
        step: &Step,
        config: &Config,
        services: &Arc<Services>,
    ) -> Verdict {
        // Boxed where futures are large: a check that needs nothing of them stays small.
        match &self.kind {
            Kind::Jwt(filter) => filter.check(request, step, services).await,
            Kind::OAuth2(filter) => Box::pin(filter.check(request, step, config, services)).await,
            Kind::ApiKey(filter) => filter.check(request, services),
            Kind::Basic(filter) => Box::pin(filter.check(request, services)).await,
            Kind::External(filter) => Box::pin(filter.check(request, services)).await,
            Kind::Introspection(filter) => Box::pin(filter.check(request, step, services)).await,
            Kind::ShareLink(filter) => filter.check(request),
            Kind::Invalid(reason) => Verdict::Deny(unusable(request, reason)),
        }
    }
}

/// Denies since the configuration cannot be used.
pub(crate) fn unusable(request: &Request, reason: &str) -> Denial {
    let kind = nuncio_auth::ClientKind::of(request);
    Denial::unavailable(kind, "misconfigured", reason, request)
}

#[cfg(test)]
mod tests {
    use nuncio_ir::auth::FilterId;
    use serde_json::json;

    use super::*;
    use crate::config::Active;

    /// Puts a filter into force that asks a service by gRPC.
    fn put(active: &Active, url: &str, addresses: Option<&[&str]>) -> Arc<Compiled> {
        let spec = json!({ "url": url, "addresses": addresses.map(|alike| [alike]), "protocol": "grpc",
            "timeout": { "secs": 1, "nanos": 0 }, "status_on_error": 403, "failure_mode_allow": false, "identity_headers": [] });
        let filters = json!({ "filters": [{ "id": "e", "kind": { "external": spec } }] });
        active.apply(serde_json::from_value(filters).unwrap()).unwrap();
        Arc::clone(&active.load().unwrap().filters[&FilterId("e".into())])
    }

    /// Has it ask.
    async fn ask(filter: &Compiled, services: &Services) {
        let Kind::External(filter) = &filter.kind else { panic!("{filter:?}") };
        filter.check(&mut Request::new("GET", "https", "a", "/"), services).await;
    }

    #[tokio::test]
    async fn a_failed_call_goes_with_the_configuration() {
        let (services, active) = (Services::alone(), Active::new());
        let filter = put(&active, "http://127.0.0.1:1", None);
        ask(&filter, &services).await;
        let lacking = filter.lacking(&services).await.unwrap();
        assert_eq!((lacking.field, &*lacking.url), ("spec.External.auth_service", "http://127.0.0.1:1"));
        assert_eq!(put(&active, "http://127.0.0.1:2", None).lacking(&services).await, None);
    }

    #[tokio::test]
    async fn a_failed_call_counts_on_wherever_endpoints_are_until_somebody_is_there() {
        const URL: &str = "http://cart.shop:80";
        let (services, active) = (Services::alone(), Active::new());
        let filter = put(&active, URL, Some(&["127.0.0.1:1"]));
        ask(&filter, &services).await;
        let lacking = filter.lacking(&services).await;
        assert!(lacking.is_some());
        for addresses in [&["127.0.0.1:1", "127.0.0.1:2"][..], &[], &["127.0.0.1:1"]] {
            assert_eq!(put(&active, URL, Some(addresses)).lacking(&services).await, lacking, "{addresses:?}");
        }
        let there = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = there.local_addr().unwrap().to_string();
        assert_eq!(put(&active, URL, Some(&[address.as_str()])).lacking(&services).await, None);
    }
}
