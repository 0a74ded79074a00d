//! What a service that decides tells the controller, on the stream by which it gets its rules.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::FilterId;

/// The key of the node's metadata under which the service tells its troubles, all that there are, as a list in JSON. It does
/// with its first request, and again when they are others.
pub const TROUBLES_KEY: &str = "nuncio.dev/troubles";

/// Something that a filter needs of others and that cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Whose.
    pub filter: FilterId,
    /// The field of the Filter that says where it is: `spec.JWT.jwksURI`.
    pub field: Arc<str>,
    /// Where it is.
    pub url: Arc<str>,
    /// Why it cannot be had.
    pub why: Arc<str>,
    /// Since when, in seconds since 1970.
    pub since: u64,
    /// What was had before is used meanwhile.
    pub has_old: bool,
}
