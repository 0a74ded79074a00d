//! The page of an operation.

use askama::Template;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};

use super::way_in::WayIn;
use super::{Head, Menu, access, find};
use crate::catalog::Entry;
use crate::gateway::PreviewAddress;
use crate::reference::{Operation, OperationView};
use crate::texts::Texts;
use crate::web::assets::{Asset, TRY_IT};
use crate::web::edge::{Edge, edges};
use crate::web::error::NotFound;
use crate::web::page::{Frame, respond};
use crate::web::rendering::made;
use crate::web::visit::Visit;
use crate::web::{escape_path, filters, try_it};

#[derive(Template)]
#[template(path = "operation.html")]
struct OperationPage<'a> {
    frame: Frame<'a>,
    head: Head,
    menu: Menu<'a>,
    operation: &'a Operation,
    view: OperationView,
    access: Vec<String>,
    /// Why no request through the gateway reaches it.
    unrouted: Option<String>,
    conditions: &'a [String],
    /// What the gateway does with it, if the gateway tells.
    edge: Option<Edge>,
    /// Where a request may be sent, the nearest first.
    origins: &'a [String],
    previews: &'a [PreviewAddress],
    /// Where the portal says why a request is answered as it is.
    explain: String,
    way_in: WayIn,
    script: &'a Asset,
}

/// The page of an operation.
pub(crate) async fn operation(
    site: Visit,
    Path((namespace, name, slug)): Path<(String, String, String)>,
) -> Result<Response, NotFound> {
    let entry = find(&site, &namespace, &name)?;
    let missing = |site: &Visit, entry: &Entry, slug: &str| {
        NotFound::new(site, site.texts().fill("no_operation", &[("api", &entry.title()), ("operation", &slug)]))
    };
    let known = entry.reference.as_deref().and_then(|known| Some((known, known.operation(&slug)?)));
    let (reference, operation) = known.ok_or_else(|| missing(&site, &entry, &slug))?;
    let previews = site.preview_addresses(reference.origins()).await;
    let edge = edges(&site, &entry, &[operation]).await.into_iter().flatten().next();
    let make =
        move || operation_page(&site, &entry, &slug, edge, &previews).ok_or_else(|| missing(&site, &entry, &slug));
    made(make).await
}

fn operation_page(
    site: &Visit,
    entry: &Entry,
    slug: &str,
    edge: Option<Edge>,
    previews: &[PreviewAddress],
) -> Option<Response> {
    let reference = entry.reference.as_deref()?;
    let operation = reference.operation(slug)?;
    let head = Head::of(entry, site);
    let id = &entry.api.id;
    let removed = |header: &str| entry.api.served.removes(header);
    let link = format!("{}/schemas/", head.link);
    let way_in = WayIn::of(site, entry, edge.as_ref());
    let origins = site.nearest(reference.origins());
    let view = OperationView::of(reference, operation, origins.first(), &link, removed, &way_in.proof, site.texts())?;
    let page = OperationPage {
        frame: site.frame(),
        menu: Menu::of(reference, slug),
        access: access(&entry.api.served, site.texts()),
        unrouted: unrouted(operation, edge.as_ref(), site.texts()),
        edge,
        conditions: &entry.api.served.conditions,
        origins: &origins,
        previews,
        explain: format!("/docs/api/v1/apis/{}/{}/explain", escape_path(&id.namespace), escape_path(&id.segment())),
        way_in,
        script: &TRY_IT,
        head,
        operation,
        view,
    };
    let asked = origins.iter().chain(previews.iter().map(|preview| &preview.origin));
    Some((try_it::policy(asked), respond(&page)).into_response())
}

/// Why no request reaches an operation: whoever knows all routes knows better than the document.
fn unrouted(operation: &Operation, edge: Option<&Edge>, texts: &Texts) -> Option<String> {
    match edge {
        Some(edge) => edge.is_lost().then(|| texts.text("edge_nobody").to_owned()),
        None => operation.unrouted.as_ref().map(|reason| reason.words(texts)),
    }
}
