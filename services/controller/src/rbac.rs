//! What the controller, and the portal beside it, may have to do with a cluster, in one place: the chart's roles, `nuncio doctor` and the tests are made of
//! this list, so that a permission that is missing in one is missing in all, and shows.

mod rules;
#[cfg(test)]
mod tests;

pub use self::rules::{DEFINITIONS, RULES};

/// Where a permission has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Wherever objects are read: in every namespace, or in the gateway's own if it reads no other.
    Watched,
    /// For what is in no namespace. Not asked for by a gateway that reads its own namespace only.
    Cluster,
    /// In the gateway's own namespace.
    Own,
}

/// Which objects a permission is for, where it is not for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// All.
    Any,
    /// The Secret with the webhook's certificates: named after its Service.
    WebhookSecret,
    /// The webhook's `ValidatingWebhookConfiguration`.
    WebhookConfiguration,
    /// The [definitions](DEFINITIONS) of our kinds.
    Definitions,
    /// The Secret with the keys that developers give themselves.
    KeysSecret,
    /// What is kept of Previews that were deleted.
    Tombstones,
}

/// The ConfigMap, in the gateway's own namespace, with what is kept of Previews that were deleted.
pub const TOMBSTONES: &str = "nuncio-preview-tombstones";

/// Who needs a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Every gateway.
    Gateway,
    /// One that writes statuses.
    Status,
    /// One that does what only one replica may: write statuses, look after the webhook or previews.
    Election,
    /// One that serves the webhook.
    Webhook,
    /// One whose console may change objects.
    Edits,
    /// One whose previews come and go by requests.
    Previews,
    /// A portal at which developers give themselves keys. It has an account of its own.
    Keys,
}

/// Verbs on resources, as in a rule of a Role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Where.
    pub scope: Scope,
    /// API group; empty for the core group.
    pub group: &'static str,
    /// Plurals, with a subresource behind a slash.
    pub resources: &'static [&'static str],
    /// What is done with them.
    pub verbs: &'static [&'static str],
    /// With which of them.
    pub names: Names,
    /// Who needs it.
    pub feature: Feature,
    /// What for, in a few words: shown where it is missing.
    pub purpose: &'static str,
}
