//! What the palette finds in the console: objects and routes.

use axum::Json;
use axum::extract::Query;
use serde::{Deserialize, Serialize};

use super::link::{self, with_query};
use super::model::{Object, Page as List, Route};
use super::page::{Trouble, ask};
use super::topology;
use crate::web::Visit;

/// The most of each.
const LIMIT: &str = "12";

/// A question.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Question {
    term: String,
}

/// Something that was found.
#[derive(Debug, Serialize)]
pub(super) struct Found {
    /// What it is, in the words of pages.
    kind: String,
    /// What it is called.
    title: String,
    /// What tells it from others of that name.
    detail: String,
    /// Its page.
    link: String,
}

/// Objects, then routes, that say every word of a question.
pub(super) async fn json(site: Visit, Query(question): Query<Question>) -> Result<Json<Vec<Found>>, Trouble> {
    let term = question.term.trim();
    if term.is_empty() {
        return Ok(Json(Vec::new()));
    }
    let objects = with_query("/api/v1/objects", [("text", term), ("limit", LIMIT)]);
    let of_routes = |previews: bool| {
        let previews = if previews { "" } else { "false" };
        with_query("/api/v1/topology", [("text", term), ("limit", LIMIT), ("previews", previews)])
    };
    let asked = tokio::try_join!(ask::<List<Object>>(&site, &objects), topology::routes(&site, false, of_routes));
    let (objects, topology) = asked?;
    let objects = objects.items.iter().map(|object| Found {
        kind: object.id.kind.clone(),
        title: object.id.name.clone(),
        detail: object.id.namespace.clone(),
        link: link::object(&object.id),
    });
    let kind = site.texts().text("route");
    Ok(Json(objects.chain(topology.routes.iter().map(|route| found(route, kind))).collect()))
}

fn found(route: &Route, kind: &str) -> Found {
    Found {
        kind: kind.to_owned(),
        title: route.matches.clone(),
        detail: route.host.clone(),
        link: with_query("/console/", [("host", route.host.as_str()), ("text", &route.matches)]),
    }
}
