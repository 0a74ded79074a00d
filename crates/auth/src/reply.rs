//! What is decided, and what clients are told.

use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use nuncio_expr::template::escape;
use serde_json::{Value as Json, json};

use crate::page::CONTENT_SECURITY_POLICY;
use crate::{ClientKind, Request};

/// Who a filter found it to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Name within the issuer: `sub`, the owner of a key, a user's name.
    pub subject: String,
    /// Who vouches for it: an issuer, or a filter.
    pub issuer: String,
    /// The groups that the issuer says it belongs to.
    pub groups: Vec<String>,
    /// The login that says so, as a logout names it; none where it is another credential.
    pub realm: Option<String>,
}

impl Identity {
    /// One of whose groups nothing is known.
    pub fn new(subject: impl Into<String>, issuer: impl Into<String>) -> Self {
        Self { subject: subject.into(), issuer: issuer.into(), groups: Vec::new(), realm: None }
    }

    /// With those of the claim `groups`.
    #[must_use]
    pub fn with_groups_of(self, claims: &Json) -> Self {
        let groups = claims["groups"].as_array().into_iter().flatten();
        Self { groups: groups.filter_map(Json::as_str).map(str::to_owned).collect(), ..self }
    }

    /// Known by a browser's login.
    #[must_use]
    pub fn of_login(self, realm: &str) -> Self {
        Self { realm: Some(realm.to_owned()), ..self }
    }
}

/// What a filter says.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The request may pass; what it changes is in the request.
    Allow(Option<Identity>),
    /// It may not.
    Deny(Denial),
    /// It is answered here: a redirect, an endpoint of ours.
    Answer(Reply),
}

/// Why not.
#[derive(Clone, Debug)]
pub struct Denial {
    /// One of a few words for metrics and logs: `no_token`, `bad_key`.
    pub reason: &'static str,
    /// More of it, for the log and `explain`; never a credential.
    pub detail: String,
    /// It could not be decided, since a part is down: counts as an error of ours, not as the client's.
    pub is_failure: bool,
    /// The answer.
    pub reply: Box<Reply>,
}

/// An answer to the client.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Of HTTP.
    pub status: StatusCode,
    /// In this order; several `Set-Cookie` are several entries.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: String,
}

impl Reply {
    /// An answer without a body.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }

    /// An answer in the form that the client can use, never to be stored by caches.
    #[must_use]
    pub fn message(kind: ClientKind, status: StatusCode, message: &str, request: &Request) -> Self {
        let mut reply = Self::new(status).header("cache-control", "no-store");
        if status == StatusCode::SERVICE_UNAVAILABLE {
            reply = reply.header("retry-after", "5");
        }
        match kind {
            ClientKind::Navigation => reply
                .with_body("text/html; charset=utf-8", request.theme.page(status, message, &request.id))
                .header("content-security-policy", CONTENT_SECURITY_POLICY),
            ClientKind::Plain | ClientKind::Api | ClientKind::WebSocket | ClientKind::Preflight => {
                reply.with_body("application/json", body(status, message, &request.id))
            }
            // The proxy writes `grpc-status` and takes the body for `grpc-message`.
            ClientKind::Grpc => Self { body: message.to_owned(), ..reply },
        }
    }

    /// Adds a header; a value that is none is left out.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }

    /// Adds a challenge (RFC 9110).
    #[must_use]
    pub fn challenge(mut self, challenge: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(challenge) {
            self.headers.push((WWW_AUTHENTICATE, value));
        }
        self
    }

    /// Gives it a body.
    #[must_use]
    pub fn with_body(mut self, content_type: &'static str, body: String) -> Self {
        self.headers.push((CONTENT_TYPE, HeaderValue::from_static(content_type)));
        self.body = body;
        self
    }

    /// Sends a browser elsewhere, by `GET`. `location` must be known to be good.
    #[must_use]
    pub fn redirect(location: &str) -> Self {
        Self::new(StatusCode::FOUND).header("location", location).header("cache-control", "no-store")
    }

    /// The same from a page of our own. After a redirect browsers take what follows for the doing of the site where it
    /// began, and send no cookies that are `SameSite=Strict`.
    #[must_use]
    pub fn hop(location: &str) -> Self {
        let location = escape(location);
        let page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"refresh\" content=\"0;url={location}\">\n<title>Logged in</title>\n</head>\n\
             <body>\n<a href=\"{location}\">Continue</a>\n</body>\n</html>\n"
        );
        Self::new(StatusCode::OK)
            .header("cache-control", "no-store")
            .header("content-security-policy", "default-src 'none'; frame-ancestors 'none'")
            .with_body("text/html; charset=utf-8", page)
    }
}

/// The original's: a request id only where something is wrong here.
fn body(status: StatusCode, message: &str, request_id: &str) -> String {
    let mut body = json!({ "status_code": status.as_u16(), "message": message });
    if status.is_server_error() {
        body["request_id"] = request_id.into();
    }
    format!("{body}\n")
}

impl Denial {
    /// The client's fault.
    #[must_use]
    pub fn new(reason: &'static str, detail: impl Into<String>, reply: Reply) -> Self {
        Self { reason, detail: detail.into(), is_failure: false, reply: Box::new(reply) }
    }

    /// Ours, or of what we depend on: 503, to be tried again soon.
    #[must_use]
    pub fn unavailable(kind: ClientKind, reason: &'static str, detail: impl Into<String>, request: &Request) -> Self {
        let message = "This cannot be checked at the moment. Please try again shortly.";
        let reply = Reply::message(kind, StatusCode::SERVICE_UNAVAILABLE, message, request);
        Self { reason, detail: detail.into(), is_failure: true, reply: Box::new(reply) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_faults_have_a_request_id() {
        let mut request = Request::new("GET", "https", "a", "/");
        request.id = "i".to_owned();
        let body = |status| Reply::message(ClientKind::Api, status, "m", &request).body;
        assert_eq!(body(StatusCode::UNAUTHORIZED), "{\"message\":\"m\",\"status_code\":401}\n");
        assert_eq!(body(StatusCode::BAD_GATEWAY), "{\"message\":\"m\",\"request_id\":\"i\",\"status_code\":502}\n");
    }

    #[test]
    fn only_who_asks_for_pages_gets_one() {
        let request = Request::new("GET", "https", "a", "/");
        let type_of = |kind| {
            let reply = Reply::message(kind, StatusCode::FORBIDDEN, "m", &request);
            let (_, value) = reply.headers.into_iter().find(|(name, _)| name == CONTENT_TYPE).unwrap();
            value
        };
        assert_eq!(type_of(ClientKind::Navigation), "text/html; charset=utf-8");
        for kind in [ClientKind::Plain, ClientKind::Api, ClientKind::WebSocket] {
            assert_eq!(type_of(kind), "application/json");
        }
    }

    #[test]
    fn headers_are_never_split() {
        assert!(Reply::redirect("/a\r\nx: y").headers.iter().all(|(name, _)| name != "location"));
    }
}
