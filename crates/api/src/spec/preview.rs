//! `Preview`: some services replaced by others, at URLs of its own.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Duration, PreviewAccess, PreviewSource, PreviewedService, WhenMissing};
use crate::duration::instant;
use crate::{Kind, ObjectId};

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

/// A host of the gateway at which a preview can be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PreviewEntrypoint {
    /// What the URL begins with: lower-case letters, digits and single dashes, at most 16 and not just two. Required.
    pub name: String,
    /// The host whose routes it has. Required.
    pub host: String,
}
