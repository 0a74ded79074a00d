//! The engine's state, as the admin server shows it.

mod answers;
mod apis;
mod certificates;
mod clusters;
mod credentials;
mod envoys;
mod hosts;
mod limits;
mod objects;
mod portal;
mod preview_details;
mod preview_mesh;
mod previews;
mod problems;
mod reach;
mod routes;
mod topology;
mod words;

use nuncio_api::ObjectId;

pub(crate) use self::answers::{Changes, EngineView};
use self::clusters::cluster_view;
pub(crate) use self::clusters::{clusters_of, endpoints, service_of};
pub(crate) use self::credentials::{credential, credentials_of};
pub(crate) use self::hosts::{host_view, listener_view};
pub(crate) use self::limits::pace;
pub(crate) use self::objects::keys_of;
pub(crate) use self::preview_mesh::preview_mesh;
pub(crate) use self::previews::{backend_words, preview_view, previews};
pub(crate) use self::problems::{by_place, problems};
pub(crate) use self::routes::{Listed, Shown, route_view, routes};
pub(crate) use self::topology::counted_as;
pub(crate) use self::words::{conditions, header_text, query_text, span};
use crate::admin::ListQuery;

/// Whether a list is to have this object.
fn wants(query: &ListQuery, id: &ObjectId) -> bool {
    query.wants_object(id.kind.as_str(), &id.namespace, &id.name)
}
