//! Keeping the search in step with the catalog.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::catalog::{Catalog, Entry, Shared};
use crate::content::{self, Content};
use crate::search::{Search, SharedSearch};

/// How long changes are gathered: at the start one document comes after the other.
const GATHER: Duration = Duration::from_millis(300);

/// So much of the time is for other things.
const REST: u32 = 8;

/// What was indexed last: a document that was only looked at again is the same.
#[derive(Default)]
struct Indexed {
    catalog: Arc<Catalog>,
    content: Option<Arc<Content>>,
}

impl Indexed {
    fn is(&self, catalog: &Catalog, content: &Arc<Content>) -> bool {
        let is_same = |(one, other): (&Arc<Entry>, &Arc<Entry>)| {
            let references = (one.reference.as_ref(), other.reference.as_ref());
            (Arc::ptr_eq(&one.api, &other.api) || one.api.reads_like(&other.api))
                && match references {
                    (Some(one), Some(other)) => Arc::ptr_eq(one, other),
                    (one, other) => one.is_none() && other.is_none(),
                }
        };
        self.content.as_ref().is_some_and(|known| Arc::ptr_eq(known, content))
            && self.catalog.portal == catalog.portal
            && self.catalog.entries.len() == catalog.entries.len()
            && self.catalog.entries.iter().zip(&catalog.entries).all(is_same)
    }
}

/// Makes the index anew whenever something that can be found is another.
pub(crate) async fn index(catalog: Shared, content: content::Shared, search: SharedSearch, changed: Arc<Notify>) {
    let (mut indexed, mut rest) = (Indexed::default(), GATHER);
    loop {
        changed.notified().await;
        tokio::time::sleep(rest).await;
        let (now, pages) = (catalog.load_full(), content.load_full());
        if indexed.is(&now, &pages) {
            continue;
        }
        indexed = Indexed { catalog: Arc::clone(&now), content: Some(Arc::clone(&pages)) };
        let begun = Instant::now();
        let index = tokio::task::spawn_blocking(move || Search::new(&now, &pages).map_err(|error| error.to_string()));
        match index.await.unwrap_or_else(|error| Err(error.to_string())) {
            Ok(index) => search.store(Arc::new(Some(index))),
            Err(error) => tracing::error!("the search cannot be brought up to date: {error}"),
        }
        // Of thousands of operations it takes a while: then the next has to wait, too.
        rest = GATHER.max(begun.elapsed() * REST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tests::of_service;
    use crate::history::tests::said;

    #[test]
    fn what_was_only_looked_at_again_is_the_same() {
        let (api, content) = (Arc::new(of_service()), Arc::new(Content::default()));
        let reference = Some(Arc::new(said(&crate::web::tests::cart())));
        let catalog = |reference: &Option<_>| {
            let entry = Entry::new(Arc::clone(&api), Option::clone(reference));
            Arc::new(Catalog { entries: vec![Arc::new(entry)], ..Catalog::default() })
        };
        let mut moved = (*api).clone();
        moved.served.upstream.endpoints = serde_json::from_str(r#"[{ "address": "127.0.0.1:1" }]"#).unwrap();
        let moved = Entry::new(Arc::new(moved), reference.clone());
        let moved = Catalog { entries: vec![Arc::new(moved)], ..Catalog::default() };
        let indexed = Indexed { catalog: catalog(&reference), content: Some(Arc::clone(&content)) };
        assert!(indexed.is(&catalog(&reference), &content));
        assert!(indexed.is(&moved, &content), "an endpoint is nothing that is found");
        assert!(!indexed.is(&catalog(&None), &content));
        assert!(!indexed.is(&catalog(&Some(Arc::new(said(&crate::web::tests::cart())))), &content));
        assert!(!indexed.is(&catalog(&reference), &Arc::new(Content::default())));
        assert!(!Indexed::default().is(&Catalog::default(), &content), "the first is always made");
    }
}
