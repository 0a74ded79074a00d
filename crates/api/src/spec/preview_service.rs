//! A service that a `Preview` replaces, and who stands in for it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ServiceRef;

/// A service that is replaced. Both are named as a Mapping names its `service`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PreviewedService {
    /// Whose requests go elsewhere: `host[.namespace][:port]`, every port where none is said. Required.
    pub baseline: ServiceRef,
    /// Who gets them: `[scheme://]host[.namespace][:port]`. Required, unless `tunnel` stands instead.
    #[serde(skip_serializing_if = "ServiceRef::is_absent")]
    pub backend: ServiceRef,
    /// Which of its requests, where not all; the baseline gets the others.
    #[serde(rename = "match")]
    pub matches: Option<PreviewMatch>,
    /// The process gets them for which somebody runs `nuncio preview serve`; default `false`.
    pub tunnel: Option<bool>,
    /// What happens while there is nobody behind `backend`; default `Fail`.
    #[serde(rename = "whenMissing")]
    pub when_missing: Option<WhenMissing>,
    /// Where its OpenAPI document is, which is compared with the baseline's; default is the place of the baseline's.
    pub docs: Option<PreviewDocs>,
}

impl PreviewedService {
    /// Whether somebody's own process stands in, who connects to the gateway.
    #[must_use]
    pub fn is_tunnel(&self) -> bool {
        self.tunnel == Some(true)
    }

    /// Whether the same happens to requests by both: where their documents are changes nothing of that.
    #[must_use]
    pub fn sends_as(&self, other: &Self) -> bool {
        let without_docs = |service: &Self| Self { docs: None, ..service.clone() };
        without_docs(self) == without_docs(other)
    }
}

/// Where the OpenAPI document is of who stands in for a service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PreviewDocs {
    /// Its path, as `backend` itself knows it: `/openapi.json`.
    pub path: Option<String>,
    /// None is asked for, and nothing is compared; default `false`.
    pub ignored: Option<bool>,
}

/// Which requests of a service are meant: those for which all holds that is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PreviewMatch {
    /// Their path begins so, as clients send it: `/cart/items`.
    pub prefix: Option<String>,
    /// Their method: `GET`.
    pub method: Option<String>,
    /// Headers that they have, with just these values.
    pub headers: BTreeMap<String, String>,
}

impl std::fmt::Display for PreviewMatch {
    /// `GET /cart/items* x-tenant: acme`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let prefix = self.prefix.iter().map(|prefix| format!("{prefix}*"));
        let headers = self.headers.iter().map(|(name, value)| format!("{name}: {value}"));
        let words: Vec<_> = self.method.iter().cloned().chain(prefix).chain(headers).collect();
        f.write_str(&words.join(" "))
    }
}

/// What happens to the requests of a service that is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
pub enum WhenMissing {
    /// They are answered 503.
    #[default]
    Fail,
    /// The baseline gets them.
    Baseline,
}
