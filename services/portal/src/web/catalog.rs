//! The first page: every API, and how its document is.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;

use super::page::{Frame, respond};
use super::visit::Visit;
use super::words::ago;
use super::{escape_path, filters};
use crate::about::About;
use crate::api::Undocumented;
use crate::catalog::{Entry, State as DocumentState};
use crate::content;
use crate::markdown;
use crate::texts::Texts;

/// Which APIs to show. The URL of a page holds it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    /// Those with this text in their name, title, summary or path.
    q: String,
    namespace: String,
    state: String,
    team: String,
    lifecycle: String,
    tag: String,
}

/// The most choices of one facet.
const MOST_CHOICES: usize = 50;

#[derive(Template)]
#[template(path = "catalog.html")]
struct Page<'a> {
    frame: Frame<'a>,
    landing: Option<&'a content::Page>,
    /// That has the heading of the page.
    has_heading: bool,
    wanted: &'a Wanted,
    rows: Vec<Row>,
    shown: usize,
    total: usize,
    facets: Vec<Facet>,
    services: Vec<Service>,
    gateway_trouble: Option<(String, String)>,
    is_known: bool,
}

/// An API in the table.
struct Row {
    title: String,
    link: String,
    summary: String,
    /// What it is called beside its title.
    designation: String,
    version: String,
    specification: String,
    /// Where clients reach it, or why that cannot be told.
    address: String,
    is_reachable: bool,
    operations: usize,
    access: Vec<String>,
    about: Arc<About>,
    state: DocumentState,
    state_words: String,
}

/// A choice that the reader has.
struct Facet {
    title: &'static str,
    choices: Vec<Choice>,
}

struct Choice {
    label: String,
    count: usize,
    link: String,
    is_chosen: bool,
}

/// A service without a document.
struct Service {
    name: String,
    mapping: String,
    routes: Vec<String>,
}

/// The page.
pub(super) async fn page(site: Visit, Query(wanted): Query<Wanted>) -> Response {
    let catalog = site.catalog();
    let shown: Vec<_> = catalog.entries.iter().filter(|entry| wanted.takes(entry)).collect();
    let accesses = super::reference::accesses(&site, &shown).await;
    let rows = shown.into_iter().zip(accesses);
    let rows: Vec<_> = rows.map(|(entry, access)| row(&site, entry, access)).collect();
    let landing = site.landing().filter(|_| wanted.is_all());
    let page = Page {
        frame: Frame { term: &wanted.q, ..site.frame() },
        has_heading: landing.is_some_and(|landing| landing.heading.is_some()),
        landing,
        shown: rows.len(),
        rows,
        total: catalog.entries.len(),
        facets: facets(&catalog.entries, &wanted, site.texts()),
        // Nobody else can do something about them.
        services: catalog.undocumented.iter().filter(|_| site.may_operate()).map(service).collect(),
        gateway_trouble: catalog
            .gateway
            .as_ref()
            .map(|trouble| (site.told(&trouble.why), ago(site.texts(), trouble.since))),
        is_known: catalog.is_known,
        wanted: &wanted,
    };
    respond(&page)
}

impl Wanted {
    /// Whether nothing is left out.
    fn is_all(&self) -> bool {
        [&self.q, &self.namespace, &self.state, &self.team, &self.lifecycle, &self.tag]
            .iter()
            .all(|text| text.is_empty())
    }

    fn takes(&self, entry: &Entry) -> bool {
        let holds = |text: &str| text.to_lowercase().contains(&self.q.to_lowercase());
        let description = entry.reference.as_ref().and_then(|known| known.document.info("description"));
        let is_named = self.q.is_empty()
            || [entry.title(), &entry.api.id.name, entry.api.served.path.text()].into_iter().any(holds)
            || description.is_some_and(holds);
        let about = &entry.about;
        is_named
            && (self.team.is_empty() || self.team == about.team)
            && (self.lifecycle.is_empty() || self.lifecycle == about.lifecycle)
            && (self.tag.is_empty() || about.tags.contains(&self.tag))
            && (self.namespace.is_empty() || self.namespace == entry.api.id.namespace)
            && (self.state.is_empty() || self.state == entry.state().as_str())
    }

