//! The console: what the gateway does, drawn and told, for those who run it.
//!
//! Every page asks the controller anew; all that a page shows is in its address, and none needs JavaScript. It
//! changes nothing, but for objects where the gateway was told to allow that (`edit`).

mod certificates;
mod edit;
mod envoys;
mod explain;
mod find;
mod graph;
mod guard;
mod link;
mod model;
mod objects;
mod page;
mod problems;
mod rows;
#[cfg(test)]
pub(crate) mod tests;
mod topology;
mod traffic;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::Redirect;
use axum::routing::get;

use crate::gateway::Admin;
use crate::machines;
use crate::web::Site;

pub(crate) use self::guard::{is_for_operators, is_shown, note_place};
pub(crate) use self::link::object_link;
pub(crate) use self::traffic::Window;

/// What the console is made of.
#[derive(Clone, Debug)]
pub(crate) struct Console {
    /// Who is asked.
    pub(crate) admin: Admin,
    /// Host names that it is shown as, besides addresses and `localhost`.
    pub(crate) hosts: Arc<[String]>,
    /// The groups that it is for, by whatever name. Empty: it is for whoever reaches it by one of these names.
    pub(crate) groups: Arc<[String]>,
    /// What was counted before.
    pub(crate) window: Window,
}

/// Everything below `/console/`.
pub(crate) fn router(site: &Site) -> Router<Site> {
    Router::new()
        .route("/console", get(async || Redirect::permanent("/console/")))
        .route("/console/", get(topology::page))
        .route("/console/objects", get(objects::list))
        .route("/console/objects/{kind}/{namespace}/{name}", get(objects::one))
        .route("/console/objects/{kind}/{namespace}/{name}/edit", get(edit::page).post(edit::post))
        .route("/console/objects/{kind}/{namespace}/{name}/new", get(edit::page_of_new).post(edit::create))
        .route("/console/objects/{kind}/{namespace}/{name}/delete", get(edit::page_of_removal).post(edit::delete))
        .route("/console/new", get(edit::choose))
        .route("/console/problems", get(problems::page))
        .route("/console/explain", get(explain::page))
        .route("/console/search", get(find::json))
        .route("/console/certificates", get(certificates::page))
        .route("/console/envoys", get(envoys::page))
        .route("/console/traffic", get(traffic::page))
        .merge(machines::router_of_console())
        .layer(from_fn_with_state(site.clone(), guard::check))
}
