//! One look at a document.

use std::sync::Arc;

use crate::api::Api;
use crate::document::Document;
use crate::fetch::{Fetched, Fetcher, Target, Validators};
use crate::history::History;
use crate::reference::Reference;

/// What to look at, and what is known of it.
pub(super) struct Question {
    pub(super) api: Arc<Api>,
    pub(super) target: Target,
    pub(super) known: Option<Arc<Reference>>,
    pub(super) validators: Validators,
}

/// What came of it.
pub(super) struct Looked {
    /// What was looked at: in the meantime it may be another.
    pub(super) api: Arc<Api>,
    /// The newest good document.
    pub(super) reference: Option<Arc<Reference>>,
    /// What the server said of it, or why there is no answer.
    pub(super) answer: Result<Validators, String>,
}

/// Fetches a document and reads it, unless it is what it was. What is new goes down in the history.
pub(super) async fn look(fetcher: &Fetcher, history: Arc<History>, question: Question) -> Looked {
    let Question { api, target, known, validators } = question;
    // Without a document there is nothing that could be as it was.
    let validators = if known.is_some() { validators } else { Validators::default() };
    let before = known.as_ref().map(|known| Arc::clone(&known.document));
    let (document, answer) = match fetcher.fetch(&target, &validators, api.timeout).await {
        Err(error) => (before, Err(error.to_string())),
        Ok(Fetched::NotModified) => (before, Ok(validators)),
        Ok(Fetched::Text { body, validators }) => match before {
            Some(before) if before.original == body => (Some(before), Ok(validators)),
            before => match blocking(move || Document::read(body)).await {
                Some(Ok(document)) => (Some(Arc::new(document)), Ok(validators)),
                Some(Err(error)) => (before, Err(error.to_string())),
                None => (before, Err("reading the document failed".to_owned())),
            },
        },
    };
    let reference = match (document, known) {
        (None, _) => None,
        (Some(document), Some(known)) if Arc::ptr_eq(&document, &known.document) && *known.api == *api => Some(known),
        (Some(document), known) => {
            let api = Arc::clone(&api);
            let new = blocking(move || Arc::new(Reference::new(api, document))).await;
            if let Some(new) = new.clone() {
                blocking(move || history.record(&new)).await;
            }
            new.or(known)
        }
    };
    Looked { api, reference, answer }
}

/// Work that takes long, where it holds nobody up; `None` if it panicked.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}