    /// The URL of the page with one thing changed; what is chosen already is taken back.
    fn link(&self, key: &str, value: &str) -> String {
        let given = [
            ("q", &self.q),
            ("namespace", &self.namespace),
            ("state", &self.state),
            ("team", &self.team),
            ("lifecycle", &self.lifecycle),
            ("tag", &self.tag),
        ];
        let pairs = given.map(|(name, was)| {
            let is = if name != key {
                was.as_str()
            } else if was == value {
                ""
            } else {
                value
            };
            (name, is)
        });
        let given = pairs.iter().filter(|(_, value)| !value.is_empty());
        let query: Vec<_> = given.map(|(name, value)| format!("{name}={}", escape_path(value))).collect();
        format!("/docs/?{}", query.join("&"))
    }
}

/// What the URL has of a choice, and what the reader is told.
type Value<'v> = (&'v str, &'v str);

/// One that is told as it is.
fn same(value: &str) -> Value<'_> {
    (value, value)
}

fn facets<'e>(entries: &'e [Arc<Entry>], wanted: &Wanted, texts: &'e Texts) -> Vec<Facet> {
    let facet = |title: &'static str, key: &'static str, chosen: &str, values: &dyn Fn(&'e Entry) -> Vec<Value<'e>>| {
        let mut counts: BTreeMap<Value<'_>, usize> = BTreeMap::new();
        for value in entries.iter().flat_map(|entry| values(entry)).filter(|(value, _)| !value.is_empty()) {
            *counts.entry(value).or_default() += 1;
        }
        let choice = |((value, label), count): (Value<'_>, usize)| Choice {
            link: wanted.link(key, value),
            is_chosen: value == chosen,
            label: label.to_owned(),
            count,
        };
        Facet { title, choices: counts.into_iter().map(choice).collect() }
    };
    let facets = [
        facet("facet_state", "state", &wanted.state, &|entry| {
            vec![(entry.state().as_str(), texts.text(entry.state().text()))]
        }),
        facet("facet_namespace", "namespace", &wanted.namespace, &|entry| vec![same(&entry.api.id.namespace)]),
        facet("facet_team", "team", &wanted.team, &|entry| vec![same(&entry.about.team)]),
        facet("facet_lifecycle", "lifecycle", &wanted.lifecycle, &|entry| vec![same(&entry.about.lifecycle)]),
        facet("facet_tag", "tag", &wanted.tag, &|entry| entry.about.tags.iter().map(|tag| same(tag)).collect()),
    ];
    // One choice is none.
    facets
        .into_iter()
        .filter(|facet| facet.choices.len() > 1 || facet.choices.iter().any(|one| one.is_chosen))
        .map(|facet| Facet { choices: facet.choices.into_iter().take(MOST_CHOICES).collect(), ..facet })
        .collect()
}

fn row(site: &Visit, entry: &Entry, access: Vec<String>) -> Row {
    let (api, reference) = (&entry.api, entry.reference.as_ref());
    let (address, is_reachable) = match &api.mount {
        Ok(mount) => {
            let nearest = site.nearest(&mount.origins).into_iter().next().unwrap_or_default();
            (nearest + api.served.path.text(), true)
        }
        Err(reason) => (reason.to_string(), false),
    };
    let info = |key: &str| reference.and_then(|known| known.document.info(key)).unwrap_or_default();
    let summary =
        if info("summary").is_empty() { markdown::summary(info("description")) } else { info("summary").to_owned() };
    Row {
        title: entry.title().to_owned(),
        link: super::reference::api_link(&api.id),
        summary,
        designation: entry.designation(site.catalog().portal.naming),
        version: info("version").to_owned(),
        specification: reference.map(|known| known.document.version.to_string()).unwrap_or_default(),
        address,
        is_reachable,
        operations: reference.map_or(0, |known| known.operations.len()),
        access,
        about: Arc::clone(&entry.about),
        state: entry.state(),
        state_words: state_words(entry, site.texts()),
    }
}

/// How the document is, and since when.
pub(super) fn state_words(entry: &Entry, texts: &Texts) -> String {
    let since = entry.trouble.as_ref().map(|trouble| trouble.since);
    let said = |name, moment: Option<Timestamp>| {
        moment.map(|moment| texts.with(name, "ago", &ago(texts, moment))).unwrap_or_default()
    };
    match entry.state() {
        DocumentState::Current => said("checked", entry.checked.last()),
        DocumentState::Stale => said("stale_since", since),
        DocumentState::Missing => said("missing_since", since),
        DocumentState::Waiting => texts.text("being_fetched").to_owned(),
    }
}

fn service(service: &Undocumented) -> Service {
    let first = service.routes.first();
    Service {
        name: service.service.clone(),
        mapping: first.map(|route| format!("{} {}/{}", route.kind, route.namespace, route.name)).unwrap_or_default(),
        routes: service.routes.iter().map(|route| route.path.text().to_owned()).collect(),
    }
}
