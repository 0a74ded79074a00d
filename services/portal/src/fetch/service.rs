//! Documents of the gateway's own services: asked at their endpoints, and nowhere else.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderValue, header};
use nuncio_auth::address::is_never_asked;
use reqwest::{Client, Response, Url};

use super::tls::Certificates;
use super::{FetchError, MAX_REDIRECTS, Validators, client, headers, location, unreachable};
use crate::gateway::{Upstream, UpstreamTls};

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
}

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
        }
    }

    /// Path and query.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Asks one endpoint; redirects are followed within the service.
    pub(super) async fn ask(
        &self,
        plain: &Client,
        certificates: &Certificates,
        validators: &Validators,
    ) -> Result<Response, FetchError> {
        let address = self.address().await?;
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

    /// One address: the first endpoint, or the first that its name has.
    async fn address(&self) -> Result<SocketAddr, FetchError> {
        let found = match (self.endpoints.first(), self.names.first()) {
            (Some(endpoint), _) => {
                let address = endpoint.parse();
                address
                    .map_err(|_| not_allowed(format!("the service is at {endpoint}, which is not asked by a portal")))?
            }
            (None, Some(name)) => {
                let unknown = |reason: String| FetchError::Unreachable(format!("{name} has no address: {reason}"));
                let mut found = tokio::net::lookup_host(name).await.map_err(|error| unknown(error.to_string()))?;
                found.next().ok_or_else(|| unknown("it is not known".to_owned()))?
            }
            (None, None) => {
                return Err(FetchError::Unreachable(format!("the service {} has no endpoint", self.name)));
            }
        };
        match is_never_asked(found.ip()) {
            true => Err(not_allowed(format!("{} is at {}, which is never asked", self.name, found.ip()))),
            false => Ok(found),
        }
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
