//! What kind of program asks, and so what answer it can use.

use crate::Request;

/// What kind of program asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// A browser that goes to a page: it can be sent to a login.
    Navigation,
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
        // What says nothing of itself and does not ask for data: a plain GET, as the original redirects it. In clear text
        // browsers do not say what is a script's or an image's, but they ask for pages by name, and say where they are.
        let accept = header("accept");
        if accept == "*/*" && !header("referer").is_empty() {
            return Self::Api;
        }
        let takes_pages = accept.is_empty() || accept.contains("text/html") || accept.contains("*/*");
        let asks_for_data = accept.contains("application/json") && !accept.contains("text/html");
        if matches!(request.method.as_str(), "GET" | "HEAD") && takes_pages && !asks_for_data {
            Self::Navigation
        } else {
            Self::Api
        }
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
        assert_eq!(kind("GET", &[("accept", "*/*")]), ClientKind::Navigation);
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
