//! Requests and replies.

use http::{HeaderMap, Method, Request, Version};
use http_body_util::Full;
use hyper::body::Bytes;
use nuncio_test_support::keep_secret_of;

use super::Protocol;
use crate::backend::Echo;

/// A request.
#[derive(Clone, Debug)]
pub struct Ask {
    method: Method,
    host: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

/// `GET` of a path on a host.
#[must_use]
pub fn get(host: &str, path: &str) -> Ask {
    Ask { method: Method::GET, host: host.to_owned(), path: path.to_owned(), headers: Vec::new(), body: Bytes::new() }
}

impl Ask {
    /// With another header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        keep_secret_of(name, value);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With another method.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    pub fn method(self, method: &str) -> Self {
        Self { method: method.parse().expect("a method"), ..self }
    }

    /// With a body.
    #[must_use]
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self }
    }

    pub(super) fn request(&self, protocol: Protocol, scheme: &str) -> Request<Full<Bytes>> {
        let mut builder = Request::builder().method(&self.method);
        builder = match protocol {
            Protocol::Http1 => builder.uri(&self.path).header("host", &self.host),
            Protocol::Http2 => builder.version(Version::HTTP_2).uri(format!("{scheme}://{}{}", self.host, self.path)),
        };
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        builder.body(Full::new(self.body.clone())).expect("a request")
    }
}

/// A reply.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Reply {
    /// A header, as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// What the backend got, if a backend answered.
    #[must_use]
    pub fn echo(&self) -> Option<Echo> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The backend that answered; of others the status.
    #[must_use]
    pub fn by(&self) -> String {
        self.echo().map_or_else(|| self.status.to_string(), |echo| echo.backend)
    }
}
