//! Documents of the gateway's own services: asked at their endpoints, and nowhere else.

mod race;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::{HeaderValue, header};
use nuncio_auth::address::is_never_asked;
use reqwest::{Client, Response, Url};
use tokio::time::{Instant, timeout_at};

use self::race::Race;
use super::tls::Certificates;
use super::{FetchError, MAX_REDIRECTS, Validators, client, headers, location, unreachable};
use crate::gateway::{Upstream, UpstreamTls};

/// The most endpoints that are asked for one document.
const MAX_ENDPOINTS: usize = 8;

/// A document at a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    /// Host and port of the service, as manifests mean it.
    pub(super) name: String,
    /// Addresses, as the gateway knows them.
    endpoints: Vec<String>,
    /// Names with ports, where it knows none.
    names: Vec<String>,
    tls: Option<UpstreamTls>,
    /// What the service sees as `Host`.
    host: String,
    /// Path and query.
    pub(super) path: String,
    answers: Answers,
}

/// How asking endpoints went. All copies of a service share it, and it makes no other service.
#[derive(Clone, Debug, Default)]
struct Answers(Arc<Mutex<Answered>>);

#[derive(Debug, Default)]
struct Answered {
    last: Option<SocketAddr>,
    failed: Vec<(SocketAddr, FetchError)>,
}

impl Answers {
    fn lock(&self) -> MutexGuard<'_, Answered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PartialEq for Answers {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Answers {}

impl Service {
    /// The document at `path` of a service, asked for as `public_host` unless the gateway says something else to it.
    pub(crate) fn new(upstream: &Upstream, public_host: Option<&str>, path: &str) -> Self {
        let name = upstream.service.clone();
        let host = upstream.host.as_deref().or(public_host).unwrap_or(&name).to_owned();
        Self {
            endpoints: upstream.endpoints.iter().map(|endpoint| endpoint.address.clone()).collect(),
            names: upstream.names.clone(),
            tls: upstream.tls.clone(),
            host,
            path: if path.starts_with('/') { path.to_owned() } else { format!("/{path}") },
            name,
            answers: Answers::default(),
        }
    }

    /// Path and query.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Endpoints that failed when it was asked last, though another answered.
    pub(crate) fn failed(&self) -> Vec<FetchError> {
        self.answers.lock().failed.iter().map(|(address, error)| error.at(*address)).collect()
    }

    /// Asks endpoints until one answers, within `total`.
    pub(super) async fn ask(
        &self,
        plain: &Client,
        certificates: &Certificates,
        validators: &Validators,
        total: Duration,
    ) -> Result<Response, FetchError> {
        let begin = Instant::now();
        let end = begin + total;
        let addresses = timeout_at(end, self.in_turn()).await.unwrap_or(Err(FetchError::TimedOut(total)))?;
        let mut race = Race::new(addresses, begin, end);
        let mut answers = FuturesUnordered::new();
        loop {
            if let Some(address) = race.ask_next() {
                answers.push(self.answer(address, plain, certificates, validators));
            }
            let turn = race.turn();
            match timeout_at(turn, answers.next()).await {
                Ok(Some((address, Ok(response)))) => {
                    self.note(address, race.won_by(address));
                    return Ok(response);
                }
                Ok(Some((address, Err(error)))) => race.fail(address, error),
                Ok(None) => break,
                Err(_) if turn == end => break,
                Err(_) => {}
            }
        }
        self.answers.lock().failed.clear();
        Err(race.lost())
    }

    /// The addresses that are asked: first the one that answered last.
    async fn in_turn(&self) -> Result<Vec<SocketAddr>, FetchError> {
        let mut addresses = self.addresses().await?;
        let last = self.answers.lock().last;
        addresses.sort_by_key(|address| Some(*address) != last);
        addresses.truncate(MAX_ENDPOINTS);
        Ok(addresses)
    }

    /// What one endpoint answers.
    async fn answer(
        &self,
        address: SocketAddr,
        plain: &Client,
        certificates: &Certificates,
        validators: &Validators,
    ) -> (SocketAddr, Result<Response, FetchError>) {
        let answer = match self.ask_at(address, plain, certificates, validators).await {
            // It may be about to start, or to end.
            Ok(response) if response.status().is_server_error() => Err(FetchError::Status(response.status())),
            answer => answer,
        };
        (address, answer)
    }

