//! What the DevPortal in force says.

use serde::Deserialize;

/// What is shown, and how. By default, everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct PortalSpec {
    /// The object that says so.
    pub(crate) id: Option<SpecId>,
    pub(crate) content_url: Option<String>,
    pub(crate) content_dir: Option<String>,
    pub(crate) docs: Vec<StaticDocs>,
    pub(crate) naming: Naming,
    pub(crate) search: Scope,
    pub(crate) preserve_servers: bool,
}

/// Names a DevPortal.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct SpecId {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// An API that no Mapping names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct StaticDocs {
    pub(crate) service: String,
    pub(crate) url: String,
    pub(crate) timeout_ms: Option<u64>,
}

/// What an API is called beside its title.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Naming {
    /// Namespace and name of its Mapping.
    #[default]
    Namespace,
    /// Name and prefix of its Mapping.
    Prefix,
}

/// What can be searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scope {
    Off,
    /// Titles of APIs and pages.
    Titles,
    #[default]
    All,
}

impl std::fmt::Display for SpecId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DevPortal {}/{}", self.namespace, self.name)
    }
}
