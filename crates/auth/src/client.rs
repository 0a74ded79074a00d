//! What kind of program asks, and so what answer it can use.

use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, TRANSFER_ENCODING};

use crate::Request;

/// What browsers ask for where they go to a page.
const PAGES: &str = "text/html";

/// What kind of program asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// A browser that goes to a page: it can be sent to a login, and shown pages.
    Navigation,
    /// A GET that says nothing of who sends it, such as curl's. It is sent to a login, as the original does, and told all else
    /// as programs are: only who asks for pages by name gets any.
    Plain,
    /// A script in a page, or another program: it can use a status and JSON.
    Api,
    /// gRPC: the proxy makes a `grpc-status` of the HTTP status.
    Grpc,
    /// A WebSocket's handshake.
    WebSocket,
    /// A browser that asks whether a script may ask; it sends no credentials with that.
    Preflight,
}

impl ClientKind {
    /// By what the request says.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        let header = |name| request.header(name).unwrap_or_default();
        if header("content-type").starts_with("application/grpc") {
            return Self::Grpc;
        }
        if header("upgrade").eq_ignore_ascii_case("websocket") {
            return Self::WebSocket;
        }
        if request.method == "OPTIONS" {
            return if is_preflight(request) { Self::Preflight } else { Self::Api };
        }
        let is_script = !header("x-requested-with").is_empty()
            || matches!(header("sec-fetch-mode"), "cors" | "no-cors" | "same-origin" | "websocket");
        if is_script || request.header("authorization").is_some() {
            return Self::Api;
        }
        if header("sec-fetch-mode") == "navigate" {
            return Self::Navigation;
        }
        let accept = header("accept");
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            Self::Api
        } else if accept.contains(PAGES) {
            Self::Navigation
        } else if matches!(accept, "" | "*/*") && header("referer").is_empty() {
            // In clear text browsers do not say what is a script's or an image's, but they say where they are.
            Self::Plain
        } else {
            Self::Api
        }
    }

    /// The same of a request for an endpoint of logins, which browsers also send forms to.
    #[must_use]
    pub fn of_form(request: &Request) -> Self {
        let takes_pages = request.header("accept").is_some_and(|accept| accept.contains(PAGES));
        if takes_pages { Self::Navigation } else { Self::of(request) }
    }

    /// Whether it is one to send to a login.
    #[must_use]
    pub fn may_log_in(self) -> bool {
        matches!(self, Self::Navigation | Self::Plain)
    }
}

/// Whether an OPTIONS is as browsers send it before a script's request: with an origin and a method, without a body and
/// without credentials (Fetch, 4.8). It may go on unasked, so what only says that it is one must bring nothing.
fn is_preflight(request: &Request) -> bool {
    let header = |name| request.header(name).unwrap_or_default();
    let method = header("access-control-request-method");
    let bears = |name| request.headers().contains_key(name);
    is_origin(header("origin"))
        && http::Method::from_bytes(method.as_bytes()).is_ok()
        && !has_body(request)
        && ![AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE].into_iter().any(bears)
}

/// As browsers write it: a scheme with a host, or `null`.
fn is_origin(text: &str) -> bool {
    let is_host = |host: &str| !host.is_empty() && !host.contains(['/', '?', '#', '@', ',', ' ']);
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '+' | '-' | '.'))
    };
    text == "null" || text.split_once("://").is_some_and(|(scheme, host)| is_scheme(scheme) && is_host(host))
}

fn has_body(request: &Request) -> bool {
    let length = request.header("content-length").unwrap_or("0");
    !request.body.is_empty() || length != "0" || request.headers().contains_key(TRANSFER_ENCODING)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cases 19 and 50.
    #[test]
    fn each_is_known_by_what_it_sends() {
        let kind = |method, headers: &[(&str, &str)]| {
            let mut request = Request::new(method, "https", "a", "/");
            for (name, value) in headers {
                request.add_header(name, value.as_bytes());
            }
            ClientKind::of(&request)
        };
        assert_eq!(kind("GET", &[("accept", "text/html,*/*;q=0.8")]), ClientKind::Navigation);
        assert_eq!(kind("POST", &[("sec-fetch-mode", "navigate")]), ClientKind::Navigation);
        for accept in ["*/*", ""] {
            assert_eq!(kind("GET", &[("accept", accept)]), ClientKind::Plain, "curl, and who is shorter yet");
            assert_eq!(kind("POST", &[("accept", accept)]), ClientKind::Api);
        }
        assert_eq!(kind("GET", &[("accept", "image/*,*/*;q=0.8")]), ClientKind::Api);
        assert_eq!(kind("GET", &[("accept", "*/*"), ("referer", "http://a/")]), ClientKind::Api);
        assert_eq!(kind("GET", &[("accept", "text/html,*/*;q=0.8"), ("referer", "http://a/")]), ClientKind::Navigation);
        assert_eq!(kind("GET", &[("accept", "application/json, */*")]), ClientKind::Api);
        assert_eq!(kind("GET", &[("accept", "text/html"), ("x-requested-with", "XMLHttpRequest")]), ClientKind::Api);
        assert_eq!(kind("GET", &[("accept", "*/*"), ("sec-fetch-mode", "cors")]), ClientKind::Api);
        assert_eq!(kind("POST", &[("content-type", "application/grpc+proto")]), ClientKind::Grpc);
        assert_eq!(kind("GET", &[("upgrade", "WebSocket")]), ClientKind::WebSocket);
        assert_eq!(kind("OPTIONS", &[("origin", "https://b")]), ClientKind::Api);
        for origin in ["https://b", "http://b.test:8080", "null", "moz-extension://0f9a"] {
            let preflight = [("origin", origin), ("access-control-request-method", "PUT"), ("content-length", "0")];
            assert_eq!(kind("OPTIONS", &preflight), ClientKind::Preflight, "{origin}");
        }
    }

    #[test]
    fn what_only_says_that_it_is_a_preflight_is_none() {
        let kind = |origin: &str, method: &str, more: &[(&str, &str)]| {
            let mut request = Request::new("OPTIONS", "https", "a", "/");
            let named = [("origin", origin), ("access-control-request-method", method)];
            for (name, value) in named.iter().chain(more) {
                request.add_header(name, value.as_bytes());
            }
            ClientKind::of(&request)
        };
        assert_eq!(kind("https://b", "patch", &[]), ClientKind::Preflight);
        for origin in ["b", "https://", "https://b/", "https://b, https://c", "https://u@b", "://b", "1x://b"] {
            assert_eq!(kind(origin, "PUT", &[]), ClientKind::Api, "{origin}");
        }
        for method in ["", "P UT", "PUT,GET", "<x>"] {
            assert_eq!(kind("https://b", method, &[]), ClientKind::Api, "{method}");
        }
        for more in [
            ("content-length", "3"),
            ("content-length", "x"),
            ("transfer-encoding", "chunked"),
            ("authorization", "Bearer x"),
            ("proxy-authorization", "Basic x"),
            ("cookie", "a=1"),
        ] {
            assert_eq!(kind("https://b", "PUT", &[more]), ClientKind::Api, "{more:?}");
        }
    }
}
