//! What every object has: its kind, its identity, where it was written and what is wrong with it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Spec;
use crate::duration::instant;

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

/// Names one object: no two objects of a world share it. Ordered by kind, name, then namespace,
/// which is the order in which equal claims are settled.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ObjectId {
    /// Kind of the object.
    pub kind: Kind,
    /// `metadata.name`.
    pub name: Arc<str>,
    /// `metadata.namespace`, or the namespace that the source gives to objects without one.
    pub namespace: Arc<str>,
}

impl ObjectId {
    /// The id of the object `kind` `namespace/name`.
    pub fn new(kind: Kind, namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { kind, name: name.into(), namespace: namespace.into() }
    }
}

/// `Mapping shop/cart`.
impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A place in a file. Lines and columns count from one; both are 0 of what came from an API server and has no lines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Location {
    /// The file, as the user would name it.
    pub file: Arc<str>,
    /// Line, from 1; 0 where there are none.
    pub line: u32,
    /// Column, from 1; 0 where there are none.
    pub column: u32,
}

impl Location {
    /// Whether there are lines at all.
    #[must_use]
    pub fn has_lines(&self) -> bool {
        self.line > 0
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.has_lines() {
            true => write!(f, "{}:{}:{}", self.file, self.line, self.column),
            false => f.write_str(&self.file),
        }
    }
}

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The object, or the named part of it, does not serve.
    Error,
    /// It serves, but not all of what is written has an effect.
    Warning,
}

/// Something that is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// Whether the object still serves.
    pub severity: Severity,
    /// A stable `CamelCase` word for programs, usable as the reason of a condition.
    pub reason: &'static str,
    /// One sentence for people: what is wrong and, where it is known, what would be right.
    pub message: String,
    /// The field it is about, as a dotted path (`spec.retry_policy.num_retries`); empty for the whole object.
    pub field: String,
}

impl Problem {
    /// An error: the object or the field does not serve.
    pub fn error(reason: &'static str, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, reason, message: message.into(), field: field.into() }
    }

    /// The same, with the field as it is written in objects of this kind.
    #[must_use]
    pub fn as_written_in(self, kind: Kind) -> Self {
        match kind.group() {
            GATEWAY_GROUP => Self { field: crate::parse::gateway::as_written(&self.field), ..self },
            _ => self,
        }
    }

    /// A warning: it serves, but not wholly as written.
    pub fn warning(reason: &'static str, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, reason, message: message.into(), field: field.into() }
    }
}

/// Shows no control characters of the manifest: they would write to the terminal.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let visible = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
        let field: String = self.field.chars().map(visible).collect();
        let message: String = self.message.chars().map(visible).collect();
        if field.is_empty() { f.write_str(&message) } else { write!(f, "{field}: {message}") }
    }
}

/// An object as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Which object it is.
    pub id: ObjectId,
    /// Where it begins: its document, or the annotation that holds it.
    pub location: Location,
    /// `metadata.labels`; of an object in an annotation those of its carrier.
    pub labels: BTreeMap<String, String>,
    /// Its annotations that begin with `nuncio.dev/`; of an object in an annotation those of its carrier.
    pub annotations: BTreeMap<String, String>,
    /// The instances that take it; `["default"]` where it does not say.
    pub ambassador_id: Vec<String>,
    /// What it says.
    pub spec: Spec,
    /// What is wrong with it, each with its place.
    pub problems: Vec<(Problem, Location)>,
    /// `metadata.generation`, which an API server counts up with each change of what is wanted; none in a file, nor of
    /// an object in an annotation.
    pub generation: Option<i64>,
    /// `metadata.uid`, where an API server gave one.
    pub uid: Option<Arc<str>>,
    /// `metadata.creationTimestamp` in seconds since 1970, where it was given.
    pub created: Option<u64>,
    /// It came from the annotation `getambassador.io/config` of another object.
    pub annotated: bool,
}

impl Object {
    /// The annotation with the time at which a request last changed an object: `2026-12-24T18:00:00Z`.
    pub const CHANGED: &'static str = "nuncio.dev/changed";

    /// The annotation with the time at which some replica last noticed that somebody asks for a Preview.
    pub const ASKED: &'static str = "nuncio.dev/asked";

    /// When somebody last asked for a Preview, as some replica has noted, in seconds since 1970.
    #[must_use]
    pub fn asked(&self) -> Option<u64> {
        instant(self.annotations.get(Self::ASKED)?)
    }

    /// When a request last changed it, in seconds since 1970; none where no request did.
    #[must_use]
    pub fn changed(&self) -> Option<u64> {
        instant(self.annotations.get(Self::CHANGED)?)
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
