//! What the controller tells: of its answers, what a portal needs.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A list.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    pub(super) items: Vec<ServedApi>,
}

/// Something that sends requests to a service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct ServedApi {
    pub(crate) kind: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// What annotations of ours say of it.
    #[serde(default)]
    pub(crate) annotations: BTreeMap<String, String>,
    /// Whether the DevPortal in force shows it.
    #[serde(default = "yes")]
    pub(crate) selected: bool,
    pub(crate) docs: Option<Docs>,
    pub(crate) path: Path,
    pub(crate) rewrite: Option<Rewrite>,
    pub(crate) method: Option<String>,
    pub(crate) conditions: Vec<String>,
    pub(crate) hosts: Vec<PublicHost>,
    pub(crate) upstream: Upstream,
    pub(crate) rules: Vec<String>,
    pub(crate) asks_auth_service: bool,
    pub(crate) timeout_ms: u64,
}

/// The kind of what says that there is an API which no Mapping names.
pub(crate) const DEV_PORTAL: &str = "DevPortal";

impl ServedApi {
    /// Whether a DevPortal names it, and no route leads there.
    pub(crate) fn is_by_hand(&self) -> bool {
        self.kind == DEV_PORTAL
    }

    /// The groups that it is for; none where it is for everybody.
    pub(crate) fn visible_to(&self) -> Option<&[String]> {
        self.docs.as_ref()?.visible_to.as_deref()
    }
}

fn yes() -> bool {
    true
}

/// Where the document is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Docs {
    /// As the service itself knows it.
    pub(crate) path: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) ignored: bool,
    pub(crate) display_name: Option<String>,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) invalid: Option<String>,
    /// The groups that it is for; none where it is for everybody.
    pub(crate) visible_to: Option<Vec<String>>,
}

/// A condition on the path.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "lowercase")]
pub(crate) enum Path {
    Prefix(String),
    Segments(String),
    Exact(String),
    Regex(String),
}

impl Path {
    /// As it is written.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Prefix(text) | Self::Segments(text) | Self::Exact(text) | Self::Regex(text) => text,
        }
    }
}

/// A change of the path.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "lowercase")]
pub(crate) enum Rewrite {
    Matched(String),
    Full(String),
    Regex(String),
}

/// A name that clients use.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct PublicHost {
    pub(crate) host: String,
    pub(crate) urls: Vec<String>,
}

/// The service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Upstream {
    pub(crate) service: String,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) names: Vec<String>,
    pub(crate) tls: Option<UpstreamTls>,
    pub(crate) host: Option<String>,
}

/// Where requests go.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Endpoint {
    pub(crate) address: String,
}

/// How connections to the service are encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct UpstreamTls {
    pub(crate) sni: Option<String>,
    /// By which the service is verified; by nothing where there are none.
    #[serde(default)]
    pub(crate) authorities: Option<String>,
    /// What is shown to it.
    #[serde(default)]
    pub(crate) certificate: Option<String>,
}
