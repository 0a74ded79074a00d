//! What has changed: a page of each API, and one of all of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use serde::Deserialize;

use super::error::NotFound;
use super::page::{Frame, respond};
use super::reference::{Head, Menu, api_link, find};
use super::visit::Visit;
use super::words::Moment;
use crate::catalog::Entry;
use crate::changes::Change;
use crate::history::Version;
use crate::reference::Reference;
use crate::texts::Texts;

/// How many versions the page of all APIs has.
const MOST: usize = 50;
/// How many changes of each it names.
const NAMED: usize = 3;
/// How many changes of each version the page of an API names; one version by itself is told whole.
const NAMED_OF_API: usize = 50;

/// A version of a document.
pub(super) struct VersionView {
    number: u64,
    when: Moment,
    label: Option<String>,
    words: String,
    is_breaking: bool,
    changes: Vec<ChangeView>,
    more_changes: usize,
    /// Those of them that are kept.
    kept_changes: usize,
}

/// The same without its place among others.
pub(crate) struct ChangesView {
    pub(crate) words: String,
    pub(crate) is_breaking: bool,
    pub(crate) changes: Vec<ChangeView>,
}

/// A change.
pub(crate) struct ChangeView {
    pub(crate) severity: &'static str,
    pub(crate) rule: String,
    pub(crate) place: String,
    pub(crate) text: Vec<Piece>,
    /// Each with the link to its page, if it has one still.
    pub(crate) operations: Vec<(String, Option<String>)>,
    pub(crate) more_operations: usize,
}

/// A part of a sentence.
pub(crate) struct Piece {
    pub(crate) text: String,
    pub(crate) is_code: bool,
}

/// A sentence in parts: every second one is code.
fn pieces(text: &str) -> Vec<Piece> {
    let parts = text.split('`').enumerate();
    parts.map(|(place, text)| Piece { text: text.to_owned(), is_code: place % 2 == 1 }).collect()
}

/// The pages of operations, by method and path.
type Links = BTreeMap<String, String>;

fn links(reference: &Reference, link: &str) -> Links {
    let operations = reference.operations.iter();
    let page = |slug: &str| format!("{link}/operations/{}", super::escape_path(slug));
    operations.map(|one| (format!("{} {}", one.method, one.path), page(&one.slug))).collect()
}

impl VersionView {
    fn of(version: &Version, links: &Links, most: usize, texts: &Texts) -> Self {
        let rest = version.changes.len().saturating_sub(most);
        Self {
            number: version.number,
            when: Moment::new(texts, version.since),
            label: version.label.clone(),
            words: words_of(version, texts),
            is_breaking: version.is_breaking(),
            changes: version.changes.iter().take(most).map(|change| ChangeView::of(change, links)).collect(),
            more_changes: version.more_changes + rest,
            kept_changes: rest,
        }
    }
}

impl ChangesView {
    /// What a document has that is no version of the API; `old` is what clients know, whose pages are at `link`.
    pub(crate) fn between(version: &Version, old: &Reference, link: &str, texts: &Texts) -> Self {
        let links = links(old, link);
        Self {
            words: words_of(version, texts),
            is_breaking: version.is_breaking(),
            changes: version.changes.iter().take(NAMED_OF_API).map(|change| ChangeView::of(change, &links)).collect(),
        }
    }
}

/// What had changed, in a few words.
pub(super) fn words_of(version: &Version, texts: &Texts) -> String {
    if version.changes.is_empty() {
        return texts.text("first_seen").to_owned();
    }
    let counted = version.counts().into_iter().map(|(number, severity)| {
        texts.fill("count_of_severity", &[("number", &number), ("severity", &texts.text(severity.as_str()))])
    });
    counted.collect::<Vec<_>>().join(", ")
}

impl ChangeView {
    fn of(change: &Change, links: &Links) -> Self {
        let operation = |name: &String| (name.clone(), links.get(name).cloned());
        Self {
            severity: change.severity.as_str(),
            rule: change.rule.clone(),
            place: change.place.clone(),
            text: pieces(&change.text),
            operations: change.operations.iter().map(operation).collect(),
            more_operations: change.more_operations,
        }
    }
}

#[derive(Template)]
#[template(path = "changes.html")]
struct Page<'a> {
    frame: Frame<'a>,
    head: Head,
    menu: Menu<'a>,
    versions: Vec<VersionView>,
}

/// Which part of a page is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Part {
    /// The number of the only version that is told, whole.
    version: Option<u64>,
}

impl Part {
    fn of<'v>(&self, versions: &'v [Arc<Version>]) -> impl Iterator<Item = (&'v Version, usize)> {
        let only = self.version;
        let most = if only.is_some() { usize::MAX } else { NAMED_OF_API };
        let wanted = versions.iter().filter(move |version| only.is_none_or(|number| version.number == number));
        wanted.map(move |version| (&**version, most))
    }
}

/// The page of an API.
pub(super) async fn of_api(
    site: Visit,
    Path((namespace, name)): Path<(String, String)>,
    Query(part): Query<Part>,
) -> Result<Response, NotFound> {
    let entry = find(&site, &namespace, &name)?;
    let reference = entry.reference.as_deref();
    let head = Head::of(&entry, &site);
    let links = reference.map(|known| links(known, &head.link)).unwrap_or_default();
    let versions = site.versions(&entry.api.id);
    let page = Page {
        frame: site.frame(),
        menu: reference.map(|known| Menu::of(known, "")).unwrap_or_default(),
        versions: part
            .of(&versions)
            .map(|(version, most)| VersionView::of(version, &links, most, site.texts()))
            .collect(),
        head,
    };
    Ok(respond(&page))
}

#[derive(Template)]
#[template(path = "all_changes.html")]
struct AllPage<'a> {
    frame: Frame<'a>,
    versions: Vec<(String, String, VersionView)>,
}

/// The page of all APIs.
pub(super) async fn of_all(site: Visit) -> Response {
    let view = |(entry, version): &(Arc<Entry>, Arc<Version>)| {
        let link = format!("{}/changes#v{}", api_link(&entry.api.id), version.number);
        (entry.title().to_owned(), link, VersionView::of(version, &Links::new(), NAMED, site.texts()))
    };
    let versions = recent(&site, MOST).iter().map(view).collect();
    respond(&AllPage { frame: site.frame(), versions })
}

/// The newest versions of all APIs that changed something.
pub(super) fn recent(site: &Visit, most: usize) -> Vec<(Arc<Entry>, Arc<Version>)> {
    let catalog = site.catalog();
    let versions = |entry: &Arc<Entry>| {
        let changed = site.versions(&entry.api.id).into_iter().filter(|version| !version.changes.is_empty());
        changed.map(|version| (Arc::clone(entry), version)).collect::<Vec<_>>()
    };
    let mut all: Vec<_> = catalog.entries.iter().flat_map(versions).collect();
    all.sort_by_key(|(_, version)| std::cmp::Reverse(version.since));
    all.truncate(most);
    all
}
