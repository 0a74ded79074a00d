//! What has happened to previews, and whom they lead to, as the controller tells of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::gateway::{ObjectRef, Upstream};

/// What has happened to a preview, and whom it leads to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Detail {
    pub(super) events: Vec<Event>,
    pub(super) upstreams: Vec<Leads>,
}

/// Those of one name.
#[derive(Debug, Deserialize)]
pub(super) struct Details {
    pub(super) items: Vec<Detail>,
}

/// Something that has happened to a preview.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = PreviewEvent)]
pub(super) struct Event {
    /// When it was noticed, in seconds since 1970.
    pub(super) at: u64,
    /// `created`, `changed`, `live`, `hidden`, `extended`, `fell-back`, `failed`, `returned`, `ends-soon` or `ended`.
    pub(super) kind: String,
    /// The service, or the time of its end, as far as it is about one.
    pub(super) detail: String,
}

/// Whom a route of a preview leads to.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Leads {
    /// What the route is made of.
    pub(super) object: ObjectRef,
    pub(super) upstream: Upstream,
    /// Absent where the controller is of a version that knows of none.
    #[serde(default)]
    pub(super) docs: PreviewDocs,
}

/// What a preview says of the document there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PreviewDocs {
    /// Where it is at the service, where that is not where the baseline has it.
    pub(super) path: Option<String>,
    /// None is asked for.
    pub(super) ignored: bool,
}
