//! What is sent by name over xDS: the types that one crate encodes, and another serves.

use std::fmt;

use crate::auth::{FILTER_TYPE, RULE_SET_TYPE};

/// The types of resources.
///
/// The order of declaration is the order in which types are sent (make before break): what is referred to
/// comes before what refers to it. Source: Envoy, "Eventual consistency considerations" in `xds_protocol`;
/// secrets come before listeners because a listener warms on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceType {
    /// `Cluster` (CDS).
    Cluster,
    /// `ClusterLoadAssignment` (EDS).
    Endpoints,
    /// `Secret` (SDS).
    Secret,
    /// `TypedExtensionConfig` (ECDS): the configuration of one filter. A listener names it and warms on it.
    Extension,
    /// `Listener` (LDS).
    Listener,
    /// `ScopedRouteConfiguration` (SRDS): it goes before its route configuration, since Envoy asks for the
    /// latter by name once it has the scope.
    ScopedRoute,
    /// `RouteConfiguration` (RDS).
    Route,
    /// `RateLimitConfig`, which rate limit services ask for.
    Limits,
    /// A filter of requests, which authentication services ask for.
    AuthFilter,
    /// A set of rules by which requests pass such filters; they ask for these as well. Routes that others have name it.
    RuleSet,
}

impl ResourceType {
    /// All types, in the order in which they are sent.
    pub const ALL: [Self; 10] = [
        Self::Cluster,
        Self::Endpoints,
        Self::Secret,
        Self::Extension,
        Self::Listener,
        Self::ScopedRoute,
        Self::Route,
        Self::Limits,
        Self::AuthFilter,
        Self::RuleSet,
    ];

    /// The type URL of requests, responses and bodies of this type.
    #[must_use]
    pub const fn type_url(self) -> &'static str {
        match self {
            Self::Cluster => "type.googleapis.com/envoy.config.cluster.v3.Cluster",
            Self::Endpoints => "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
            Self::Secret => "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
            Self::Extension => "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
            Self::Listener => "type.googleapis.com/envoy.config.listener.v3.Listener",
            Self::ScopedRoute => "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration",
            Self::Route => "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
            Self::Limits => "type.googleapis.com/ratelimit.config.ratelimit.v3.RateLimitConfig",
            Self::AuthFilter => FILTER_TYPE,
            Self::RuleSet => RULE_SET_TYPE,
        }
    }

    /// The type of a type URL; `None` for a type that is not served.
    #[must_use]
    pub fn from_type_url(url: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.type_url() == url)
    }

    /// Its place among [all](Self::ALL).
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }

    /// Whether a state-of-the-world response must hold every resource, absence meaning removal.
    ///
    /// Envoy documents this for listeners and clusters, and its scoped-route subscription does the same; services
    /// other than Envoy take what they are sent for all there is.
    #[must_use]
    pub fn is_full_state(self) -> bool {
        matches!(self, Self::Cluster | Self::Listener | Self::ScopedRoute) || self.is_for_services()
    }

    /// Whether services other than Envoy ask for this type, and for no other.
    #[must_use]
    pub fn is_for_services(self) -> bool {
        matches!(self, Self::Limits | Self::AuthFilter | Self::RuleSet)
    }

    /// Whether clients ask for this type by name, having seen the name in a resource of another type.
    #[must_use]
    pub fn is_by_reference(self) -> bool {
        !self.is_full_state()
    }

    /// Whether a resource of this type is looked up by others while requests are served, so that its
    /// removal waits until nothing refers to it.
    #[must_use]
    pub fn is_looked_up(self) -> bool {
        matches!(self, Self::Cluster | Self::Endpoints | Self::Secret | Self::AuthFilter)
    }
}

impl fmt::Display for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cluster => "Cluster",
            Self::Endpoints => "ClusterLoadAssignment",
            Self::Secret => "Secret",
            Self::Extension => "TypedExtensionConfig",
            Self::Listener => "Listener",
            Self::ScopedRoute => "ScopedRouteConfiguration",
            Self::Route => "RouteConfiguration",
            Self::Limits => "RateLimitConfig",
            Self::AuthFilter => "Filter",
            Self::RuleSet => "RuleSet",
        })
    }
}
