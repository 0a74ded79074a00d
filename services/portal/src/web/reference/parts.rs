//! Pages of what belongs to an API beside its operations: schemas, and requests that the service sends by itself.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;

use super::{Head, Menu, find};
use crate::reference::{Incoming, SchemaView};
use crate::web::error::NotFound;
use crate::web::page::{Frame, respond};
use crate::web::visit::Visit;

#[derive(Template)]
#[template(path = "webhook.html")]
struct WebhookPage<'a> {
    frame: Frame<'a>,
    head: Head,
    menu: Menu<'a>,
    webhook: Incoming,
}

/// The page of a request that the service sends by itself.
pub(in crate::web) async fn webhook(
    site: Visit,
    Path((namespace, name, slug)): Path<(String, String, String)>,
) -> Result<Response, NotFound> {
    let entry = find(&site, &namespace, &name)?;
    let missing =
        || NotFound::new(&site, site.texts().fill("no_webhook", &[("api", &entry.title()), ("webhook", &slug)]));
    let reference = entry.reference.as_deref().ok_or_else(missing)?;
    let head = Head::of(&entry, &site);
    let link = format!("{}/schemas/", head.link);
    let webhook = reference.webhook(&slug, &link, site.texts()).ok_or_else(missing)?;
    Ok(respond(&WebhookPage { frame: site.frame(), menu: Menu::of(reference, ""), head, webhook }))
}

#[derive(Template)]
#[template(path = "schema_page.html")]
struct SchemaPage<'a> {
    frame: Frame<'a>,
    head: Head,
    menu: Menu<'a>,
    name: &'a str,
    schema: SchemaView,
    example: Option<String>,
}

/// The page of a schema that a document shares.
pub(in crate::web) async fn schema(
    site: Visit,
    Path((namespace, name, schema)): Path<(String, String, String)>,
) -> Result<Response, NotFound> {
    let entry = find(&site, &namespace, &name)?;
    let missing =
        || NotFound::new(&site, site.texts().fill("no_schema", &[("api", &entry.title()), ("schema", &schema)]));
    let reference = entry.reference.as_deref().ok_or_else(missing)?;
    let head = Head::of(&entry, &site);
    let link = format!("{}/schemas/", head.link);
    let (view, example) = reference.schema(&schema, &link, site.texts()).ok_or_else(missing)?;
    let page =
        SchemaPage { frame: site.frame(), menu: Menu::of(reference, ""), head, name: &schema, schema: view, example };
    Ok(respond(&page))
}
