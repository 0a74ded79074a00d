//! Documents for clients: made when somebody asks for them, and kept while nothing that they are made of is another.

mod routes;
mod shelf;

use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use tokio::sync::Semaphore;

use self::routes::Routes;
use self::shelf::Shelf;
use crate::catalog::{Catalog, Entry};
use crate::gateway::Admin;
use crate::merged::merge;
use crate::reference::Reference;
use crate::routed::Routed;

/// How many are made at once; the one of all APIs is made alone.
const AT_ONCE: u32 = 2;

/// A document as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Export {
    /// It is the one that is known already, by this tag.
    Known(String),
    /// The document, and its tag.
    Text(String, Bytes),
}

/// Making it broke off.
#[derive(Debug, thiserror::Error)]
#[error("the document cannot be made")]
pub(crate) struct Failed;

/// All of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exports(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    routes: Routes,
    shelf: Mutex<Shelf<Origin>>,
    making: Semaphore,
}

impl Default for Inner {
    fn default() -> Self {
        let making = Semaphore::new(AT_ONCE as usize);
        Self { routes: Routes::default(), shelf: Mutex::default(), making }
    }
}

/// What a document is made of.
#[derive(Clone, Debug, PartialEq)]
struct Origin {
    /// What the one of all APIs is called; none of a single API's.
    title: Option<String>,
    parts: Vec<Part>,
}

/// An API of it.
#[derive(Clone, Debug)]
struct Part {
    /// What it is called.
    title: String,
    reference: Weak<Reference>,
    routed: Weak<Routed>,
}

impl Origin {
    /// About how many bytes it takes.
    fn weight(&self) -> usize {
        let of_part = |part: &Part| size_of::<Part>() + part.title.len();
        self.title.as_ref().map_or(0, String::len) + self.parts.iter().map(of_part).sum::<usize>()
    }
}

impl PartialEq for Part {
    fn eq(&self, other: &Self) -> bool {
        // As long as one is kept here, nothing else is at its place.
        Weak::ptr_eq(&self.reference, &other.reference)
            && Weak::ptr_eq(&self.routed, &other.routed)
            && self.title == other.title
    }
}

impl Part {
    fn of(title: &str, reference: Option<&Arc<Reference>>, routed: Option<&Arc<Routed>>) -> Self {
        let reference = reference.map(Arc::downgrade).unwrap_or_default();
        Self { title: title.to_owned(), reference, routed: routed.map(Arc::downgrade).unwrap_or_default() }
    }
}

impl Exports {
    /// The document of an API, as clients meet the API. `knows` says whether a document with this tag is there already.
    pub(crate) async fn of_api(
        &self,
        admin: &Admin,
        edition: u64,
        reference: &Arc<Reference>,
        knows: impl Fn(&str) -> bool,
    ) -> Result<Export, Failed> {
        let routed =
            self.0.routes.of(admin, edition, std::slice::from_ref(reference)).await.into_iter().flatten().next();
        let part = Part::of("", Some(reference), routed.as_ref());
        let reference = Arc::clone(reference);
        let make = move || pretty(&copy(&reference, routed.as_deref()));
        self.give(Origin { title: None, parts: vec![part] }, 1, knows, make).await
    }

    /// One document of all APIs of a catalog, called `title`.
    pub(crate) async fn of_all(
        &self,
        admin: &Admin,
        catalog: &Catalog,
        title: &str,
        knows: impl Fn(&str) -> bool,
    ) -> Result<Export, Failed> {
        let references: Vec<_> = catalog.entries.iter().filter_map(|entry| entry.reference.clone()).collect();
        let mut routed = self.0.routes.of(admin, catalog.edition, &references).await.into_iter();
        let with_routes = |entry: &Arc<Entry>| {
            let routed = entry.reference.as_ref().and_then(|_| routed.next().flatten());
            (Arc::clone(entry), routed)
        };
        let entries: Vec<_> = catalog.entries.iter().map(with_routes).collect();
        let part = |(entry, routed): &(Arc<Entry>, Option<Arc<Routed>>)| {
            let named = format!("{}\n{}", entry.api.id, entry.title());
            Part::of(&named, entry.reference.as_ref(), routed.as_ref())
        };
        let origin = Origin { title: Some(title.to_owned()), parts: entries.iter().map(part).collect() };
        let title = title.to_owned();
        let make = move || pretty(&merge(&title, entries.iter().map(|(entry, routed)| (&**entry, routed.as_deref()))));
        self.give(origin, AT_ONCE, knows, make).await
    }

    /// What becomes of the operations of these documents, each; nothing of those of which nothing is said.
    pub(crate) async fn routed(
        &self,
        admin: &Admin,
        edition: u64,
        references: &[Arc<Reference>],
    ) -> Vec<Option<Arc<Routed>>> {
        self.0.routes.of(admin, edition, references).await
    }

    /// What is made of this: once, however many ask for it.
    async fn give(
        &self,
        origin: Origin,
        permits: u32,
        knows: impl Fn(&str) -> bool,
        make: impl FnOnce() -> Vec<u8> + Send + 'static,
    ) -> Result<Export, Failed> {
        if let Some(kept) = self.kept(&origin, &knows) {
            return Ok(kept);
        }
        let _permits = self.0.making.acquire_many(permits).await.map_err(|_| Failed)?;
        if let Some(kept) = self.kept(&origin, &knows) {
            return Ok(kept);
        }
        let made = tokio::task::spawn_blocking(make).await;
        let text = Bytes::from(made.inspect_err(|error| tracing::error!("{Failed}: {error}")).map_err(|_| Failed)?);
        // It is the same however it is compressed.
        let tag = format!("W/\"{:016x}\"", xxhash_rust::xxh3::xxh3_64(&text));
        self.shelf(|shelf| shelf.put(origin.clone(), origin.weight(), tag.clone(), text.clone()));
        Ok(if knows(&tag) { Export::Known(tag) } else { Export::Text(tag, text) })
    }

    fn kept(&self, origin: &Origin, knows: impl Fn(&str) -> bool) -> Option<Export> {
        match self.shelf(|shelf| shelf.get(origin))? {
            (tag, _) if knows(&tag) => Some(Export::Known(tag)),
            (tag, text) => Some(Export::Text(tag, text?)),
        }
    }

    fn shelf<T>(&self, with: impl FnOnce(&mut Shelf<Origin>) -> T) -> T {
        // Nothing is left half done under it.
        with(&mut self.0.shelf.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The copy of a document for clients.
fn copy(reference: &Reference, routed: Option<&Routed>) -> serde_json::Value {
    let mut copy = reference.value().clone();
    if let Some(routed) = routed {
        routed.write(&mut copy, reference.document.version, reference);
    }
    copy
}

fn pretty(document: &serde_json::Value) -> Vec<u8> {
    serde_json::to_vec_pretty(document).unwrap_or_default()
}
