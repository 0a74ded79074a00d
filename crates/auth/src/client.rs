//! What kind of program asks, and so what answer it can use.

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
            let is_preflight = !header("origin").is_empty() && !header("access-control-request-method").is_empty();
            return if is_preflight { Self::Preflight } else { Self::Api };
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
        let preflight = [("origin", "https://b"), ("access-control-request-method", "PUT")];
        assert_eq!(kind("OPTIONS", &preflight), ClientKind::Preflight);
    }
}
