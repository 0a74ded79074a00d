//! `Preview`: some services replaced by others, at URLs of its own; and `PreviewPolicy`, which says what Previews may do.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, FilterUse, PreviewCreators, PreviewRepository, PreviewSource};
use crate::duration::instant;
use crate::{Kind, ObjectId, ServiceRef};

/// The `spec` of a `Preview`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Preview {
    /// The instances that take the object; `default` where empty.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub ambassador_id: Vec<String>,
    /// What it is called in its URLs: lower-case letters, digits and single dashes, at most 28; default is made of the object's name.
    pub slug: Option<String>,
    /// What is replaced: at most 32 services. Required, unless it includes others.
    pub services: Vec<PreviewedService>,
    /// Other Previews, at most 16, whose services are replaced in this one as well.
    pub includes: Vec<PreviewInclude>,
    /// Where it can be seen: 1 to 16 hosts of the gateway. Required.
    pub entrypoints: Vec<PreviewEntrypoint>,
    /// Who may see it. Required.
    pub access: Option<PreviewAccess>,
    /// How long it is shown; default is what the `PreviewPolicy` says, or as long as it is there.
    pub lifetime: Option<PreviewLifetime>,
    /// What it is of: told of, and for the comment on a pull request.
    pub source: Option<PreviewSource>,
}

/// How long a preview is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PreviewLifetime {
    /// For so long: `72h`.
    pub ttl: Option<Duration>,
    /// From when `ttl` counts; default `Created`.
    pub from: Option<PreviewLifetimeFrom>,
    /// No longer than so long after somebody last asked for it.
    pub idle: Option<Duration>,
    /// Until this time, whatever `ttl` says: `2026-12-24T18:00:00Z`.
    #[serde(rename = "expiresAt")]
    pub expires_at: Option<String>,
}

/// From when the time of a preview counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
pub enum PreviewLifetimeFrom {
    /// From when the object was created; where nobody says when, from when it was last seen to change.
    #[default]
    Created,
    /// From when a request last changed it; where none did, from when it was last seen to change.
    Changed,
}

impl PreviewLifetime {
    /// The time of `expiresAt`, in seconds since 1970.
    #[must_use]
    pub fn end(&self) -> Option<u64> {
        instant(self.expires_at.as_deref()?)
    }
}

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

/// A Preview whose services are replaced in another as well, and those of the ones that it includes itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PreviewInclude {
    /// Its name. Required.
    pub name: String,
    /// Its namespace; default is that of the Preview which includes it, and others are for the `PreviewPolicy` to allow.
    pub namespace: Option<String>,
    /// What happens while it has ended, or may not be: with `Fail`, the default, requests of its services are answered 503, and all
    /// requests where nobody knows which those are; with `Baseline` its services are those of the baseline.
    #[serde(rename = "whenMissing")]
    pub when_missing: Option<WhenMissing>,
}

impl PreviewInclude {
    /// Which object it is, in a Preview of this namespace.
    #[must_use]
    pub fn id(&self, namespace: &Arc<str>) -> ObjectId {
        let own = self.namespace.as_deref().filter(|own| !own.is_empty());
        ObjectId::new(Kind::Preview, own.map_or_else(|| Arc::clone(namespace), Arc::from), self.name.as_str())
    }

    /// Whether the baseline takes its place.
    #[must_use]
    pub fn may_be_missing(&self) -> bool {
        self.when_missing == Some(WhenMissing::Baseline)
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

/// A host of the gateway at which a preview can be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PreviewEntrypoint {
    /// What the URL begins with: lower-case letters, digits and single dashes, at most 16 and not just two. Required.
    pub name: String,
    /// The host whose routes it has. Required.
    pub host: String,
}

/// Who may see a preview.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PreviewAccess {
    /// Required.
    pub mode: Option<PreviewAccessMode>,
    /// With `Members`: who is in one of these is let in.
    pub groups: Vec<String>,
    /// With `Owner`: who is let in, as the policy's `ownerClaim` names people.
    pub owner: Option<String>,
    /// With `ShareLink`: links of this number are good, those of all others are not; default 0. Another number ends all links
    /// that there are.
    pub generation: Option<u32>,
}

impl PreviewAccess {
    /// Whether all whom `other` lets in are let in by this as well. Links are for who makes them to give away: with a link to
    /// what includes another one sees that, too.
    #[must_use]
    pub fn takes_all_of(&self, other: &Self) -> bool {
        use PreviewAccessMode::{Authenticated, Members, Owner, Public, ShareLink};
        match (self.mode, other.mode) {
            (Some(Public), _) | (Some(ShareLink), Some(ShareLink)) => true,
            (Some(Authenticated), Some(mode)) => mode.asks_filters(),
            (Some(Members), Some(Members)) => other.groups.iter().all(|group| self.groups.contains(group)),
            (Some(Owner), Some(Owner)) => self.owner == other.owner,
            _ => false,
        }
    }
}

/// Who may see a preview.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
pub enum PreviewAccessMode {
    /// Whoever knows its URL.
    Public,
    /// Whoever passes the Filters of the `PreviewPolicy`.
    Authenticated,
    /// Of those, whoever is in one of the groups.
    Members,
    /// Of those, its owner alone.
    Owner,
    /// Whoever has followed a link to it that was signed here and is not over.
    ShareLink,
}

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

impl PreviewAccessMode {
    /// Whether who comes passes the Filters of the policy.
    #[must_use]
    pub fn asks_filters(self) -> bool {
        matches!(self, Self::Authenticated | Self::Members | Self::Owner)
    }
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
        let scheme = match self.scheme.unwrap_or_default() {
            PreviewScheme::Http => "http",
            PreviewScheme::Https => "https",
        };
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{scheme}://{host}{port}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_takes_in_another_only_if_it_keeps_out_nobody_of_it() {
        let of = |text: &str| {
            let (mode, named) = text.split_once(' ').unwrap_or((text, ""));
            let named: Vec<_> = named.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
            let owner = named.first().cloned().filter(|_| mode == "Owner");
            let mode = serde_json::from_value(mode.into()).unwrap();
            PreviewAccess { mode: Some(mode), groups: named, owner, generation: None }
        };
        for (part, whole, expected) in [
            ("Public", "Public", true),
            ("Public", "Owner ann", true),
            ("Public", "ShareLink", true),
            ("Authenticated", "Authenticated", true),
            ("Authenticated", "Members a", true),
            ("Authenticated", "Owner ann", true),
            ("Authenticated", "Public", false),
            ("Authenticated", "ShareLink", false),
            ("Members a,b", "Members a", true),
            ("Members a", "Members a,b", false),
            ("Members a", "Authenticated", false),
            ("Members a", "Owner ann", false),
            ("Members a", "Public", false),
            ("Owner ann", "Owner ann", true),
            ("Owner ann", "Owner bob", false),
            ("Owner ann", "Members a", false),
            ("ShareLink", "ShareLink", true),
            ("ShareLink", "Public", false),
            ("ShareLink", "Authenticated", false),
        ] {
            assert_eq!(of(part).takes_all_of(&of(whole)), expected, "{part} in {whole}");
        }
        assert!(!PreviewAccess::default().takes_all_of(&of("Owner ann")), "nobody is let in by nothing");
    }
}
