//! Calls from one service to another.

use std::net::SocketAddr;
use std::time::Duration;

use http::{Method, StatusCode};
use reqwest::{Client, ClientBuilder, RequestBuilder, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::ShopError;
use crate::propagation::Propagation;

/// How long a service waits for another.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Another service of the shop.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    name: &'static str,
    base: Url,
    client: Client,
}

impl Peer {
    /// The service `name`, found at `base`; of that address only scheme, host and port count.
    pub(crate) fn new(name: &'static str, base: Url) -> Result<Self, reqwest::Error> {
        Ok(Self { name, base, client: client().build()? })
    }

    /// The service `name` behind a gateway that knows it as `name.internal`, which no resolver has to.
    pub(crate) fn through(name: &'static str, gateway: SocketAddr) -> anyhow::Result<Self> {
        let host = format!("{name}.internal");
        let base = Url::parse(&format!("http://{host}"))?;
        Ok(Self { name, base, client: client().resolve(&host, gateway).build()? })
    }

    /// Reads what is at the path made of these segments. Its absence is the caller's `NotFound`.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        segments: &[&str],
        propagation: &Propagation,
    ) -> Result<T, ShopError> {
        let response = self.answer(self.request(Method::GET, segments, propagation), segments).await?;
        response.json().await.map_err(|source| ShopError::Unreachable { service: self.name, source })
    }

    /// Removes what is at the path made of these segments.
    pub(crate) async fn delete(&self, segments: &[&str], propagation: &Propagation) -> Result<(), ShopError> {
        self.answer(self.request(Method::DELETE, segments, propagation), segments).await.map(|_| ())
    }

    /// Puts this to the path made of these segments.
    pub(crate) async fn put(
        &self,
        segments: &[&str],
        body: &impl Serialize,
        propagation: &Propagation,
    ) -> Result<(), ShopError> {
        let request = self.request(Method::PUT, segments, propagation).json(body);
        self.answer(request, segments).await.map(|_| ())
    }

    fn request(&self, method: Method, segments: &[&str], propagation: &Propagation) -> RequestBuilder {
        self.client.request(method, at(&self.base, segments)).headers(propagation.headers())
    }

    async fn answer(&self, request: RequestBuilder, segments: &[&str]) -> Result<Response, ShopError> {
        let response = request.send().await.map_err(|source| ShopError::Unreachable { service: self.name, source })?;
        match response.status() {
            status if status.is_success() => Ok(response),
            StatusCode::NOT_FOUND => Err(ShopError::NotFound(format!("{} in {}", segments.join("/"), self.name))),
            status => Err(ShopError::Refused { service: self.name, status }),
        }
    }
}

/// Services find each other whatever proxy the environment names for the outside.
fn client() -> ClientBuilder {
    Client::builder().timeout(TIMEOUT).no_proxy()
}

/// The address of a path below `base`; whatever a segment holds stays within it.
fn at(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.clear().extend(segments);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_cannot_leave_its_place() {
        let base = Url::parse("http://cart:8080/ignored").unwrap();
        assert_eq!(at(&base, &["carts", "ann/../bob?x"]).as_str(), "http://cart:8080/carts/ann%2F..%2Fbob%3Fx");
    }
}
