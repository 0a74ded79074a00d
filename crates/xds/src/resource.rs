//! What the server serves: resources, named by type and name, and changes to them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The resource types served.
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
    pub fn type_url(self) -> &'static str {
        match self {
            Self::Cluster => "type.googleapis.com/envoy.config.cluster.v3.Cluster",
            Self::Endpoints => "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
            Self::Secret => "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
            Self::Extension => "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
            Self::Listener => "type.googleapis.com/envoy.config.listener.v3.Listener",
            Self::ScopedRoute => "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration",
            Self::Route => "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
            Self::Limits => "type.googleapis.com/ratelimit.config.ratelimit.v3.RateLimitConfig",
            Self::AuthFilter => "type.googleapis.com/nuncio.auth.v1.Filter",
            Self::RuleSet => "type.googleapis.com/nuncio.auth.v1.RuleSet",
        }
    }

    /// The type of a type URL; `None` for a type that is not served.
    #[must_use]
    pub fn from_type_url(url: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.type_url() == url)
    }

    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// Whether a state-of-the-world response must hold every resource, absence meaning removal.
    ///
    /// Envoy documents this for listeners and clusters, and its scoped-route subscription does the same; services
    /// other than Envoy take what they are sent for all there is.
    pub(crate) fn is_full_state(self) -> bool {
        matches!(self, Self::Cluster | Self::Listener | Self::ScopedRoute) || self.is_for_services()
    }

    /// Whether services other than Envoy ask for this type, and for no other.
    #[must_use]
    pub fn is_for_services(self) -> bool {
        matches!(self, Self::Limits | Self::AuthFilter | Self::RuleSet)
    }

    /// Whether clients ask for this type by name, having seen the name in a resource of another type.
    pub(crate) fn is_by_reference(self) -> bool {
        !self.is_full_state()
    }

    /// Whether a resource of this type is looked up by others while requests are served, so that its
    /// removal waits until nothing refers to it.
    pub(crate) fn is_looked_up(self) -> bool {
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

/// The identity of a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Its type.
    pub kind: ResourceType,
    /// Its name, unique within the type.
    pub name: Arc<str>,
}

impl Key {
    /// A key of a type and a name.
    pub fn new(kind: ResourceType, name: impl Into<Arc<str>>) -> Self {
        Self { kind, name: name.into() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// One version of a resource.
#[derive(Debug, Clone)]
pub struct Resource {
    /// What it is a version of.
    pub key: Key,
    /// Equal versions mean equal content: a resource whose version has not changed is not sent again, not
    /// even to a client that reconnects. Derive it from content, so that it survives a restart.
    pub version: Arc<str>,
    /// The encoded message (`Any.value`), encoded once and shared by all streams.
    pub body: Arc<[u8]>,
    /// What a client must have accepted, in some version, before it is sent this: for a route
    /// configuration the clusters it names, their endpoints and their secrets; for a TCP listener its
    /// clusters. The same list holds back the removal of these. A [`ResourceType::RuleSet`] is what others must have
    /// accepted: every client that asks for such.
    ///
    /// A resource must not need what the client learns of only through the resource itself: a scope does
    /// not need its route configuration. The exception is a cluster, which names its endpoints here if they
    /// are not named like itself. It is not held back for them; they are sent again with each of its
    /// versions, since Envoy warms a changed cluster only when its endpoints arrive. A scope may need what
    /// its route configuration needs, so that it becomes known only when the routes can follow at once.
    pub needs: Vec<Key>,
    /// How long after its own ACK others may rely on it. Zero for most: Envoy 1.40 puts off the ACK over an
    /// aggregated stream until the clusters of the response are warm (seen with EDS clusters). It applies
    /// to a resource that is new to an Envoy that already runs, not to a new version of it (Envoy keeps the
    /// old one until the new one is warm), nor to clusters that an Envoy has acknowledged before it first
    /// asked for listeners (it asks when those are warm).
    pub settle: Duration,
    /// Of a scope or a route configuration: which listeners look requests up in it. Of a listener: in which it looks.
    /// A listener is not sent before a client that has others has all of its class, and those of a class that no
    /// listener has any longer are removed a while after the last one was given up.
    pub class: Option<Arc<str>>,
}

/// A change of what is served.
#[derive(Debug, Clone, Default)]
pub struct Update {
    /// New resources and new versions. One that equals the version served changes nothing.
    pub set: Vec<Resource>,
    /// What no longer exists. A key that is also in `set` is set.
    pub remove: Vec<Key>,
}

/// Counts the updates: the first has revision 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Revision(pub u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
