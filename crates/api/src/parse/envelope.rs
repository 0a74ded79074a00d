//! What every object has around its `spec`: version, kind and metadata.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::duration::instant;
use crate::object::{GATEWAY_GROUP, GROUP, OWN_GROUP};
use crate::text::closest;
use crate::yaml::{De, DeError, Mark, Node, Passed, Path, Value};
use crate::{Guard, Kind};
use serde::Deserialize;

/// Kinds of `getambassador.io` that Nuncio is to have and does not yet.
const LATER: [&str; 3] = ["ConsulResolver", "LogService", "TracingService"];

/// Kinds of either group that Nuncio does not have, and by which the original keeps requests out.
const GUARDS_OF_LATER: [&str; 4] =
    ["EnvoyFilter", "EnvoyFilterPolicy", "WebApplicationFirewall", "WebApplicationFirewallPolicy"];

/// What an object is, by its `apiVersion` and `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// One that is read, in this version.
    Known(Kind, Version),
    /// A `List` of objects.
    List,
    /// An Ingress in a version that no API server has any more: nothing is read of it but its annotations.
    OldIngress,
    /// Endpoints of a Service, which Kubernetes has EndpointSlices for now.
    OldEndpoints,
    /// A kind of `getambassador.io` that comes later.
    Later,
    /// One of them by which requests are kept out.
    GuardOfLater,
    /// A kind that `getambassador.io` does not have.
    UnknownKind,
    /// A kind that is known in a version that is not.
    UnknownVersion(Option<Kind>),
    /// A group that was evidently meant to be ours, or is missing.
    UnknownGroup,
    /// Someone else's.
    Foreign,
}

/// The versions of our kinds that differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// The one that everything is brought to.
    Current,
    /// `v1` and `v2`.
    Old,
    /// `v1alpha1` of `gateway.getambassador.io`.
    Gateway,
}

/// Finds out what an object is. Annotations may say `ambassador/v1` instead of `getambassador.io/v1`.
pub(super) fn classify(api_version: &str, kind: &str, annotated: bool) -> Class {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    match (group, version, kind) {
        (GROUP, _, _) => ours(version, kind),
        (GATEWAY_GROUP, _, _) => gateway(version, kind),
        (OWN_GROUP, _, _) if !annotated => own(version, kind),
        ("ambassador", _, _) if annotated => ours(version, kind),
        _ if annotated => Class::Foreign,
        ("", "v1", "Service") => Class::Known(Kind::Service, Version::Current),
        ("", "v1", "Secret") => Class::Known(Kind::Secret, Version::Current),
        ("discovery.k8s.io", "v1", "EndpointSlice") => Class::Known(Kind::EndpointSlice, Version::Current),
        ("", "v1", "Endpoints") => Class::OldEndpoints,
        ("networking.k8s.io", "v1", "Ingress") => Class::Known(Kind::Ingress, Version::Current),
        ("networking.k8s.io", "v1", "IngressClass") => Class::Known(Kind::IngressClass, Version::Current),
        ("networking.k8s.io" | "extensions", _, "Ingress") => Class::OldIngress,
        ("", "v1", "List" | "ServiceList" | "SecretList") => Class::List,
        ("discovery.k8s.io", "v1", "EndpointSliceList")
        | ("networking.k8s.io", _, "IngressList" | "IngressClassList") => Class::List,
        // Kubernetes' own group has none of our kinds.
        ("", _, _) if Kind::from_name(kind).is_some_and(Kind::is_ours) => Class::UnknownGroup,
        // What only annotations may say.
        ("ambassador", _, _) => Class::UnknownGroup,
        _ if is_slip_of(group) => Class::UnknownGroup,
        _ => Class::Foreign,
    }
}

/// Whether an `apiVersion` is of our group, or was evidently meant to be.
pub(crate) fn is_of_our_group(api_version: &str) -> bool {
    let group = api_version.split('/').next().unwrap_or_default();
    group == GROUP || is_slip_of(group)
}

/// Whether a group is ours with a slip of the pen in it. Any other is somebody's.
fn is_slip_of(group: &str) -> bool {
    !group.ends_with(".getambassador.io") && closest(group, &[GROUP]).is_some()
}

/// Of the newer group only what login needs is known. Nuncio speaks of one sort of Filter: a policy of either group may
/// name a Filter of either.
fn gateway(version: &str, kind: &str) -> Class {
    let name = kind.strip_suffix("List").unwrap_or(kind);
    let known = Kind::of_group(GATEWAY_GROUP, name);
    match (known, version) {
        (Some(_), _) if name != kind => Class::List,
        (Some(kind), "v1alpha1") => Class::Known(kind, Version::Gateway),
        (Some(kind), _) => Class::UnknownVersion(Some(kind)),
        (None, _) if GUARDS_OF_LATER.contains(&kind) => Class::GuardOfLater,
        (None, _) if Guard::meant(kind).is_some() => Class::UnknownKind,
        (None, _) => Class::Foreign,
    }
}

