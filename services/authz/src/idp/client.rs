//! Requests to identity providers: no redirects, a limit on time and size, nothing at forbidden addresses.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::VIA;
use http::{HeaderMap, HeaderValue, StatusCode};
use nuncio_auth::address::is_never_asked;
use nuncio_ir::auth::HttpClient;
use reqwest::{Certificate, Client, ClientBuilder, Identity, RequestBuilder, Response, redirect};
use tokio::sync::Notify;
use tracing::{Instrument, debug_span};

use super::calls::{Calls, Failed};
use super::guard::{CONNECT, Endpoints, Guarded};
use crate::metrics::AuthzMetrics;

/// The largest answer in bytes: sets of keys are a few kilobytes.
const LARGEST: usize = 1 << 20;

/// Why there is no answer. Messages hold no credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum IdpError {
    /// It cannot be asked, or does not answer in kind.
    #[error("{0}")]
    Unavailable(String),
    /// It can, and does not answer in time or to the end.
    #[error("{0}")]
    NoAnswer(String),
    /// What is configured cannot be used.
    #[error("{0}")]
    Config(String),
}

/// An answer of whatever status.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Clients by how they are set up.
#[derive(Debug)]
pub(crate) struct Clients {
    timeout: Duration,
    metrics: AuthzMetrics,
    /// None is the one for clear text, to which the setup is nothing.
    made: Mutex<HashMap<Option<HttpClient>, Client>>,
    /// Told when something cannot be had that could be; of documents also when it can be again, and when the reason is another.
    pub(crate) turned: Notify,
}

/// A service whose endpoints are known. It has a client of its own, which goes with it.
#[derive(Debug)]
pub(crate) struct Known {
    endpoints: Arc<Endpoints>,
    client: OnceLock<Result<Client, IdpError>>,
}

impl Known {
    pub(crate) fn new(endpoints: Endpoints) -> Self {
        Self { endpoints: Arc::new(endpoints), client: OnceLock::new() }
    }
}

impl Clients {
    pub(crate) fn new(timeout: Duration, metrics: AuthzMetrics) -> Arc<Self> {
        Arc::new(Self { timeout, metrics, made: Mutex::default(), turned: Notify::new() })
    }

    /// The client for a setup, and what speaks its scheme.
    fn get(&self, setup: &HttpClient, scheme: &str) -> Result<Client, IdpError> {
        let setup = (scheme == "https").then(|| setup.clone());
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = made.get(&setup) {
            return Ok(client.clone());
        }
        let client = build(Client::builder().dns_resolver(Arc::new(Guarded)), setup.as_ref(), self.timeout)?;
        made.insert(setup, client.clone());
        Ok(client)
    }

    /// Notes among those of its filter what came of a call on behalf of a request.
    pub(crate) fn note(&self, calls: &Calls, failed: Option<Failed>) {
        if calls.note(failed, Instant::now()) {
            self.turned.notify_one();
        }
    }

    /// Sends a request made with the client of a setup.
    pub(crate) async fn send(
        &self,
        setup: &HttpClient,
        url: &str,
        make: impl FnOnce(&Client, reqwest::Url) -> RequestBuilder,
    ) -> Result<Answer, IdpError> {
        let url = checked(url)?;
        let client = self.get(setup, url.scheme())?;
        self.ask(&client, url, make).await
    }

    /// The same to a service whose endpoints are known.
    pub(crate) async fn send_to(
        &self,
        known: &Known,
        setup: &HttpClient,
        url: &str,
        make: impl FnOnce(&Client, reqwest::Url) -> RequestBuilder,
    ) -> Result<Answer, IdpError> {
        let mut url = checked(url)?;
        let setup = (url.scheme() == "https").then_some(setup);
        let make_client = || {
            // A proxy would look the name up, and is told no port.
            let builder = Client::builder().dns_resolver(Arc::clone(&known.endpoints)).no_proxy();
            build(builder, setup, self.timeout)
        };
        let client = known.client.get_or_init(make_client).clone()?;
        // The port of the Service would go before those of its endpoints. A URL with a host can be without one.
        let _ = url.set_port(None);
        self.ask(&client, url, make).await
    }

    async fn ask(
        &self,
        client: &Client,
        url: reqwest::Url,
        make: impl FnOnce(&Client, reqwest::Url) -> RequestBuilder,
    ) -> Result<Answer, IdpError> {
        let place = url.host_str().unwrap_or_default().to_owned();
        let failed = |error: &reqwest::Error| {
            let kind = if error.is_connect() { IdpError::Unavailable } else { IdpError::NoAnswer };
            kind(format!("{place}: {}", reason(error)))
        };
        let span = debug_span!("ask", otel.kind = "client", server.address = place);
        let response = make(client, url).send().instrument(span).await;
        self.metrics.called(&place, response.as_ref().ok().map(Response::status));
        let response = response.map_err(|error| failed(&error))?;
        read(response).await.map_err(|error| match error {
            ReadError::Http(error) => failed(&error),
            ReadError::TooLarge => IdpError::NoAnswer(format!("{place}: the answer is larger than {LARGEST} bytes")),
        })
    }
}

