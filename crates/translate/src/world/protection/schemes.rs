//! The origins of logins against the Listeners: one that nobody comes by, since its scheme is not spoken here, is a login that
//! nobody can have.

use std::collections::BTreeSet;

use nuncio_api::{ObjectId, Problem};
use nuncio_auth::Request;
use nuncio_auth::login::Origins;
use nuncio_ir::auth::{FilterKind, Grant, ProtectedOrigin};
use nuncio_ir::{FilterChain, Handler, HttpSettings};

use crate::pattern::HostPattern;
use crate::policy::{Class, Insecure, Security};
use crate::world::World;

impl World {
    /// Origins of a login by whose scheme no request comes in. Ports are not compared: what is in front may map them.
    pub(super) fn unspoken_origins(&self, id: &ObjectId) -> Vec<Problem> {
        let filter = self.filter_of(id).and_then(|filter| self.model.filters.get(&filter));
        let Some(FilterKind::OAuth2(oauth2)) = filter.map(|filter| &filter.kind) else { return Vec::new() };
        let Grant::AuthorizationCode(code) = &oauth2.grant else { return Vec::new() };
        let origins = code.protected_origins.iter().enumerate();
        origins.filter_map(|(at, origin)| self.unspoken_origin(at, origin)).collect()
    }

    fn unspoken_origin(&self, at: usize, origin: &ProtectedOrigin) -> Option<Problem> {
        let known = Origins::new(std::slice::from_ref(origin)).ok()?;
        let (_, authority) = known.first().split_once("://")?;
        let host = nuncio_api::without_port(authority);
        let schemes = self.schemes(host)?;
        let is_met = |scheme: &&str| known.find(&Request::new("GET", scheme, host, "/")).is_some();
        if schemes.is_empty() || schemes.iter().any(is_met) {
            return None;
        }
        let schemes = schemes.into_iter().collect::<Vec<_>>().join(" and ");
        let message = format!(
            "nobody can log in at {}: requests for {host} come in by {schemes} alone. Where a proxy in front ends TLS, have \
             the Listener believe it (`l7Depth`), or say by `internalOrigin` how they come in",
            origin.origin
        );
        let field = format!("spec.OAuth2.protectedOrigins[{at}].origin");
        Some(Problem::warning("NoMatchingOrigin", field, message))
    }

    /// By which schemes a name is served; `None` where a proxy in front says by which.
    fn schemes(&self, name: &str) -> Option<BTreeSet<&'static str>> {
        let chains = self.model.listeners.values().flat_map(|listener| &listener.chains);
        let mut schemes = BTreeSet::new();
        for chain in chains {
            let Handler::Http(settings) = &chain.handler else { continue };
            if settings.trusted_hops > 0 || !settings.use_remote_address {
                return None;
            }
            if self.serves(chain, settings, name) {
                schemes.insert(if chain.tls.is_some() { "https" } else { "http" });
            }
        }
        Some(schemes)
    }

    /// Whether requests for a name are served by a chain, and not sent to another scheme.
    fn serves(&self, chain: &FilterChain, settings: &HttpSettings, name: &str) -> bool {
        let names = &chain.matches.server_names;
        let takes = |pattern: &String| HostPattern::parse(pattern).is_some_and(|pattern| pattern.takes(name));
        let class = self.frame.classes.iter().find(|class| class.key == settings.class);
        (names.is_empty() || names.iter().any(takes))
            && class.is_some_and(|class| routes(class, chain.tls.is_some(), name))
    }
}

fn routes(class: &Class, has_tls: bool, name: &str) -> bool {
    let is_secure = match class.security {
        Security::Xfp => has_tls,
        Security::Secure => true,
        Security::Insecure => false,
    };
    class.governing(name).is_some_and(|host| is_secure || host.insecure == Insecure::Route)
}
