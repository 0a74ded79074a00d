//! What becomes of a request that somebody describes.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use nuncio_telemetry::Turns;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::failures::count;
use super::model::{Explanation, HeaderView};

/// A request to explain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExplainRequest {
    /// The whole URL: `https://shop.example.com/cart?id=1`, or `tcp://db.example.com:5432` of a connection.
    pub url: String,
    /// Default `GET`.
    #[serde(default = "get")]
    pub method: String,
    /// In any order.
    #[serde(default)]
    pub headers: Vec<HeaderView>,
    /// The server name of the TLS handshake. Default: the name in the URL. With `tcp://` it says that there is one.
    #[serde(default)]
    pub sni: Option<String>,
    /// The client presents a certificate.
    #[serde(default)]
    pub client_certificate: bool,
}

fn get() -> String {
    "GET".to_owned()
}

/// Why a request cannot be explained. The message says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequest {
    /// Not an absolute URL of a scheme that is served.
    #[error("{0:?} is not a URL: write it whole, as in https://shop.example.com/cart or tcp://db.example.com:5432")]
    Url(String),
    /// A connection without HTTP has no port by default.
    #[error("{0:?} names no port, as in tcp://db.example.com:5432")]
    Port(String),
    /// There is no such port.
    #[error("{0:?} names a port that there is not: ports are 1 to 65535")]
    NoPort(String),
    /// Not a method.
    #[error("{0:?} is not a method")]
    Method(String),
    /// Not a header.
    #[error("{0:?} is not a header: write it as in 'x-version: 2'")]
    Header(String),
    /// A parameter that does not exist.
    #[error("there is no parameter {0:?}: use url, method, header, sni and client_certificate")]
    Parameter(String),
}

impl ExplainRequest {
    /// Checks a request as a person wrote it: a URL (`http://` is added where no scheme is given), a method, and
    /// headers as `name: value`.
    ///
    /// # Errors
    /// Says which of them is wrong.
    pub fn parse<'a>(
        url: &str,
        method: &str,
        headers: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, InvalidRequest> {
        let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let headers = headers.into_iter().map(parse_header).collect::<Result<_, _>>()?;
        Self { url, method: method.to_owned(), headers, sni: None, client_certificate: false }.checked()
    }

    /// The same request, on a TLS connection that was opened for another name.
    #[must_use]
    pub fn with_sni(self, sni: Option<String>) -> Self {
        Self { sni, ..self }
    }

    /// The same request, with a client certificate or without.
    #[must_use]
    pub fn with_client_certificate(self, client_certificate: bool) -> Self {
        Self { client_certificate, ..self }
    }

    fn checked(mut self) -> Result<Self, InvalidRequest> {
        let uri: Uri = self.url.parse().map_err(|_| InvalidRequest::Url(self.url.clone()))?;
        let authority = uri.authority().filter(|authority| is_plain(authority));
        if authority.is_some_and(has_no_port) {
            return Err(InvalidRequest::NoPort(self.url));
        }
        match (uri.scheme_str(), authority) {
            (Some("http" | "https"), Some(_)) => {}
            (Some("tcp" | "tls"), Some(authority)) if authority.port().is_some() => {}
            (Some("tcp" | "tls"), Some(_)) => return Err(InvalidRequest::Port(self.url)),
            _ => return Err(InvalidRequest::Url(self.url)),
        }
        Method::from_bytes(self.method.as_bytes()).map_err(|_| InvalidRequest::Method(self.method.clone()))?;
        for header in &mut self.headers {
            match header.name.parse::<HeaderName>() {
                // In lower case, as HTTP/2 sends them, Envoy holds them and matchers name them.
                Ok(name) if HeaderValue::from_str(&header.value).is_ok() => name.as_str().clone_into(&mut header.name),
                _ => return Err(InvalidRequest::Header(format!("{}: {}", header.name, header.value))),
            }
        }
        Ok(self)
    }

    fn from_query(query: &str) -> Result<Self, InvalidRequest> {
        let (mut url, mut method, mut headers) = (String::new(), get(), Vec::new());
        let (mut sni, mut client_certificate) = (None, false);
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "url" => url = value.into_owned(),
                "method" => method = value.into_owned(),
                "header" => headers.push(value.into_owned()),
                "sni" => sni = Some(value.into_owned()),
                "client_certificate" => client_certificate = value == "true",
                _ => return Err(InvalidRequest::Parameter(key.into_owned())),
            }
        }
        let request = Self::parse(&url, &method, headers.iter().map(String::as_str))?;
        Ok(request.with_sni(sni).with_client_certificate(client_certificate))
    }

    /// The path and query of `/api/v1/explain` for this request.
    #[must_use]
    pub fn to_path(&self) -> String {
        let path = "/api/v1/explain?";
        let mut query = form_urlencoded::Serializer::for_suffix(path.to_owned(), path.len());
        query.append_pair("url", &self.url).append_pair("method", &self.method);
        for header in &self.headers {
            query.append_pair("header", &format!("{}: {}", header.name, header.value));
        }
        query.extend_pairs(self.sni.iter().map(|name| ("sni", name)));
        if self.client_certificate {
            query.append_pair("client_certificate", "true");
        }
        query.finish()
    }
}

