//! Pages of what belongs to an API beside its operations: schemas, and requests that the service sends by itself.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;

use super::{Head, Menu, find};
use crate::catalog::Entry;
use crate::reference::{Incoming, SchemaView, Users};
use crate::web::error::NotFound;
use crate::web::escape_path;
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

/// The most operations and webhooks of either list on the page of a schema.
const MOST_USERS: usize = 50;

#[derive(Template)]
#[template(path = "schema_page.html")]
struct SchemaPage<'a> {
    frame: Frame<'a>,
    head: Head,
    menu: Menu<'a>,
    name: &'a str,
    schema: SchemaView,
    /// Those lists of what uses it that are not empty.
    used_by: Vec<UsedBy<'a>>,
    example: Option<String>,
}

/// What uses a schema in one way, and how many more do.
struct UsedBy<'a> {
    /// Not by itself: by other schemas.
    is_through: bool,
    users: Vec<User<'a>>,
    more: usize,
}

/// An operation or a webhook.
struct User<'a> {
    is_webhook: bool,
    link: String,
    method: &'a str,
    name: &'a str,
    summary: &'a str,
    deprecated: bool,
}

impl<'a> UsedBy<'a> {
    fn new(users: &Users<'a>, is_through: bool, api: &str) -> Self {
        let operations = users.operations.iter().map(|one| User {
            is_webhook: false,
            link: format!("{api}/operations/{}", escape_path(&one.slug)),
            method: &one.method,
            name: &one.path,
            summary: &one.summary,
            deprecated: one.deprecated,
        });
        let webhooks = users.webhooks.iter().map(|one| User {
            is_webhook: true,
            link: format!("{api}/webhooks/{}", escape_path(&one.slug)),
            method: &one.method,
            name: &one.name,
            summary: &one.summary,
            deprecated: one.deprecated,
        });
        let more = (users.operations.len() + users.webhooks.len()).saturating_sub(MOST_USERS);
        Self { is_through, users: operations.chain(webhooks).take(MOST_USERS).collect(), more }
    }
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
    let [direct, through] = reference.users(name);
    let used_by = [UsedBy::new(&direct, false, &head.link), UsedBy::new(&through, true, &head.link)];
    let used_by = used_by.into_iter().filter(|used| !used.users.is_empty()).collect();
    let (frame, menu) = (site.frame(), Menu::of(reference, ""));
    Some(respond(&SchemaPage { frame, menu, head, name, schema, used_by, example }))
}