fn build(builder: ClientBuilder, setup: Option<&HttpClient>, timeout: Duration) -> Result<Client, IdpError> {
    let builder = builder
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT.min(timeout))
        .timeout(timeout)
        .default_headers(HeaderMap::from_iter([(VIA, HeaderValue::from_static(nuncio_auth::VIA))]))
        .user_agent("nuncio-authz");
    let builder = match setup {
        Some(setup) => trust(builder, setup)?,
        // A machine without authorities cannot make a client that would look for them.
        None => builder.tls_certs_only([]),
    };
    builder.build().map_err(|error| IdpError::Config(reason(&error)))
}

fn trust(mut builder: ClientBuilder, setup: &HttpClient) -> Result<ClientBuilder, IdpError> {
    if setup.insecure_tls {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    if let Some(authorities) = &setup.authorities {
        let certificates = Certificate::from_pem_bundle(authorities.as_bytes())
            .map_err(|_| IdpError::Config("the authorities are no certificates in PEM".to_owned()))?;
        builder = builder.tls_certs_merge(certificates);
    }
    if let Some((chain, key)) = &setup.certificate {
        let both = format!("{}\n{chain}", key.expose());
        let identity = Identity::from_pem(both.as_bytes())
            .map_err(|_| IdpError::Config("the certificate to show is none, or its key not its key".to_owned()))?;
        builder = builder.identity(identity);
    }
    Ok(builder)
}

/// A URL of HTTP whose host, where it is an address, may be asked. Names are checked when they are looked up.
fn checked(url: &str) -> Result<reqwest::Url, IdpError> {
    let wrong = |reason: &str| IdpError::Config(format!("{:?} {reason}", told(url)));
    let parsed = reqwest::Url::parse(url).map_err(|_| wrong("is no URL"))?;
    if !matches!(parsed.scheme(), "http" | "https") || !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(wrong("is not http(s) without a login"));
    }
    let host = parsed.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    if address.is_ok_and(is_never_asked) {
        return Err(wrong("is at an address that may not be asked"));
    }
    Ok(parsed)
}

/// A URL as it may be told: a login or a query in it may be secret.
pub(crate) fn told(url: &str) -> String {
    let place = url.split(['?', '#']).next().unwrap_or_default();
    match (place.split_once("://"), place.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://…@{rest}"),
        (None, Some((_, rest))) => format!("…@{rest}"),
        (_, None) => place.to_owned(),
    }
}

enum ReadError {
    Http(reqwest::Error),
    TooLarge,
}

async fn read(mut response: Response) -> Result<Answer, ReadError> {
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(ReadError::Http)? {
        if body.len() + chunk.len() > LARGEST {
            return Err(ReadError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, body: body.freeze() })
}

/// What went wrong, without the URL: its query may hold something secret.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut text = if error.is_connect() { "cannot connect" } else { "the request failed" }.to_owned();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_urls_of_http_that_may_be_asked() {
        for url in
            ["ftp://a/", "file:///etc/passwd", "http://169.254.169.254/", "http://[fe80::1]/", "http://u:p@a/", "x"]
        {
            assert!(matches!(checked(url), Err(IdpError::Config(_))), "{url}");
        }
        checked("http://127.0.0.1:9/jwks").unwrap();
    }

    #[test]
    fn urls_are_told_without_what_may_be_secret() {
        for (url, expected) in [
            ("https://a.example/keys", "https://a.example/keys"),
            ("https://a.example/keys?code=hush#hush", "https://a.example/keys"),
            ("https://ann:hush@a.example/keys", "https://…@a.example/keys"),
            ("https://ann:hu/sh@a.example/keys", "https://…@a.example/keys"),
            ("ann:hush@a.example", "…@a.example"),
        ] {
            assert_eq!(told(url), expected);
        }
        for url in ["https://ann:hush@a.example/", "https://ann:hu/sh@a.example/", "ftp://a/?hush", "hush@a"] {
            let error = checked(url).unwrap_err().to_string();
            assert!(!error.contains("hush") && !error.contains("hu/sh"), "{error}");
        }
    }

    /// It could not look the name up, nor know the port.
    #[tokio::test]
    async fn a_service_whose_endpoints_are_known_is_asked_by_no_proxy() {
        const NOBODY: &str = "http://127.0.0.1:1";
        // A process is told of proxies by its environment: this one is a process of its own.
        if std::env::var("HTTP_PROXY").as_deref() != Ok(NOBODY) {
            let name = "idp::client::tests::a_service_whose_endpoints_are_known_is_asked_by_no_proxy";
            let mut own = tokio::process::Command::new(std::env::current_exe().unwrap());
            own.args(["--exact", name]).env("HTTP_PROXY", NOBODY).env_remove("NO_PROXY").env_remove("no_proxy");
            let output = own.output().await.unwrap();
            let told = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && told.contains("1 passed"), "{told}");
            return;
        }
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let known = Known::new(Endpoints::new(&[vec![listener.local_addr().unwrap()]]));
        let service = axum::Router::new().fallback(|| async { "here" });
        tokio::spawn(async move { axum::serve(listener, service).await });
        let clients = Clients::new(Duration::from_secs(4), AuthzMetrics::new());
        let setup = HttpClient::default();
        let asked = clients.send_to(&known, &setup, "http://cart.default:8080/", |client, url| client.get(url)).await;
        assert_eq!(asked.unwrap().body, "here");
    }
}
