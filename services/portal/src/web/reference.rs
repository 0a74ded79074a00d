//! Pages of an API: what there is, and each operation and schema by itself.

mod head;
mod list;
mod operation;
mod parts;
mod way_in;

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::{Redirect, Response};
use percent_encoding::percent_decode_str;
use serde::Deserialize;

pub(super) use self::head::{Head, Menu, access, access_words, accesses};
pub(crate) use self::head::{api_link, documents_link};
use self::list::{Listed, listed};
pub(crate) use self::operation::operation;
pub(super) use self::parts::{schema, webhook};
use super::edge::{Edge, edges};
use super::error::NotFound;
use super::page::{Frame, respond};
use super::rendering::made;
use super::visit::Visit;
use super::words::ago;
use super::{escape_path, filters};
use crate::about::About;
use crate::catalog::Entry;
use crate::gateway::ServedApi;
use crate::markdown::Html;
use crate::reference::{Budget, Group, Operation, Reference, Webhook};
use crate::texts::Texts;

/// The most operations on one page: a document of thousands stays quick.
pub(super) const PER_PAGE: usize = 200;

/// How many pages are named at either end of all of them, and on either side of the one that is shown.
const NEAR: usize = 25;

/// The most routes of one service.
const MOST_ROUTES: usize = 100;

#[derive(Template)]
#[template(path = "api.html")]
struct ApiPage<'a> {
    frame: Frame<'a>,
    head: Head,
    menu: Menu<'a>,
    about: &'a About,
    description: Html,
    groups: Vec<(&'a Group, Vec<Listed<'a>>)>,
    pages: Pages,
    webhooks: Vec<(&'a Webhook, String)>,
    webhook_pages: Pages,
    /// Those of the document that clients do not ask.
    other_servers: Vec<String>,
    schemas: Vec<(&'a str, String)>,
    schema_pages: Pages,
    routes: Vec<Route>,
    more_routes: usize,
    contact: Option<String>,
    license: Option<String>,
    /// How many there are, in words; nothing where none is known.
    operations_words: String,
    unrouted: usize,
    newest_change: Option<NewestChange>,
}

/// When the API changed last, if that was seen.
struct NewestChange {
    when: String,
    is_breaking: bool,
}

fn newest_change(site: &Visit, entry: &Entry) -> Option<NewestChange> {
    let versions = site.versions(&entry.api.id);
    let newest = versions.first().filter(|newest| !newest.changes.is_empty())?;
    Some(NewestChange { when: ago(site.texts(), newest.since), is_breaking: newest.is_breaking() })
}

/// A way through the gateway to the service.
struct Route {
    name: String,
    method: String,
    path: String,
    hosts: Vec<String>,
    conditions: Vec<String>,
    access: Vec<String>,
    timeout: String,
    /// An operation of the document goes this way.
    is_documented: bool,
}

/// Which parts of long lists to show.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Part {
    /// Of operations.
    page: usize,
    webhooks: usize,
    schemas: usize,
}

/// Numbers and links of the pages of a list, and whether it is the one that is shown.
type Pages = Vec<(usize, String, bool)>;

/// The page of an API.
pub(super) async fn api(
    site: Visit,
    Path((namespace, name)): Path<(String, String)>,
    Query(part): Query<Part>,
) -> Result<Response, NotFound> {
    let entry = find(&site, &namespace, &name)?;
    let shown = entry.reference.as_deref().map(|known| groups(known, part.page)).unwrap_or_default();
    let shown: Vec<_> = shown.into_iter().flat_map(|(_, operations)| operations).collect();
    let told = edges(&site, &entry, &shown).await;
    Ok(made(move || api_page(&site, &entry, &part, told)).await)
}

