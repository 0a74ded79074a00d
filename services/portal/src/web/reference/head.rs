//! What every page of an API has: its head, and the list of its operations.

use std::sync::Arc;

use super::PER_PAGE;
use crate::api::ApiId;
use crate::catalog::{Entry, State};
use crate::gateway::{Credential, ServedApi};
use crate::reference::{Group, Operation, Reference};
use crate::texts::Texts;
use crate::web::Visit;
use crate::web::catalog::state_words;
use crate::web::escape_path;
use crate::web::words::ago;

/// Where the page of an API is.
pub(crate) fn api_link(id: &ApiId) -> String {
    format!("/docs/doc/{}/{}", escape_path(&id.namespace), escape_path(&id.segment()))
}

/// Below what the documents of an API are.
pub(crate) fn documents_link(id: &ApiId) -> String {
    format!("/openapi/services/{}/{}", escape_path(&id.namespace), escape_path(&id.segment()))
}

/// What requests have to show before they reach the service, in the words of whoever sends them: those of the gateway's
/// operators stand in the console.
pub(in crate::web) fn access(served: &ServedApi, texts: &Texts) -> Vec<String> {
    match served.always_asked {
        true => access_words(&served.asked(), texts),
        false => of_some("access_some_requests", &served.asked(), texts),
    }
}

/// The same of APIs, each: by its operations, where its ways do not all ask for the same.
pub(in crate::web) async fn accesses(site: &Visit, entries: &[&Arc<Entry>]) -> Vec<Vec<String>> {
    let texts = site.texts();
    let by_operations = |entry: &Entry| entry.reference.clone().filter(|_| is_mixed(entry));
    let references: Vec<_> = entries.iter().filter_map(|entry| by_operations(entry)).collect();
    let routed = site.exports.routed(&site.console.admin, site.catalog().edition, &references).await;
    let mut routed = routed.into_iter();
    let mut of_entry = |entry: &&Arc<Entry>| {
        let told = by_operations(entry).and_then(|_| routed.next().flatten()?.asked());
        match told {
            Some((credentials, true)) => access_words(&credentials, texts),
            Some((credentials, false)) => of_some("access_some_operations", &credentials, texts),
            None => access(&entry.api.served, texts),
        }
    };
    entries.iter().map(&mut of_entry).collect()
}

fn is_mixed(entry: &Entry) -> bool {
    let own = &entry.api.served;
    let mut ways = entry.api.routes().peekable();
    ways.peek().is_some_and(|way| !way.always_asked && !way.asked().is_empty())
        || ways.any(|way| (way.always_asked, way.asked()) != (own.always_asked, own.asked()))
}

fn of_some(which: &'static str, credentials: &[Credential], texts: &Texts) -> Vec<String> {
    access_words(credentials, texts).iter().map(|words| texts.with(which, "credential", words)).collect()
}

/// The same of what is known to be asked for.
pub(in crate::web) fn access_words(credentials: &[Credential], texts: &Texts) -> Vec<String> {
    credentials.iter().map(|credential| credential.words(texts)).collect()
}

/// The head of every page of an API, and the list at its side.
pub(in crate::web) struct Head {
    pub(in crate::web) title: String,
    pub(in crate::web) link: String,
    pub(in crate::web) id: String,
    pub(in crate::web) version: String,
    pub(in crate::web) specification: String,
    pub(in crate::web) state: State,
    pub(in crate::web) state_words: String,
    pub(in crate::web) trouble: Option<(String, String)>,
    pub(in crate::web) servers: Vec<String>,
    pub(in crate::web) not_computable: Option<String>,
    pub(in crate::web) documents: String,
}

impl Head {
    pub(in crate::web) fn of(entry: &Entry, site: &Visit) -> Self {
        let texts = site.texts();
        let (api, reference) = (&entry.api, entry.reference.as_ref());
        let info = |key: &str| reference.and_then(|known| known.document.info(key)).unwrap_or_default().to_owned();
        let path = api.served.path.text().trim_end_matches('/');
        Self {
            title: entry.title().to_owned(),
            link: api_link(&api.id),
            id: api.id.to_string(),
            version: info("version"),
            specification: reference.map(|known| known.document.version.to_string()).unwrap_or_default(),
            state: entry.state(),
            state_words: state_words(entry, texts),
            trouble: entry.trouble.as_ref().map(|trouble| (site.told(&trouble.why), ago(texts, trouble.since))),
            servers: site
                .nearest(reference.map_or(&[][..], |known| known.origins()))
                .into_iter()
                .map(|origin| origin + path)
                .collect(),
            not_computable: api.mount.as_ref().err().map(ToString::to_string),
            documents: documents_link(&api.id),
        }
    }
}

impl Head {
    /// Whether the document is one that the service said once.
    pub(in crate::web) fn is_stale(&self) -> bool {
        self.state == State::Stale
    }
}

/// The list of operations beside every page.
#[derive(Default)]
pub(in crate::web) struct Menu<'a> {
    pub(in crate::web) groups: Vec<(&'a Group, Vec<&'a Operation>)>,
    /// The operation whose page it is.
    pub(in crate::web) here: &'a str,
}

impl<'a> Menu<'a> {
    /// All operations of a small API; of a large one those that belong to the page.
    pub(in crate::web) fn of(reference: &'a Reference, here: &'a str) -> Self {
        let all = reference.groups.iter();
        let is_small = reference.operations.len() <= PER_PAGE;
        let tag = reference.operation(here).map(|operation| operation.tag.as_str());
        let shown = all.filter(|group| is_small || Some(group.tag.as_str()) == tag);
        let operations =
            |group: &'a Group| group.operations.iter().take(PER_PAGE).filter_map(|at| reference.operations.get(*at));
        Self { groups: shown.map(|group| (group, operations(group).collect())).collect(), here }
    }
}
