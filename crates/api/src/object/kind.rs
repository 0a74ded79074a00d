//! The kinds of objects, and the API groups that they are of.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The API group of our kinds.
pub(crate) const GROUP: &str = "getambassador.io";

/// Edge Stack's newer group, which has Filters and FilterPolicies in another form.
pub(crate) const GATEWAY_GROUP: &str = "gateway.getambassador.io";

/// The group of what Nuncio alone has.
pub(crate) const OWN_GROUP: &str = "nuncio.dev";

/// The kinds of objects that Nuncio reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each variant is the Kubernetes kind of the same name")]
pub enum Kind {
    Mapping,
    TCPMapping,
    Host,
    Listener,
    Module,
    TLSContext,
    AuthService,
    KubernetesServiceResolver,
    KubernetesEndpointResolver,
    Service,
    EndpointSlice,
    Secret,
    Ingress,
    IngressClass,
    RateLimitService,
    RateLimit,
    Filter,
    FilterPolicy,
    /// `Filter` of `gateway.getambassador.io`: another object than one of the same name in `getambassador.io`.
    #[serde(rename = "Filter.gateway.getambassador.io")]
    GatewayFilter,
    /// `FilterPolicy` of `gateway.getambassador.io`.
    #[serde(rename = "FilterPolicy.gateway.getambassador.io")]
    GatewayFilterPolicy,
    Preview,
    PreviewPolicy,
    DevPortal,
}

impl Kind {
    /// The kind as it is written in a manifest.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mapping => "Mapping",
            Self::TCPMapping => "TCPMapping",
            Self::Host => "Host",
            Self::Listener => "Listener",
            Self::Module => "Module",
            Self::TLSContext => "TLSContext",
            Self::AuthService => "AuthService",
            Self::KubernetesServiceResolver => "KubernetesServiceResolver",
            Self::KubernetesEndpointResolver => "KubernetesEndpointResolver",
            Self::Service => "Service",
            Self::EndpointSlice => "EndpointSlice",
            Self::Secret => "Secret",
            Self::Ingress => "Ingress",
            Self::IngressClass => "IngressClass",
            Self::RateLimitService => "RateLimitService",
            Self::RateLimit => "RateLimit",
            Self::Filter | Self::GatewayFilter => "Filter",
            Self::FilterPolicy | Self::GatewayFilterPolicy => "FilterPolicy",
            Self::Preview => "Preview",
            Self::PreviewPolicy => "PreviewPolicy",
            Self::DevPortal => "DevPortal",
        }
    }

    /// The kind after its article: `a Host`, `an Ingress`.
    pub(crate) fn with_article(self) -> String {
        let kind = self.as_str();
        let article = if kind.starts_with(['A', 'E', 'I', 'O', 'U']) { "an" } else { "a" };
        format!("{article} {kind}")
    }

    /// Every kind.
    pub const ALL: [Self; 23] = [
        Self::Mapping,
        Self::TCPMapping,
        Self::Host,
        Self::Listener,
        Self::Module,
        Self::TLSContext,
        Self::AuthService,
        Self::KubernetesServiceResolver,
        Self::KubernetesEndpointResolver,
        Self::Service,
        Self::EndpointSlice,
        Self::Secret,
        Self::Ingress,
        Self::IngressClass,
        Self::RateLimitService,
        Self::RateLimit,
        Self::Filter,
        Self::FilterPolicy,
        Self::GatewayFilter,
        Self::GatewayFilterPolicy,
        Self::Preview,
        Self::PreviewPolicy,
        Self::DevPortal,
    ];

    /// The kind that is written so; that of `getambassador.io` where there are two.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The kind of an API group that is written so.
    #[must_use]
    pub fn of_group(group: &str, name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.group() == group && kind.as_str() == name)
    }

    /// The API group; empty for the core group.
    #[must_use]
    pub fn group(self) -> &'static str {
        match self {
            Self::Service | Self::Secret => "",
            Self::EndpointSlice => "discovery.k8s.io",
            Self::Ingress | Self::IngressClass => "networking.k8s.io",
            Self::GatewayFilter | Self::GatewayFilterPolicy => GATEWAY_GROUP,
            Self::Preview | Self::PreviewPolicy => OWN_GROUP,
            _ => GROUP,
        }
    }

    /// Whether it is a kind of Ambassador's groups or of Nuncio's, and none of Kubernetes' own.
    #[must_use]
    pub fn is_ours(self) -> bool {
        matches!(self.group(), GROUP | GATEWAY_GROUP | OWN_GROUP)
    }

    /// Whether clusters of Emissary do not know it: Edge Stack or Nuncio alone has it.
    #[must_use]
    pub fn is_unknown_to_emissary(self) -> bool {
        matches!(self, Self::RateLimit | Self::DevPortal)
            || self.is_filter()
            || self.is_filter_policy()
            || self.group() == OWN_GROUP
    }

    /// Whether it is a Filter, of either group.
    #[must_use]
    pub fn is_filter(self) -> bool {
        matches!(self, Self::Filter | Self::GatewayFilter)
    }

    /// Whether its `spec` says with every one of its fields who is let in.
    #[must_use]
    pub fn is_gate(self) -> bool {
        self.is_filter_policy()
            || matches!(self, Self::Filter | Self::GatewayFilter | Self::Preview | Self::PreviewPolicy)
    }

    /// Whether it is a `FilterPolicy`, of either group.
    #[must_use]
    pub fn is_filter_policy(self) -> bool {
        matches!(self, Self::FilterPolicy | Self::GatewayFilterPolicy)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_their_article() {
        let said = [Kind::Host, Kind::AuthService, Kind::Ingress, Kind::TLSContext].map(Kind::with_article);
        assert_eq!(said, ["a Host", "an AuthService", "an Ingress", "a TLSContext"]);
    }
}
