//! What a change would do, and what stands against it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::model::ProblemView;
use super::ManifestView;

/// What a change would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DryRunView {
    /// The manifest, with the new text and its fields.
    pub manifest: ManifestView,
    /// Whether nothing would be wrong with it: only then it is applied.
    pub is_valid: bool,
    /// Whether it would be in force, also with what is wrong: a rule that names no Filter refuses everybody. What is not usable
    /// changes nothing, and what was last good stays.
    pub is_usable: bool,
    /// What would be wrong with it.
    pub problems: Vec<ProblemView>,
    /// The change as a patch of the file, in the unified format; empty where nothing changes.
    pub patch: String,
    /// Routes that would be others, come or go: at most 100 of them, those of previews behind the others.
    pub routes: Vec<RouteEffect>,
    /// How many there are in all.
    pub routes_total: usize,
    /// How many of those are of previews.
    pub routes_in_previews: usize,
    /// The hosts of all of those.
    pub hosts: Vec<String>,
    /// How many of these are of previews.
    pub hosts_in_previews: usize,
    /// Listeners that would be others, come or go.
    pub listeners: Vec<String>,
    /// Those of them all of whose routes are among those that it affects.
    pub whole_listeners: Vec<String>,
    /// Protection that routes would lose.
    pub lost: Vec<LossView>,
    /// There were too many requests to follow all of them: more may be lost than is told.
    pub is_bounded: bool,
    /// What a change has to be applied with that takes protection away, or may. Another whenever that is another.
    pub confirm: Option<String>,
}

/// A route whose requests would be less protected.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct LossView {
    /// What is lost.
    pub what: LossKind,
    /// The host name or pattern.
    pub host: String,
    /// What the route matches, in words; empty where it is so for all of the host.
    #[serde(rename = "match")]
    pub matches: String,
    /// A path for which it is so.
    pub path: String,
    /// Who asked before, for what, or by which listeners.
    pub was: String,
}

/// What a route may lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LossKind {
    /// Requests were asked for a login, a token or a key.
    Login,
    /// They are asked still, but for less: not for a scope, an audience or another filter, say.
    Weaker,
    /// Requests were counted, and refused beyond a limit.
    Limit,
    /// Requests in clear text were sent to HTTPS, or refused.
    Tls,
    /// Connections had to show a client certificate.
    Certificate,
    /// Addresses were kept out.
    Address,
}

/// Two changes of the same text: the one that is wanted, and the one that somebody else has made since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConflictView {
    /// The object as it stands.
    pub manifest: ManifestView,
    /// The text that was to be tried.
    pub text: String,
    /// What the change does to the text that it was made of; where nobody knows that any more, to the one that stands.
    pub yours: String,
    /// What somebody else did to that text; empty where nobody knows.
    pub others: String,
    /// Both changes in one text, where they do not meet.
    pub merged: Option<String>,
}

/// What a change would do to a route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct RouteEffect {
    /// It is of a preview.
    pub in_preview: bool,
    /// The host name or pattern.
    pub host: String,
    /// What it matches, in words.
    #[serde(rename = "match")]
    pub matches: String,
    /// What becomes of it.
    pub effect: EffectView,
}

/// What becomes of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EffectView {
    /// It would come.
    Added,
    /// It would be another.
    Changed,
    /// It would go.
    Removed,
    /// Other rules of FilterPolicies would decide about its requests.
    Rules,
    /// Other routes would be tried before it.
    Moved,
    /// The AuthService would be asked otherwise.
    Asked,
    /// Its requests would be held to other limits.
    Limits,
    /// Its service would be found or spoken to otherwise.
    Upstream,
    /// Its requests would come in otherwise: by another listener, certificate or setting.
    Listener,
}
