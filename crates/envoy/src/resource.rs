//! What is sent to Envoy.

use std::sync::Arc;
use std::time::Duration;

use nuncio_ir::auth::RuleSetId;
use nuncio_ir::{ClusterName, ResourceType, Version};
use prost::{Message, Name};

use envoy_types::pb::envoy::config::{
    cluster::v3::Cluster,
    core::v3::TypedExtensionConfig,
    endpoint::v3::ClusterLoadAssignment,
    listener::v3::Listener,
    route::v3::{RouteConfiguration, ScopedRouteConfiguration},
};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::Secret;
use envoy_types::pb::ratelimit::config::ratelimit::v3::RateLimitConfig;

/// A message that is sent as a resource of its own.
pub(crate) trait XdsMessage: Message + Name {
    const KIND: ResourceType;
}

macro_rules! xds_message {
    ($($message:ty => $kind:ident),+ $(,)?) => {
        $(impl XdsMessage for $message {
            const KIND: ResourceType = ResourceType::$kind;
        })+
    };
}

xds_message! {
    Cluster => Cluster,
    ClusterLoadAssignment => Endpoints,
    Secret => Secret,
    TypedExtensionConfig => Extension,
    Listener => Listener,
    ScopedRouteConfiguration => ScopedRoute,
    RouteConfiguration => Route,
    RateLimitConfig => Limits,
}

/// A resource, ready to be sent to any number of Envoys.
#[derive(Clone, PartialEq, Eq)]
pub struct Resource {
    /// Type.
    pub kind: ResourceType,
    /// Name, unique in its type.
    pub name: Arc<str>,
    /// Content. Resources of equal versions do the same, though their bytes may differ.
    pub version: Version,
    /// The encoded message: the `value` of its `Any`.
    pub body: Vec<u8>,
    /// What must have been acknowledged before this is sent. Of clusters only these are listed; whether a
    /// cluster in turn needs its endpoints is for the caller to say, who knows its discovery.
    pub needs: Vec<(ResourceType, Arc<str>)>,
    /// How long Envoy goes on warming after its ACK; what needs this resource waits for so long.
    pub settle: Duration,
}

impl std::fmt::Debug for Resource {
    /// Without the body, which may hold a private key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resource")
            .field("kind", &self.kind)
            .field("name", &self.name)
            .field("version", &self.version)
            .field("bytes", &self.body.len())
            .field("needs", &self.needs)
            .field("settle", &self.settle)
            .finish()
    }
}

impl Resource {
    /// `message` under `name`, needing nothing.
    pub(crate) fn new<M: XdsMessage>(name: &Arc<str>, version: Version, message: &M) -> Self {
        Self {
            kind: M::KIND,
            name: Arc::clone(name),
            version,
            body: message.encode_to_vec(),
            needs: Vec::new(),
            settle: Duration::ZERO,
        }
    }

    /// The same, to be sent once those who decide by these sets of rules have them.
    pub(crate) fn needing_rules(mut self, sets: Vec<RuleSetId>) -> Self {
        self.needs.extend(sets.into_iter().map(|id| (ResourceType::RuleSet, id.0)));
        self
    }

    /// The same, to be sent after `clusters`.
    pub(crate) fn needing(mut self, clusters: Vec<ClusterName>) -> Self {
        self.needs.extend(clusters.into_iter().map(|name| (ResourceType::Cluster, name.0)));
        self
    }
}