fn api_page(site: &Visit, entry: &Entry, part: &Part, told: Vec<Option<Edge>>) -> Response {
    let head = Head::of(entry, site);
    let reference = entry.reference.as_deref();
    let more_routes = entry.api.routes().count().saturating_sub(MOST_ROUTES);
    let routes = entry.api.routes().take(MOST_ROUTES).map(|served| route(served, reference, site.texts())).collect();
    let groups = reference.map(|known| listed(site, groups(known, part.page), told)).unwrap_or_default();
    let count_schemas = reference.into_iter().flat_map(Reference::schemas).count();
    let count_webhooks = reference.map_or(0, |known| known.webhooks.len());
    let info = |key: &str| reference.and_then(|known| known.document.info(key));
    let of_info = |key: &str, name: &str| {
        let value = &reference?.document.value["info"][key];
        crate::document::text(value, name).map(str::to_owned)
    };
    let page = ApiPage {
        frame: site.frame(),
        menu: reference.map(|known| Menu::of(known, "")).unwrap_or_default(),
        newest_change: newest_change(site, entry),
        about: &entry.about,
        description: info("description").map(|text| Budget::default().prose(text, 2)).unwrap_or_default(),
        groups,
        pages: pages(reference.map_or(0, |known| known.operations.len()), &format!("{}?page=", head.link), part.page),
        webhook_pages: pages(count_webhooks, &format!("{}?webhooks=", head.link), part.webhooks),
        schema_pages: pages(count_schemas, &format!("{}?schemas=", head.link), part.schemas),
        webhooks: reference
            .into_iter()
            .flat_map(|known| &known.webhooks)
            .skip(part.webhooks.saturating_mul(PER_PAGE))
            .take(PER_PAGE)
            .map(|webhook| (webhook, format!("{}/webhooks/{}", head.link, escape_path(&webhook.slug))))
            .collect(),
        other_servers: reference.filter(|_| !head.servers.is_empty()).map(Reference::other_servers).unwrap_or_default(),
        schemas: reference
            .into_iter()
            .flat_map(Reference::schemas)
            .skip(part.schemas.saturating_mul(PER_PAGE))
            .take(PER_PAGE)
            .map(|name| (name, format!("{}/schemas/{}", head.link, escape_path(name))))
            .collect(),
        routes,
        more_routes,
        contact: of_info("contact", "email").or_else(|| of_info("contact", "name")),
        license: of_info("license", "name"),
        operations_words: reference
            .filter(|known| !known.operations.is_empty())
            .map(|known| site.texts().count("count_operation", known.operations.len()))
            .unwrap_or_default(),
        unrouted: reference.map_or(0, Reference::unrouted),
        head,
    };
    respond(&page)
}

/// The groups of one page of operations.
fn groups(reference: &Reference, page: usize) -> Vec<(&Group, Vec<&Operation>)> {
    let places = reference.groups.iter().flat_map(|group| group.operations.iter().map(move |place| (group, *place)));
    let mut groups: Vec<(&Group, Vec<&Operation>)> = Vec::new();
    for (group, place) in places.skip(page.saturating_mul(PER_PAGE)).take(PER_PAGE) {
        let Some(operation) = reference.operations.get(place) else { continue };
        match groups.last_mut() {
            Some((last, operations)) if last.tag == group.tag => operations.push(operation),
            _ => groups.push((group, vec![operation])),
        }
    }
    groups
}

/// The pages of a list of so many, where there are several: of very many those around the one that is shown.
fn pages(count: usize, link: &str, here: usize) -> Pages {
    let pages = count.div_ceil(PER_PAGE);
    let is_near = |page: &usize| *page < NEAR || pages - page <= NEAR || page.abs_diff(here) <= NEAR;
    let all = (0..pages).filter(is_near).map(|page| (page + 1, format!("{link}{page}"), page == here));
    all.filter(|_| pages > 1).collect()
}

fn route(served: &ServedApi, reference: Option<&Reference>, texts: &Texts) -> Route {
    Route {
        name: format!("{} {}/{}", served.kind, served.namespace, served.name),
        method: served.method.clone().unwrap_or_else(|| texts.text("any").to_owned()),
        path: served.path.text().to_owned(),
        hosts: served.hosts.iter().map(|host| host.host.clone()).collect(),
        conditions: served.conditions.clone(),
        access: access(served, texts),
        timeout: match served.timeout_ms {
            0 => texts.text("none").to_owned(),
            timeout => texts.with("seconds", "number", &(timeout as f64 / 1000.0)),
        },
        is_documented: reference.is_none_or(|known| known.documents(served)),
    }
}

/// Edge Stack's address of an API that its Mapping gives a name to.
pub(super) async fn by_title(site: Visit, Path(title): Path<String>) -> Result<Redirect, NotFound> {
    let entry = site.catalog().entries.iter().find(|entry| entry.title() == title);
    let entry = entry.ok_or_else(|| NotFound::new(&site, site.texts().with("no_api", "api", &title)))?;
    Ok(Redirect::temporary(&api_link(&entry.api.id)))
}

/// The same of one whose prefix has several segments: no address of a page is like it.
pub(super) fn by_long_prefix(site: &Visit, path: &str) -> Option<Redirect> {
    let (name, prefix) = path.strip_prefix("/docs/doc/")?.split_once('/')?;
    let plain = |text| percent_decode_str(text).decode_utf8().ok();
    let entry = site.catalog().find_by_prefix(&plain(name)?, &plain(prefix)?)?;
    Some(Redirect::temporary(&api_link(&entry.api.id)))
}

/// An API that the gateway serves.
pub(super) fn find(site: &Visit, namespace: &str, name: &str) -> Result<Arc<Entry>, NotFound> {
    let catalog = site.catalog();
    let by_prefix = || catalog.find_by_prefix(namespace, name);
    let entry = catalog.find(namespace, name).or_else(by_prefix).cloned();
    entry.ok_or_else(|| NotFound::new(site, site.texts().with("no_api", "api", &format!("{namespace}/{name}"))))
}