/// A host without user information, which is no part of a request.
fn is_plain(authority: &Authority) -> bool {
    !authority.host().is_empty() && !authority.as_str().contains('@')
}

/// Whether what stands for a port is none.
fn has_no_port(authority: &Authority) -> bool {
    let written = authority.as_str().strip_prefix(authority.host()).and_then(|rest| rest.strip_prefix(':'));
    written.is_some_and(|port| !port.is_empty() && !port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn parse_header(text: &str) -> Result<HeaderView, InvalidRequest> {
    let (name, value) = text.split_once(':').ok_or_else(|| InvalidRequest::Header(text.to_owned()))?;
    // Spaces and tabs only: a line break is not to be forgiven.
    let [name, value] = [name, value].map(|part| part.trim_matches([' ', '\t']));
    Ok(HeaderView { name: name.to_owned(), value: value.to_owned() })
}

/// How many are explained at a time: each holds the model.
pub(super) static TURNS: Turns = Turns::new(2);

type Reply = Result<Json<Explanation>, (StatusCode, String)>;

async fn reply(view: &Shared, request: Result<ExplainRequest, InvalidRequest>) -> Reply {
    let request = request.map_err(|error| (StatusCode::BAD_REQUEST, format!("{error}\n")))?;
    let asked = Arc::clone(view);
    let mut explanation = TURNS.take(move || asked.explain(&request)).await;
    if let Some(socket) = view.envoy_admin() {
        count(socket, &mut explanation.failures).await;
    }
    Ok(Json(explanation))
}

/// Which listener, host, route and cluster a request gets, and which routes lost and why.
#[utoipa::path(get, path = "/api/v1/explain", tag = "explain",
    params(
        ("url" = String, Query, description = "The URL; http:// may be left out"),
        ("method" = Option<String>, Query, description = "Default GET"),
        ("header" = Option<Vec<String>>, Query, explode = true, description = "`name: value`, any number of times"),
        ("sni" = Option<String>, Query, description = "Server name of the TLS handshake; default the name in the URL"),
        ("client_certificate" = Option<bool>, Query, description = "The client presents a certificate"),
    ),
    responses(
        (status = 200, description = "What becomes of the request", body = Explanation),
        (status = 400, description = "The request is not one, for the reason given", body = String),
    ))]
pub(super) async fn by_query(State(view): State<Shared>, RawQuery(query): RawQuery) -> Reply {
    reply(&view, ExplainRequest::from_query(&query.unwrap_or_default())).await
}

/// The same, for requests that do not fit into a query.
#[utoipa::path(post, path = "/api/v1/explain", tag = "explain", request_body = ExplainRequest,
    responses(
        (status = 200, description = "What becomes of the request", body = Explanation),
        (status = 400, description = "The request is not one, for the reason given", body = String),
    ))]
pub(super) async fn by_body(State(view): State<Shared>, Json(request): Json<ExplainRequest>) -> Reply {
    reply(&view, request.checked()).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        let request = ExplainRequest::parse("shop.example.com/cart", "PUT", ["X-Version: 2", "a:b:c"]).unwrap();
        assert_eq!(request.url, "http://shop.example.com/cart");
        let headers: Vec<_> = request.headers.iter().map(|h| (h.name.as_str(), h.value.as_str())).collect();
        assert_eq!(headers, [("x-version", "2"), ("a", "b:c")]);
    }

    #[test]
    fn says_what_is_wrong() {
        let none = || None::<&str>;
        for url in ["", "ftp://a/", "http://", "http://a b/", "http://user@host/"] {
            assert!(matches!(ExplainRequest::parse(url, "GET", none()), Err(InvalidRequest::Url(_))), "{url}");
        }
        assert!(matches!(ExplainRequest::parse("tcp://db", "GET", none()), Err(InvalidRequest::Port(_))));
        for url in ["http://a:99999/", "a:0", "tcp://db:65536", "https://[::1]:70000/", "http://a:x/"] {
            let parsed = ExplainRequest::parse(url, "GET", none());
            assert!(matches!(parsed, Err(InvalidRequest::NoPort(_) | InvalidRequest::Url(_))), "{url}: {parsed:?}");
        }
        for url in ["tls://db:5432", "http://a:65535/", "http://[::1]:80/", "http://a:/"] {
            assert!(ExplainRequest::parse(url, "GET", none()).is_ok(), "{url}");
        }
        assert!(matches!(ExplainRequest::parse("a", "G T", none()), Err(InvalidRequest::Method(_))));
        for header in ["novalue", "na me: x", "a: \r\nb: c", ": x"] {
            let parsed = ExplainRequest::parse("a", "GET", [header]);
            assert!(matches!(parsed, Err(InvalidRequest::Header(_))), "{header}");
        }
    }

    #[test]
    fn survives_the_way_through_a_query() {
        let request = ExplainRequest::parse("http://a/b?c=d&e=f%20g", "GET", ["x: 1 & 2", "y: ="]).unwrap();
        let request = request.with_sni(Some("a&b".into())).with_client_certificate(true);
        let path = request.to_path();
        assert_eq!(ExplainRequest::from_query(path.split_once('?').unwrap().1), Ok(request));
        assert!(matches!(ExplainRequest::from_query("URL=a"), Err(InvalidRequest::Parameter(_))));
    }
}
