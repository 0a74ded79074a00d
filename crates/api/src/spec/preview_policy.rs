//! `PreviewPolicy`: what Previews may do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, FilterUse, PreviewAccessMode, PreviewCreators, PreviewRepository};

/// The `spec` of a `PreviewPolicy`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PreviewPolicy {
    /// The instances that take the object; `default` where empty.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub ambassador_id: Vec<String>,
    /// The domain below which every preview has its hosts. Names right below it are for previews alone. Required.
    pub domain: String,
    /// Namespaces in which a Preview counts; `*` is each. Required.
    pub namespaces: Vec<String>,
    /// Hosts that may be entrypoints, as names or globs with one star at either end. Required.
    pub hosts: Vec<String>,
    /// The access modes that a Preview may choose. Required.
    pub access: Vec<PreviewAccessMode>,
    /// What requests pass, in order, for previews that are not `Public`: a login, tokens, keys.
    pub filters: Vec<FilterUse>,
    /// The claim that holds the groups of who was let in; default `groups`.
    #[serde(rename = "groupsClaim")]
    pub groups_claim: Option<String>,
    /// The claim that names who was let in; default `sub`.
    #[serde(rename = "ownerClaim")]
    pub owner_claim: Option<String>,
    /// Who may stand in for a service; default `Services`.
    pub backends: Option<PreviewBackends>,
    /// Which Previews a Preview may include; default `SameNamespace`.
    pub includes: Option<PreviewIncludes>,
    /// Whether those who may change a Preview may have a process of their own stand in for a service, which connects to the
    /// gateway (`tunnel`); default `false`.
    pub tunnels: Option<bool>,
    /// How clients may choose a preview at the entrypoint's own host; default is that they may not.
    pub selectors: Vec<PreviewSelector>,
    /// Headers in which services are told the preview's key, besides `x-nuncio-preview` and `baggage`.
    pub headers: Vec<String>,
    /// Upstreams besides Services and private addresses that are told the key: addresses and names in DNS, or globs of names with
    /// one star at either end.
    #[serde(rename = "trustedUpstreams")]
    pub trusted_upstreams: Vec<String>,
    /// The Secret, in the policy's namespace, of whose `key` the keys and URLs of previews are made; default is
    /// `nuncio-preview-keys`. Where there is none each controller makes keys of its own when it starts, and URLs can be computed.
    #[serde(rename = "secretName")]
    pub secret_name: Option<String>,
    /// How long a Preview is shown that does not say it itself.
    pub ttl: Option<Duration>,
    /// How long a Preview is shown at most, whatever it says.
    #[serde(rename = "maxTTL")]
    pub max_ttl: Option<Duration>,
    /// How long one request to a preview may last, upgraded ones and streams among them, which outlive what let them in; default `1h`.
    #[serde(rename = "maxStream")]
    pub max_stream: Option<Duration>,
    /// Whether services are told the name of a preview besides its key, for the routes of a mesh (`nuncio preview mesh`);
    /// default `false`.
    pub mesh: Option<bool>,
    /// How many Previews of one namespace count, those before others whose names come first; default 100.
    #[serde(rename = "maxPreviews")]
    pub max_previews: Option<u32>,
    /// How many in all; no bound of its own where absent.
    #[serde(rename = "maxPreviewsTotal")]
    pub max_previews_total: Option<u32>,
    /// How many one person may have that he has made by requests; no bound of its own where absent.
    #[serde(rename = "maxPreviewsPerAuthor")]
    pub max_previews_per_author: Option<u32>,
    /// How the URLs of previews begin; default `https`.
    pub scheme: Option<PreviewScheme>,
    /// The port in the URLs of previews; none where absent.
    pub port: Option<u16>,
    /// Who may create, change and delete Previews through the portal, besides repositories; nobody where empty.
    pub creators: Vec<PreviewCreators>,
    /// Repositories whose pull requests have previews.
    pub repositories: Vec<PreviewRepository>,
}

/// How a client may choose a preview.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
pub enum PreviewSelector {
    /// By the preview's name in the header `x-nuncio-preview`.
    Header,
    /// By a cookie that a link sets: for browsers, where an application knows no host but its own.
    Cookie,
}

/// Who may stand in for a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
pub enum PreviewBackends {
    /// Services of the Preview's own namespace.
    #[default]
    Services,
    /// Whatever a Mapping could name.
    Any,
}

/// Which Previews a Preview may include.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
pub enum PreviewIncludes {
    /// Those of its own namespace.
    #[default]
    SameNamespace,
    /// All that the policy allows: who is let into a Preview sees what others may keep from him by theirs.
    AnyNamespace,
}

/// How URLs begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PreviewScheme {
    /// In clear text.
    Http,
    /// Over TLS.
    #[default]
    Https,
}

impl PreviewScheme {
    /// As URLs have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Previews of one namespace, where a policy does not say how many may count.
const MAX_PREVIEWS: u32 = 100;

/// Seconds for which a request may last, where a policy does not say it.
const MAX_STREAM: u64 = 3600;

impl PreviewPolicy {
    /// How many Previews of one namespace count.
    #[must_use]
    pub fn max_previews(&self) -> usize {
        self.max_previews.unwrap_or(MAX_PREVIEWS) as usize
    }

    /// For how many seconds a request may last.
    #[must_use]
    pub fn max_stream(&self) -> u64 {
        self.max_stream.as_ref().map_or(MAX_STREAM, |longest| longest.0.as_secs().max(1))
    }

    /// Whether services are told the names of previews.
    #[must_use]
    pub fn tells_names(&self) -> bool {
        self.mesh == Some(true)
    }

    /// Whether processes of developers may stand in for services.
    #[must_use]
    pub fn allows_tunnels(&self) -> bool {
        self.tunnels == Some(true)
    }

    /// Whether Previews may include those of other namespaces.
    #[must_use]
    pub fn allows_foreign_includes(&self) -> bool {
        self.includes == Some(PreviewIncludes::AnyNamespace)
    }

    /// Whether clients may choose a preview in this way.
    #[must_use]
    pub fn selects_by(&self, selector: PreviewSelector) -> bool {
        self.selectors.contains(&selector)
    }

    /// Whether Previews of a namespace count.
    #[must_use]
    pub fn takes_namespace(&self, namespace: &str) -> bool {
        self.namespaces.iter().any(|name| name == "*" || name == namespace)
    }

    /// The URL of a host of a preview.
    #[must_use]
    pub fn url(&self, host: &str) -> String {
        format!("{}/", self.origin(host))
    }

    /// The same without the slash at the end.
    #[must_use]
    pub fn origin(&self, host: &str) -> String {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{host}{port}", self.url_scheme())
    }

    /// How URLs begin.
    #[must_use]
    pub fn url_scheme(&self) -> &'static str {
        self.scheme.unwrap_or_default().as_str()
    }
}
