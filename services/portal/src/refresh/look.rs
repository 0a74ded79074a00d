//! One look at a document.

use std::sync::Arc;
use std::time::Duration;

use crate::api::Api;
use crate::cause::Cause;
use crate::document::Document;
use crate::fetch::{FetchError, Fetched, Fetcher, Target, Validators};
use crate::history::History;
use crate::reference::Reference;

/// What to look at, and what is known of it.
pub(super) struct Question {
    pub(super) api: Arc<Api>,
    pub(super) target: Target,
    pub(super) known: Option<Arc<Reference>>,
    pub(super) source: Option<Source>,
}

/// Where a document was found, and what the server said of it there: what another place has is another document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) place: Target,
    pub(super) validators: Validators,
}

/// Why there is no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) why: Cause,
    /// Somebody answered, and has none.
    pub(super) is_answer: bool,
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        Self { is_answer: error.is_answer(), why: Cause::from(&error) }
    }
}

impl Failure {
    /// An answer that cannot be used.
    pub(super) fn of_answer(why: impl Into<String>) -> Self {
        Self { why: Cause::public(why), is_answer: true }
    }
}

/// What came of it.
pub(super) struct Looked {
    /// What was looked at: in the meantime it may be another.
    pub(super) api: Arc<Api>,
    /// The newest good document.
    pub(super) reference: Option<Arc<Reference>>,
    /// Where it is, or why there is none.
    pub(super) answer: Result<Source, Failure>,
}

