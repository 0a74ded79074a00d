//! Fetching documents: whatever a service, a manifest or a document says, only what may be asked is asked, for a bounded
//! time, and a bounded answer is read.

mod address;
mod body;
mod service;
mod tls;
mod url;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use reqwest::{Client, Response};
use tokio::time::{Instant, timeout_at};

pub(crate) use self::service::Service;
pub(crate) use self::tls::Certificates;
pub use self::tls::Secrets;
pub(crate) use self::url::DocumentUrl;
use crate::settings::Settings;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(2);
/// How long everything may take where nobody says otherwise.
const TOTAL: Duration = Duration::from_secs(10);
/// How long it may take at most.
const LONGEST: Duration = Duration::from_secs(30);
/// Redirects that are followed.
const MAX_REDIRECTS: usize = 3;
/// What is asked for.
const ACCEPT: HeaderValue = HeaderValue::from_static(
    "application/vnd.oai.openapi+json, application/json;q=0.9, application/yaml;q=0.8, */*;q=0.1",
);

/// Where a document is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// At the service of a Mapping.
    Service(Service),
    /// Elsewhere.
    Url(DocumentUrl),
    /// At one of these places of a service, perhaps.
    Probe(Vec<Service>),
}

impl Target {
    /// Whom it is asked of: one at a time.
    pub(crate) fn authority(&self) -> &str {
        match self {
            Self::Service(service) => &service.name,
            Self::Url(url) => url.authority(),
            Self::Probe(places) => places.first().map_or("", |place| &place.name),
        }
    }

    /// Endpoints that failed when it was asked for last, though another had it.
    pub(crate) fn failed(&self) -> Vec<FetchError> {
        match self {
            Self::Service(service) => service.failed(),
            Self::Url(_) => Vec::new(),
            Self::Probe(places) => {
                places.iter().map(Service::failed).find(|failed| !failed.is_empty()).unwrap_or_default()
            }
        }
    }

    /// Where it is: path and query at its service, or the whole URL.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Service(service) => service.path.clone(),
            Self::Url(url) => url.whole(),
            Self::Probe(_) => "/".to_owned(),
        }
    }

    /// Where it may be, one place after the other.
    pub(crate) fn places(&self) -> Vec<Self> {
        match self {
            Self::Probe(places) => places.iter().cloned().map(Self::Service).collect(),
            place => vec![place.clone()],
        }
    }
}

/// What the server said of the document when it was fetched last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Validators {
    etag: Option<HeaderValue>,
    modified: Option<HeaderValue>,
}

impl Validators {
    /// Whether a server that has these can know that a document is what it was.
    fn is_empty(&self) -> bool {
        self.etag.is_none() && self.modified.is_none()
    }

    fn of(headers: &HeaderMap) -> Self {
        Self { etag: headers.get(header::ETAG).cloned(), modified: headers.get(header::LAST_MODIFIED).cloned() }
    }
}

/// What came of asking.
#[derive(Clone, Debug)]
pub(crate) enum Fetched {
    /// It is what it was.
    NotModified,
    /// A text of at most the largest size.
    Text { body: Bytes, validators: Validators },
}

/// Why there is no document. Nothing of an answer's body is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FetchError {
    /// It is not asked for.
    #[error("{0}")]
    NotAllowed(String),
    /// Nobody answers.
    #[error("{0}")]
    Unreachable(String),
    /// It takes too long.
    #[error("there was no whole answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    /// The answer is another than a document.
    #[error("the answer was {0}")]
    Status(StatusCode),
    /// The answer is too large.
    #[error("the document is larger than {} MiB (--portal-max-document raises this)", .0 >> 20)]
    TooLarge(usize),
    /// One redirect too many.
    #[error("there were more than {MAX_REDIRECTS} redirects")]
    Redirects,
}

impl FetchError {
    /// Why none of several endpoints has it.
    fn of_all(mut failed: Vec<(SocketAddr, Self)>) -> Self {
        match failed.len() {
            1 => failed.swap_remove(0).1,
            // Where one of them does not answer, nobody knows what it has.
            _ if failed.iter().all(|(_, error)| error.is_answer()) => failed.swap_remove(0).1,
            count => {
                let each: Vec<_> = failed.iter().map(|(address, error)| format!("{address}: {error}")).collect();
                Self::Unreachable(format!("none of {count} endpoints answers: {}", each.join("; ")))
            }
        }
    }

