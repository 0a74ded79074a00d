//! The portal for programs.

mod changes;
mod operations;

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Site;
use super::visit::Visit;
use super::{api_link, documents_link};
use crate::about::About;
use crate::catalog::{Entry, State as DocumentState};
use crate::cause::Cause;
use crate::fetch::Target;
use crate::reference::Reference;

/// An API of the catalog.
#[derive(Debug, Serialize, ToSchema)]
struct ApiView {
    /// Namespace of its Mapping.
    namespace: String,
    /// Name of its Mapping, as its addresses have it: of another object with `@` and which of that object's it is.
    name: String,
    /// What it is called.
    title: String,
    /// Its version, as its document says.
    version: Option<String>,
    /// The version of OpenAPI.
    specification: Option<String>,
    /// How its document is.
    state: DocumentState,
    /// Why endpoints of the service were passed over when they were asked last: another had the document.
    failed_endpoints: Vec<String>,
    /// Why the document cannot be had.
    trouble: Option<String>,
    /// Since when.
    trouble_since: Option<String>,
    /// When the document was last seen to be as it is here.
    checked: Option<String>,
    /// Where clients reach it. Empty where that cannot be told.
    servers: Vec<String>,
    /// Why not.
    not_computable: Option<String>,
    /// Its operations.
    operations: usize,
    /// Those that no request through the gateway reaches.
    unrouted: usize,
    /// Routes to its service that none of its operations goes, as `namespace/name` of their Mappings.
    undocumented_routes: Vec<String>,
    /// Who answers for it.
    owner: Option<String>,
    /// Whose it is.
    team: Option<String>,
    /// Whether it is there to stay.
    lifecycle: Option<String>,
    /// What it is about.
    tags: Vec<String>,
    /// Where else it is told of.
    links: Vec<LinkView>,
    /// Its page.
    page: String,
    /// Its document, as clients meet the API.
    document: String,
}

/// A place of the web.
#[derive(Debug, Serialize, ToSchema)]
struct LinkView {
    /// What it is called.
    title: String,
    /// Where it is.
    url: String,
}

/// A service that has no document.
#[derive(Debug, Serialize, ToSchema)]
struct ServiceView {
    /// Host and port.
    service: String,
    /// The Mappings that lead to it, as `namespace/name`.
    mappings: Vec<String>,
}

/// Everything that the gateway serves.
#[derive(Debug, Serialize, ToSchema)]
struct CatalogView {
    /// APIs with a document, or of which somebody said where it is.
    apis: Vec<ApiView>,
    /// Services of whose document nobody said where it is.
    undocumented: Vec<ServiceView>,
    /// Why the gateway cannot be asked. What it served last is shown.
    gateway_trouble: Option<String>,
    /// Why what changes in documents is not shared with other portals, though it is to be. It is known to this one alone.
    history_trouble: Option<String>,
}

#[derive(OpenApi)]
#[openapi(info(
    title = "Nuncio developer portal",
    description = "The APIs that the gateway serves, and its previews."
))]
struct Document;

pub(super) fn router() -> Router<Site> {
    let (api, document) = OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(apis))
        .routes(routes!(api))
        .routes(routes!(operations::operations))
        .routes(routes!(operations::operation))
        .routes(routes!(changes::of_api))
        .routes(routes!(changes::of_all))
        .routes(routes!(super::documents::merged))
        .routes(routes!(super::search::json))
        .routes(routes!(super::try_it::explain))
        .merge(crate::previews::api())
        .split_for_parts();
    api.route("/docs/api/v1/openapi.json", get(move || async move { Json(document) }))
}

/// Every API that the gateway serves.
#[utoipa::path(get, path = "/docs/api/v1/apis", tag = "catalog",
    responses((status = 200, description = "All of them, by title", body = CatalogView)))]
async fn apis(site: Visit) -> Json<CatalogView> {
    let catalog = site.catalog();
    Json(CatalogView {
        apis: catalog.entries.iter().map(|entry| view(&site, entry)).collect(),
        undocumented: catalog
            .undocumented
            .iter()
            .map(|service| ServiceView {
                service: service.service.clone(),
                mappings: service.routes.iter().map(|route| format!("{}/{}", route.namespace, route.name)).collect(),
            })
            .collect(),
        history_trouble: site.history.outage().map(|trouble| site.told(&trouble.why)),
        gateway_trouble: catalog.gateway.as_ref().map(|trouble| site.told(&trouble.why)),
    })
}

/// One API.
#[utoipa::path(get, path = "/docs/api/v1/apis/{namespace}/{name}", tag = "catalog",
    params(("namespace" = String, Path, description = "Namespace of its Mapping"),
        ("name" = String, Path, description = "Name of its Mapping")),
    responses((status = 200, description = "The API", body = ApiView),
        (status = 404, description = "The gateway serves no such API")))]
async fn api(site: Visit, Path((namespace, name)): Path<(String, String)>) -> Response {
    match site.catalog().find(&namespace, &name) {
        Some(entry) => Json(view(&site, entry)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn view(site: &Visit, entry: &Arc<Entry>) -> ApiView {
    let id = &entry.api.id;
    let reference = entry.reference.as_ref();
    let About { owner, team, lifecycle, tags, links } = (*entry.about).clone();
    let said = |text: String| Some(text).filter(|text| !text.is_empty());
    ApiView {
        owner: said(owner),
        team: said(team),
        lifecycle: said(lifecycle),
        tags,
        links: links.into_iter().map(|(title, url)| LinkView { title, url }).collect(),
        namespace: id.namespace.clone(),
        name: id.segment(),
        title: entry.title().to_owned(),
        version: reference.and_then(|known| known.document.info("version")).map(str::to_owned),
        specification: reference.map(|known| known.document.version.to_string()),
        state: entry.state(),
        failed_endpoints: entry
            .api
            .target
            .iter()
            .flat_map(Target::failed)
            .map(|why| site.told(&Cause::from(&why)))
            .collect(),
        trouble: entry.trouble.as_ref().map(|trouble| site.told(&trouble.why)),
        trouble_since: entry.trouble.as_ref().map(|trouble| trouble.since.to_string()),
        checked: entry.checked.last().map(|checked| checked.to_string()),
        servers: entry.api.mount.as_ref().map(|mount| mount.origins.clone()).unwrap_or_default(),
        not_computable: entry.api.mount.as_ref().err().map(ToString::to_string),
        operations: reference.map_or(0, |known| known.operations.len()),
        unrouted: reference.map_or(0, |known| known.unrouted()),
        undocumented_routes: reference.map(|known| undocumented(entry, known)).unwrap_or_default(),
        page: api_link(id),
        document: format!("{}/openapi.json", documents_link(id)),
    }
}

fn undocumented(entry: &Entry, reference: &Reference) -> Vec<String> {
    let routes = entry.api.routes().filter(|served| !reference.documents(served));
    routes.map(|served| format!("{}/{}", served.namespace, served.name)).collect()
}

/// Looks at every document at once, as Edge Stack's portal does on the same request; at those that could not be had last when
/// their time has come, unless somebody asks who runs the gateway.
pub(super) async fn refresh(site: Visit) -> (StatusCode, &'static str) {
    let may_hurry = site.sees_console() || site.is_by_operator();
    site.refresh.ask(may_hurry);
    let told = match may_hurry {
        true => {
            site.content_wish.notify_one();
            "every document is looked at now\n"
        }
        false => {
            "every document is looked at within half a minute, but for those that could not be had last: they have their time\n"
        }
    };
    (StatusCode::ACCEPTED, told)
}
