//! One look at a document.

use std::sync::Arc;
use std::time::Duration;

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
    let (mut document, mut answer) = (before.clone(), Err("it is nowhere".to_owned()));
    for place in target.places() {
        (document, answer) = read(fetcher, &place, &validators, api.timeout, before.clone()).await;
        if answer.is_ok() {
            break;
        }
    }
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

/// The document at a place, or the one that was known before; and what the server said of it, or why there is none.
async fn read(
    fetcher: &Fetcher,
    place: &Target,
    validators: &Validators,
    timeout: Option<Duration>,
    before: Option<Arc<Document>>,
) -> (Option<Arc<Document>>, Result<Validators, String>) {
    match fetcher.fetch(place, validators, timeout).await {
        Err(error) => (before, Err(error.to_string())),
        Ok(Fetched::NotModified) => (before, Ok(validators.clone())),
        Ok(Fetched::Text { body, validators }) => match before {
            Some(before) if before.original == body => (Some(before), Ok(validators)),
            before => match blocking(move || Document::read(body)).await {
                Some(Ok(document)) => (Some(Arc::new(document)), Ok(validators)),
                Some(Err(error)) => (before, Err(error.to_string())),
                None => (before, Err("reading the document failed".to_owned())),
            },
        },
    }
}

/// Work that takes long, where it holds nobody up; `None` if it panicked.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::api::{Served, tests::of_service};
    use crate::fetch::Certificates;
    use crate::gateway::{Admin, PortalSpec, ServedApi};

    /// A service that answers every request with a page, but has a document at one place.
    async fn site(at: &'static str) -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let is_there = String::from_utf8_lossy(&head).starts_with(&format!("GET {at} "));
                let body = if is_there { "openapi: 3.1.0" } else { "<html>" };
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                _ = stream.write_all((head + body).as_bytes()).await;
            }
        });
        address
    }

    async fn probe(at: &'static str) -> Looked {
        _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let upstream = json!({ "service": "web:80", "endpoints": [{ "address": site(at).await.to_string() }], "names": [],
            "tls": null, "host": null });
        let served =
            ServedApi { docs: None, upstream: serde_json::from_value(upstream).unwrap(), ..of_service().served };
        let api = Served::of(vec![served], &PortalSpec::default(), &[], true).apis.remove(0);
        let certificates = Certificates::Elsewhere { admin: Admin::new("127.0.0.1:1").unwrap(), directory: None };
        let fetcher = Fetcher::new(&crate::settings::tests::settings(&[]), certificates).unwrap();
        let target = api.target.clone().unwrap();
        let question = Question { api: Arc::new(api), target, known: None, validators: Validators::default() };
        look(&fetcher, Arc::default(), question).await
    }

    #[tokio::test]
    async fn a_service_of_which_nobody_says_anything_is_asked_where_frameworks_have_documents() {
        let found = probe("/v3/api-docs").await;
        assert!(found.reference.is_some() && found.answer.is_ok(), "{:?}", found.answer);
        let found = probe("/elsewhere").await;
        assert!(found.reference.is_none() && found.answer.is_err());
    }
}
