//! Pages of what belongs to an API beside its operations: schemas, and requests that the service sends by itself.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;

use super::{Head, Menu, find};
use crate::catalog::Entry;
use crate::reference::{Incoming, Operation, SchemaView};
use crate::web::error::NotFound;
use crate::web::filters;
use crate::web::page::{Frame, respond};
use crate::web::rendering::made;
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
    let missing = |site: &Visit, entry: &Entry, slug: &str| {
        NotFound::new(site, site.texts().fill("no_webhook", &[("api", &entry.title()), ("webhook", &slug)]))
    };
    let make = move || webhook_page(&site, &entry, &slug).ok_or_else(|| missing(&site, &entry, &slug));
    made(make).await
}

fn webhook_page(site: &Visit, entry: &Entry, slug: &str) -> Option<Response> {
    let reference = entry.reference.as_deref()?;
    let head = Head::of(entry, site);
    let webhook = reference.webhook(slug, &format!("{}/schemas/", head.link), site.texts())?;
    Some(respond(&WebhookPage { frame: site.frame(), menu: Menu::of(reference, ""), head, webhook }))
}

/// The most operations that are named on the page of a schema.
const MOST_USERS: usize = 50;

#[derive(Template)]
#[template(path = "schema_page.html")]
struct SchemaPage<'a> {
    frame: Frame<'a>,
    head: Head,
    menu: Menu<'a>,
    name: &'a str,
    schema: SchemaView,
    /// Operations that use it, and how many more do.
    users: Vec<&'a Operation>,
    more_users: usize,
    example: Option<String>,
}

/// The page of a schema that a document shares.
pub(in crate::web) async fn schema(
    site: Visit,
    Path((namespace, name, schema)): Path<(String, String, String)>,
) -> Result<Response, NotFound> {
    let entry = find(&site, &namespace, &name)?;
    let missing = |site: &Visit, entry: &Entry, schema: &str| {
        NotFound::new(site, site.texts().fill("no_schema", &[("api", &entry.title()), ("schema", &schema)]))
    };
    let make = move || schema_page(&site, &entry, &schema).ok_or_else(|| missing(&site, &entry, &schema));
    made(make).await
}

fn schema_page(site: &Visit, entry: &Entry, name: &str) -> Option<Response> {
    let reference = entry.reference.as_deref()?;
    let head = Head::of(entry, site);
    let (schema, example) = reference.schema(name, &format!("{}/schemas/", head.link), site.texts())?;
    let mut users = reference.users(name);
    let more_users = users.len().saturating_sub(MOST_USERS);
    users.truncate(MOST_USERS);
    let (frame, menu) = (site.frame(), Menu::of(reference, ""));
    Some(respond(&SchemaPage { frame, menu, head, name, schema, users, more_users, example }))
}