/// What Nuncio alone has: a kind that is not known is a slip.
fn own(version: &str, kind: &str) -> Class {
    let name = kind.strip_suffix("List").unwrap_or(kind);
    match (Kind::of_group(OWN_GROUP, name), version) {
        (Some(_), _) if name != kind => Class::List,
        (Some(kind), "v1alpha1") => Class::Known(kind, Version::Current),
        (Some(kind), _) => Class::UnknownVersion(Some(kind)),
        (None, _) => Class::UnknownKind,
    }
}

fn ours(version: &str, kind: &str) -> Class {
    let known = Kind::of_group(GROUP, kind);
    let version = match version {
        "v3alpha1" => Some(Version::Current),
        "v1" | "v2" => Some(Version::Old),
        // Edge Stack's own kinds had these before.
        "v1beta1" | "v1beta2" if matches!(known, Some(Kind::RateLimit | Kind::Filter | Kind::FilterPolicy)) => {
            Some(Version::Old)
        }
        _ => None,
    };
    match (known, version) {
        (Some(kind), Some(version)) => Class::Known(kind, version),
        (known, None) => Class::UnknownVersion(known),
        (None, Some(_)) if LATER.contains(&kind) => Class::Later,
        (None, Some(_)) if GUARDS_OF_LATER.contains(&kind) => Class::GuardOfLater,
        (None, Some(_)) if kind.strip_suffix("List").and_then(Kind::from_name).is_some_and(Kind::is_ours) => {
            Class::List
        }
        (None, Some(_)) => Class::UnknownKind,
    }
}

/// An object's metadata, as far as it matters here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Metadata {
    pub(super) name: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) labels: BTreeMap<String, String>,
}

impl Metadata {
    /// Reads `metadata` of an object; with its name where that much could be read.
    pub(super) fn read(root: &Node<'_>) -> Result<Self, DeError> {
        let whole = Path::Root;
        let path = whole.key("metadata");
        let node = root.get("metadata");
        let passed = Passed::foreign();
        match node {
            Some(node) => Self::deserialize(De::new(node, &path, &passed)),
            None => Ok(Self::default()),
        }
    }
}

/// What an API server gives of an object. What else stands in its metadata is passed over.
#[derive(Default)]
pub(super) struct Given {
    pub(super) generation: Option<i64>,
    pub(super) uid: Option<Arc<str>>,
    /// Seconds since 1970.
    pub(super) created: Option<u64>,
}

impl Given {
    pub(super) fn of(root: &Node<'_>) -> Self {
        let Some(metadata) = root.get("metadata") else { return Self::default() };
        let generation = metadata.get("generation").and_then(|node| match &node.value {
            Value::Plain(number) => number.parse().ok(),
            _ => None,
        });
        let text = |name: &str| metadata.get(name).and_then(|node| node.as_text());
        let created = text("creationTimestamp").and_then(instant);
        Self { generation, uid: text("uid").map(Arc::from), created }
    }
}

/// The names of an object whose metadata is partly wrong: each is there if it is text.
pub(super) fn names(root: &Node<'_>) -> Metadata {
    let text = |key| root.get("metadata")?.get(key)?.as_text().map(str::to_owned);
    Metadata { name: text("name"), namespace: text("namespace"), labels: BTreeMap::new() }
}

/// What an object is called whose kind is none of ours.
pub(super) fn called(root: &Node<'_>, namespace: &str) -> String {
    let names = names(root);
    let name = names.name.map(|name| format!("{}/{name}", names.namespace.as_deref().unwrap_or(namespace)));
    name.unwrap_or_else(|| "the object".to_owned())
}

/// The same with its kind, if it has one, as it may be shown on a terminal.
pub(super) fn title(root: &Node<'_>, namespace: &str) -> Option<String> {
    let kind = top(root, "kind").0?;
    let is_named = names(root).name.is_some();
    let title = if is_named { format!("{kind} {}", called(root, namespace)) } else { kind.to_owned() };
    let visible = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    Some(title.chars().map(visible).collect())
}

/// The text of an annotation.
pub(super) fn annotation<'n>(root: &'n Node<'_>, key: &str) -> Option<&'n str> {
    root.get("metadata")?.get("annotations")?.get(key)?.as_text()
}

/// What annotations of ours begin with.
const OWN_ANNOTATIONS: &str = "nuncio.dev/";

/// The annotations of ours that are text.
pub(super) fn own_annotations(root: &Node<'_>) -> BTreeMap<String, String> {
    let Some(annotations) = root.get("metadata").and_then(|metadata| metadata.get("annotations")) else {
        return BTreeMap::new();
    };
    let Value::Map(entries) = &annotations.value else { return BTreeMap::new() };
    let own = entries.iter().filter(|entry| entry.key.starts_with(OWN_ANNOTATIONS));
    own.filter_map(|entry| Some((entry.key.to_string(), entry.node.as_text()?.to_owned()))).collect()
}

/// The text of a field at the top of an object, and where it stands.
pub(super) fn top<'n>(root: &'n Node<'_>, key: &str) -> (Option<&'n str>, Mark) {
    match root.get(key) {
        Some(node) => (node.as_text().filter(|text| !text.is_empty()), node.mark),
        None => (None, root.mark),
    }
}