    /// Keeps which endpoint answered, and why others before it did not.
    fn note(&self, address: SocketAddr, failed: Vec<(SocketAddr, FetchError)>) {
        let mut answers = self.answers.lock();
        let is_known = |address: &SocketAddr| answers.failed.iter().any(|(known, _)| known == address);
        for (silent, error) in failed.iter().filter(|(silent, _)| !is_known(silent)) {
            tracing::warn!("{silent} of {} has no document, {address} has: {error}", self.name);
        }
        // It is asked first the next time, and the others no more.
        if !failed.is_empty() || answers.last != Some(address) {
            *answers = Answered { last: Some(address), failed };
        }
    }

    /// Asks one endpoint; redirects are followed within the service.
    async fn ask_at(
        &self,
        address: SocketAddr,
        plain: &Client,
        certificates: &Certificates,
        validators: &Validators,
    ) -> Result<Response, FetchError> {
        if is_never_asked(address.ip()) {
            return Err(not_allowed(format!("{} is at {}, which is never asked", self.name, address.ip())));
        }
        let (client, mut url) = match &self.tls {
            None => (plain.clone(), url("http", &address.to_string(), &self.path)?),
            Some(tls) => self.by_tls(tls, certificates, address).await?,
        };
        let host = HeaderValue::from_str(&self.host).map_err(|_| not_allowed("the host is no name"))?;
        for _ in 0..=MAX_REDIRECTS {
            let request = client.get(url.clone()).headers(headers(validators)).header(header::HOST, host.clone());
            let response = request.send().await.map_err(|error| unreachable(&error))?;
            let Some(to) = location(&response) else { return Ok(response) };
            url = self.follow(&url, to)?;
        }
        Err(FetchError::Redirects)
    }

    /// All endpoints, or all addresses that its names have: each once.
    async fn addresses(&self) -> Result<Vec<SocketAddr>, FetchError> {
        let mut all: Vec<SocketAddr> = self.endpoints.iter().filter_map(|endpoint| endpoint.parse().ok()).collect();
        if let (Some(endpoint), true) = (self.endpoints.first(), all.is_empty()) {
            return Err(not_allowed(format!("the service is at {endpoint}, which is not asked by a portal")));
        }
        let mut why = format!("the service {} has no endpoint", self.name);
        let names = if all.is_empty() { &self.names[..] } else { &[] };
        for name in names {
            match tokio::net::lookup_host(name).await {
                Ok(found) => all.extend(found),
                Err(error) => why = format!("{name} has no address: {error}"),
            }
        }
        let mut seen = BTreeSet::new();
        all.retain(|address| seen.insert(*address));
        if all.is_empty() { Err(FetchError::Unreachable(why)) } else { Ok(all) }
    }

    /// A client that speaks TLS as the gateway does.
    async fn by_tls(
        &self,
        tls: &UpstreamTls,
        certificates: &Certificates,
        address: SocketAddr,
    ) -> Result<(Client, Url), FetchError> {
        let config = certificates.config(tls).await?;
        let name = tls.sni.clone().unwrap_or_else(|| address.to_string());
        let name = name.trim_end_matches(&format!(":{}", address.port())).to_owned();
        let client = client().tls_backend_preconfigured(config).resolve(&name, address);
        let client = client.build().map_err(|error| unreachable(&error))?;
        // Addresses are not looked up: another than that of the service would be asked at another place.
        let authority = match name.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(_) => address.to_string(),
            Err(_) => format!("{name}:{}", address.port()),
        };
        Ok((client, url("https", &authority, &self.path)?))
    }

    /// A redirect to another path of the service. It may name the service by what it was called, or by no name.
    fn follow(&self, from: &Url, to: &str) -> Result<Url, FetchError> {
        let elsewhere =
            || not_allowed(format!("{} redirects to another host: only its own paths are followed", self.name));
        let target = from.join(to).map_err(|_| elsewhere())?;
        let host = target.host_str().unwrap_or_default();
        let authority = target.port().map_or(host.to_owned(), |port| format!("{host}:{port}"));
        let is_own = authority == from.authority() || authority == self.host || authority == self.name;
        if !is_own || !matches!(target.scheme(), "http" | "https") {
            return Err(elsewhere());
        }
        let mut url = from.clone();
        url.set_path(target.path());
        url.set_query(target.query());
        Ok(url)
    }
}

fn url(scheme: &str, authority: &str, path: &str) -> Result<Url, FetchError> {
    Url::parse(&format!("{scheme}://{authority}{path}")).map_err(|error| not_allowed(format!("{path}: {error}")))
}

fn not_allowed(reason: impl Into<String>) -> FetchError {
    FetchError::NotAllowed(reason.into())
}
