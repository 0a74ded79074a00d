//! Custom resource definitions: every kind of Ambassador's groups, generated from the typed specs.
//!
//! Three rules shape them. What the controller takes, with or without a complaint, the API server must take too: an object
//! that was refused cannot have a status that says why. Nothing is defaulted: what a user did not write is not in the
//! object, so conversions and tools that compare lose nothing. And the version that is stored is `v3alpha1`.
//!
//! Why `v3alpha1` is stored, though clusters of the original store `v2`: an API server needs the conversion webhook for
//! every object that is stored in another version than the one asked for. The controller asks for `v3alpha1`; stored as
//! such, it can start and read its configuration while no webhook answers, and the webhook is itself part of it. A
//! cluster of the original can take these definitions over its own, since `v2`, in which its objects are stored, is still
//! among the versions; each object is read through the webhook until it is next written, then no more. And the
//! way back is open: the original serves `v3alpha1` too.

mod adjust;
mod gateway;
mod kind;
mod kinds;
mod lenient;
mod manifest;
mod older;
mod status;
mod structural;

use serde_json::Value;

use kinds::KINDS;
pub(crate) use lenient::{AnyObject, IntOrText, TextOrList};

/// How the API server gets one version of an object from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conversion {
    /// There is one version, `v3alpha1`. For clusters that never had another; the API server refuses it where objects are
    /// stored in one.
    None,
    /// By asking a webhook.
    Webhook {
        /// Which one.
        service: WebhookService,
        /// Serve `v1` and `v2` too. Without them, objects that are stored so are still converted, and what `kubectl get`
        /// shows is `v3alpha1`: unless asked for a version it takes the highest, and an alpha comes after every other.
        serve_older: bool,
    },
}

/// Where the API server finds the webhook. Its `caBundle` is none of the manifest's business: whoever makes the
/// certificate fills it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookService {
    /// Namespace of the Service.
    pub namespace: String,
    /// Name of the Service.
    pub name: String,
    /// Path of the webhook.
    pub path: String,
    /// Port of the Service.
    pub port: u16,
}

impl Default for Conversion {
    /// What `deploy/` installs.
    fn default() -> Self {
        Self::Webhook { service: WebhookService::default(), serve_older: true }
    }
}

impl Default for WebhookService {
    /// What `deploy/` installs.
    fn default() -> Self {
        let path = CONVERSION_PATH.to_owned();
        Self { namespace: "nuncio".to_owned(), name: "nuncio-webhook".to_owned(), path, port: 443 }
    }
}

/// Path at which the controller converts; the original's.
pub const CONVERSION_PATH: &str = "/webhooks/crd-convert";

/// One custom resource definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// The API group.
    pub group: &'static str,
    /// The kind that it defines.
    pub kind: &'static str,
    /// `mappings`.
    pub plural: &'static str,
    /// The version that is stored, and that the controller reads.
    pub version: &'static str,
    /// The `CustomResourceDefinition` of `apiextensions.k8s.io/v1`.
    pub manifest: Value,
}

impl Definition {
    /// Its `metadata.name`: `mappings.getambassador.io`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.{}", self.plural, self.group)
    }

    /// What a file with it is called: `mappings.yaml`, `filters.gateway.yaml`.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.yaml", self.name().trim_end_matches(".getambassador.io"))
    }

    /// The manifest as YAML.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        crate::yaml::to_yaml(&self.manifest)
    }
}

/// The definitions of all kinds, by group and kind.
#[must_use]
pub fn definitions(conversion: &Conversion) -> Vec<Definition> {
    let one = |kind: &kind::CustomKind| Definition {
        group: kind.group,
        kind: kind.kind,
        plural: kind.plural,
        version: kind.version,
        manifest: manifest::definition(kind, conversion),
    };
    KINDS.iter().map(one).collect()
}
