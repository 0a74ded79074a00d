//! Headers that a service hands on to whatever it calls for a request.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName};

/// Trace context and baggage (W3C), and the preview that the request belongs to.
const HANDED_ON: [HeaderName; 4] = [
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("baggage"),
    HeaderName::from_static("x-nuncio-preview"),
];

/// Those headers of one request, with every value that it had.
#[derive(Clone, Debug, Default)]
pub(crate) struct Propagation(HeaderMap);

impl Propagation {
    fn of(request: &HeaderMap) -> Self {
        let mut kept = HeaderMap::new();
        for name in HANDED_ON {
            for value in request.get_all(&name) {
                kept.append(name.clone(), value.clone());
            }
        }
        Self(kept)
    }

    /// The headers to send along.
    pub(crate) fn headers(&self) -> HeaderMap {
        self.0.clone()
    }
}

impl<S: Sync> FromRequestParts<S> for Propagation {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn hands_on_context_and_nothing_else() {
        let mut request = HeaderMap::new();
        request.insert("traceparent", HeaderValue::from_static("00-1-2-01"));
        request.insert("x-nuncio-preview", HeaderValue::from_static("blue"));
        request.insert("authorization", HeaderValue::from_static("Bearer secret"));
        request.append("baggage", HeaderValue::from_static("user=ann"));
        request.append("baggage", HeaderValue::from_static("plan=free"));

        let sent = Propagation::of(&request).headers();

        assert_eq!(sent["traceparent"], "00-1-2-01");
        assert_eq!(sent["x-nuncio-preview"], "blue");
        assert_eq!(sent.get_all("baggage").iter().collect::<Vec<_>>(), ["user=ann", "plan=free"]);
        assert!(!sent.contains_key("authorization"));
    }
}