/// Fetches a document and reads it, unless it is what it was. What is new goes down in the history.
pub(super) async fn look(fetcher: &Fetcher, history: Arc<History>, question: Question) -> Looked {
    let Question { api, target, known, source } = question;
    let before = known.as_ref().map(|known| Arc::clone(&known.document));
    // Without a document there is nothing that could be as it was.
    let source = source.filter(|_| before.is_some());
    let (document, answer) = search(fetcher, &target, source.as_ref(), api.timeout, before.as_ref()).await;
    let reference = match (document, known) {
        (None, _) => None,
        (Some(document), Some(known)) if Arc::ptr_eq(&document, &known.document) && known.api.reads_like(&api) => {
            Some(known)
        }
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

/// A document that is asked for once; why there is none otherwise.
pub(crate) async fn document(
    fetcher: &Fetcher,
    target: &Target,
    timeout: Option<Duration>,
) -> Result<Arc<Document>, Cause> {
    let (document, answer) = search(fetcher, target, None, timeout, None).await;
    let why = answer.err().map_or_else(|| Cause::public("there is none"), |failure| failure.why);
    document.ok_or(why)
}

/// The newest good document, and where it is, or why there is none.
type Found = (Option<Arc<Document>>, Result<Source, Failure>);

/// Asks one place after the other, first the one where the document was.
async fn search(
    fetcher: &Fetcher,
    target: &Target,
    source: Option<&Source>,
    timeout: Option<Duration>,
    before: Option<&Arc<Document>>,
) -> Found {
    let is_known = |place: &Target| source.is_some_and(|source| source.place == *place);
    let (mut places, rest): (Vec<_>, Vec<_>) = target.places().into_iter().partition(is_known);
    places.extend(rest);
    let mut failure = Failure::of_answer("it is nowhere");
    for place in places {
        let own = source.filter(|source| source.place == place);
        let validators = own.map(|source| source.validators.clone()).unwrap_or_default();
        let (document, answer) = read(fetcher, &place, &validators, timeout, before.cloned()).await;
        match answer {
            Ok(validators) => return (document, Ok(Source { place, validators })),
            // Where one of them does not answer, nobody knows what it has.
            Err(why) => failure = Failure { is_answer: failure.is_answer && why.is_answer, ..why },
        }
    }
    (before.cloned(), Err(failure))
}

/// The document at a place, or the one that was known before; and what the server said of it, or why there is none.
async fn read(
    fetcher: &Fetcher,
    place: &Target,
    validators: &Validators,
    timeout: Option<Duration>,
    before: Option<Arc<Document>>,
) -> (Option<Arc<Document>>, Result<Validators, Failure>) {
    match fetcher.fetch(place, validators, timeout).await {
        Err(error) => (before, Err(error.into())),
        Ok(Fetched::NotModified) => (before, Ok(validators.clone())),
        Ok(Fetched::Text { body, validators }) => match before {
            Some(before) if before.original == body && *before.place == *place.place() => {
                (Some(before), Ok(validators))
            }
            before => match blocking(move || Document::read(body)).await {
                Some(Ok(document)) => (Some(Arc::new(document.at(&place.place()))), Ok(validators)),
                Some(Err(error)) => (before, Err(Failure::of_answer(error.to_string()))),
                None => (before, Err(Failure::of_answer("reading the document failed"))),
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
        probe_of(site(at).await).await
    }

    async fn probe_of(address: std::net::SocketAddr) -> Looked {
        let (fetcher, api) = probed(address);
        let target = api.target.clone().unwrap();
        let question = Question { api: Arc::new(api), target, known: None, source: None };
        look(&fetcher, Arc::default(), question).await
    }

    /// What asks a service of which nobody says anything.
    fn probed(address: std::net::SocketAddr) -> (Fetcher, Api) {
        _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let upstream = json!({ "service": "web:80", "endpoints": [{ "address": address.to_string() }], "names": [],
            "tls": null, "host": null });
        let served =
            ServedApi { docs: None, upstream: serde_json::from_value(upstream).unwrap(), ..of_service().served };
        let api = Served::of(vec![served], &PortalSpec::default(), &[], true).apis.remove(0);
        let certificates = Certificates::Elsewhere { admin: Admin::new("127.0.0.1:1").unwrap(), directory: None };
        let fetcher = Fetcher::new(&crate::settings::tests::settings(&[]), certificates).unwrap();
        (fetcher, api)
    }

    #[tokio::test]
    async fn a_service_of_which_nobody_says_anything_is_asked_where_frameworks_have_documents() {
        let found = probe("/v3/api-docs").await;
        assert!(found.reference.is_some() && found.answer.is_ok(), "{:?}", found.answer);
        let found = probe("/elsewhere").await;
        assert!(found.reference.is_none() && found.answer.unwrap_err().is_answer);
        // The system gives nobody such a port.
        let gone = ([127, 0, 0, 1], 9).into();
        assert!(!probe_of(gone).await.answer.unwrap_err().is_answer, "nobody knows what it has");
    }

    #[tokio::test]
    async fn a_document_is_prepared_once_wherever_its_service_moves() {
        let (fetcher, api) = probed(site("/openapi.json").await);
        let question = |api: Api, known| {
            let target = api.target.clone().unwrap();
            Question { api: Arc::new(api), target, known, source: None }
        };
        let first = look(&fetcher, Arc::default(), question(api, None)).await.reference.unwrap();
        let (_, moved) = probed(site("/openapi.json").await);
        let second = look(&fetcher, Arc::default(), question(moved.clone(), Some(Arc::clone(&first)))).await;
        assert!(*second.api != *first.api && Arc::ptr_eq(second.reference.as_ref().unwrap(), &first));
        let mut other = moved;
        other.served.path = crate::gateway::Path::Prefix("/other/".to_owned());
        let third = look(&fetcher, Arc::default(), question(other, Some(Arc::clone(&first)))).await;
        assert!(!Arc::ptr_eq(third.reference.as_ref().unwrap(), &first), "clients reach it elsewhere");
    }

    #[tokio::test]
    async fn another_place_cannot_say_that_a_document_is_what_it_was() {
        // The document has gone from where it was, and whoever knows its tag says that it is the same.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (noted, mut is_there) = (Arc::clone(&asked), true);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let head = String::from_utf8_lossy(&head).to_lowercase();
                let path = head.split(' ').nth(1).unwrap().to_owned();
                let answer = match (path.as_str(), head.contains("if-none-match")) {
                    ("/v3/api-docs", _) if std::mem::take(&mut is_there) => {
                        "200 OK\r\netag: \"1\"\r\ncontent-length: 14\r\n\r\nopenapi: 3.1.0"
                    }
                    ("/v3/api-docs", _) | (_, false) => "404 Not Found\r\ncontent-length: 0\r\n\r\n",
                    (_, true) => "304 Not Modified\r\n\r\n",
                };
                noted.lock().unwrap().push(path);
                _ = stream.write_all(format!("HTTP/1.1 {answer}").as_bytes()).await;
            }
        });
        let (fetcher, api) = probed(address);
        let (api, target) = (Arc::new(api.clone()), api.target.unwrap());
        let question = |known, source| Question { api: Arc::clone(&api), target: target.clone(), known, source };
        let first = look(&fetcher, Arc::default(), question(None, None)).await;
        let source = first.answer.unwrap();
        asked.lock().unwrap().clear();
        let second = look(&fetcher, Arc::default(), question(first.reference, Some(source))).await;
        assert!(second.answer.is_err() && second.reference.is_some(), "{:?}", second.answer);
        let asked = asked.lock().unwrap().clone();
        assert_eq!((asked[0].as_str(), asked.len()), ("/v3/api-docs", 5), "first where it was, and each place once");
    }
}