    /// The same, with the address at which it was so.
    fn at(&self, address: SocketAddr) -> Self {
        Self::Unreachable(format!("{address}: {self}"))
    }

    /// Whether somebody answered, and that with no document.
    pub(crate) fn is_answer(&self) -> bool {
        !matches!(self, Self::Unreachable(_) | Self::TimedOut(_))
    }
}

/// Fetches documents.
#[derive(Clone, Debug)]
pub(crate) struct Fetcher {
    /// For services in clear text, which are asked by their address.
    plain: Client,
    /// For URLs: looks names up, and leaves out what may not be asked.
    guarded: Client,
    certificates: Certificates,
    allowed_hosts: Arc<[String]>,
    max_bytes: usize,
}

impl Fetcher {
    /// By these settings.
    pub(crate) fn new(settings: &Settings, certificates: Certificates) -> Result<Self, reqwest::Error> {
        Self::looking_up(settings, certificates, address::by_system())
    }

    /// The same, with another way to look up the names of URLs.
    fn looking_up(
        settings: &Settings,
        certificates: Certificates,
        lookup: address::Lookup,
    ) -> Result<Self, reqwest::Error> {
        let allowed_hosts: Arc<[String]> = settings.allowed_hosts.as_slice().into();
        let resolver = address::Guarded::new(Arc::clone(&allowed_hosts), lookup);
        Ok(Self {
            plain: client().build()?,
            guarded: client().dns_resolver(Arc::new(resolver)).build()?,
            certificates,
            allowed_hosts,
            max_bytes: settings.max_document(),
        })
    }

    /// Fetches a document, unless it is what it was. `timeout` is what a manifest asks for.
    pub(crate) async fn fetch(
        &self,
        target: &Target,
        validators: &Validators,
        timeout: Option<Duration>,
    ) -> Result<Fetched, FetchError> {
        let total = timeout.unwrap_or(TOTAL).min(LONGEST);
        let end = Instant::now() + total;
        let response = match target {
            // That ends by itself, and says of each endpoint why it has nothing.
            Target::Service(service) => service.ask(&self.plain, &self.certificates, validators, total).await,
            Target::Url(url) => timeout_at(end, url.ask(&self.guarded, &self.allowed_hosts, validators))
                .await
                .unwrap_or(Err(FetchError::TimedOut(total))),
            Target::Probe(_) => Err(FetchError::NotAllowed("it is at one of several places".to_owned())),
        }?;
        timeout_at(end, self.read(response, validators)).await.unwrap_or(Err(FetchError::TimedOut(total)))
    }

    async fn read(&self, response: Response, asked: &Validators) -> Result<Fetched, FetchError> {
        match response.status() {
            // To a question without validators that is no answer.
            StatusCode::NOT_MODIFIED if !asked.is_empty() => Ok(Fetched::NotModified),
            StatusCode::OK => {
                let validators = Validators::of(response.headers());
                let body = body::read(response, self.max_bytes).await?;
                Ok(Fetched::Text { body, validators })
            }
            status => Err(FetchError::Status(status)),
        }
    }
}

fn client() -> reqwest::ClientBuilder {
    // Neither a proxy of the environment nor a cookie has a part in this.
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .pool_max_idle_per_host(0)
        .user_agent(concat!("nuncio-portal/", env!("CARGO_PKG_VERSION")))
}

/// The headers of a request for a document. It carries no credentials.
fn headers(validators: &Validators) -> HeaderMap {
    let mut headers =
        HeaderMap::from_iter([(header::ACCEPT, ACCEPT), (header::VIA, HeaderValue::from_static(nuncio_auth::VIA))]);
    if let Some(etag) = &validators.etag {
        headers.insert(header::IF_NONE_MATCH, etag.clone());
    } else if let Some(modified) = &validators.modified {
        headers.insert(header::IF_MODIFIED_SINCE, modified.clone());
    }
    headers
}

/// Where a redirect leads; `None` if it is none.
fn location(response: &Response) -> Option<&str> {
    let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    response.headers().get(header::LOCATION).filter(|_| is_redirect)?.to_str().ok()
}

fn unreachable(error: &reqwest::Error) -> FetchError {
    match error.is_timeout() {
        true => FetchError::Unreachable(format!("no connection within {} s", CONNECT.as_secs())),
        false => FetchError::Unreachable(causes(error)),
    }
}

/// What went wrong, without the URL.
pub(crate) fn causes(error: &reqwest::Error) -> String {
    let mut text = if error.is_connect() { "cannot connect" } else { "the request failed" }.to_owned();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
