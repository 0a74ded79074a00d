//! What holds for HTTP requests on a listener.

use std::sync::Arc;
use std::time::Duration;

use super::{AccessLog, HttpFilter};
use crate::PreviewEntry;

/// What holds for every request of a filter chain.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HttpSettings {
    /// Prefix in statistics.
    pub stat_prefix: String,
    /// Class of [`crate::Scope`]: which tables are seen.
    pub class: Arc<str>,
    /// Told to routes in the header `x-nuncio-chain`, so that a Host with TLS settings of its own can
    /// refuse (421) requests on connections of another chain.
    pub chain: Arc<str>,
    /// Proxies in front whose `x-forwarded-for` and `-proto` are believed.
    pub trusted_hops: u32,
    /// The peer is the client; `false` leaves `x-forwarded-for` to the proxy in front.
    pub use_remote_address: bool,
    /// `server` header.
    pub server_name: String,
    /// Answer HTTP/1.0.
    pub accept_http10: bool,
    /// Accept a Content-Length beside chunked encoding.
    pub allow_chunked_length: bool,
    /// Write HTTP/1.1 header names in `Proper-Case`.
    pub proper_case: bool,
    /// Merge repeated slashes of the path.
    pub merge_slashes: bool,
    /// What happens to `%2F` and the like.
    pub escaped_slashes: EscapedSlashes,
    /// What happens to header names with underscores.
    pub underscores: UnderscoreHeaders,
    /// Largest headers of a request, KiB; Envoy's default (60) where absent.
    pub max_request_headers_kib: Option<u32>,
    /// Concurrent streams of an HTTP/2 connection; the edge profile's (100) where absent.
    pub max_concurrent_streams: Option<u32>,
    /// Close a connection without a request for this long; the edge profile's (1 h) where absent.
    pub idle_timeout: Option<Duration>,
    /// A request must be there within this time, unless its answer has begun; zero is no limit, the edge profile's (5 min)
    /// where absent.
    pub request_timeout: Option<Duration>,
    /// Keep the client's `x-request-id`.
    pub preserve_request_id: bool,
    /// Send no `x-envoy-` headers.
    pub suppress_envoy_headers: bool,
    /// What happens to `x-forwarded-client-cert`.
    pub client_cert: ClientCertHeader,
    /// Headers that say who a request is from, which clients cannot say of themselves: removed on entry, on every route.
    /// Lower case, sorted.
    pub identity_headers: Vec<String>,
    /// How requests belong to previews.
    pub previews: PreviewEntry,
    /// HTTP filters that the user switched on, in order; what every listener has is not listed.
    pub filters: Vec<HttpFilter>,
    /// Access log.
    pub access_log: AccessLog,
}

/// What happens to `%2F`, `%5C` in paths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EscapedSlashes {
    /// Unescape, and redirect the client to the result.
    #[default]
    UnescapeAndRedirect,
    /// 400.
    Reject,
    /// Leave them.
    Keep,
}

/// What happens to header names with underscores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum UnderscoreHeaders {
    /// 400.
    #[default]
    RejectRequest,
    /// Drop the header.
    DropHeader,
    /// Leave them.
    Allow,
}

/// `x-forwarded-client-cert`: Envoy's `forward_client_cert_details` and `set_current_client_cert_details`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClientCertHeader {
    /// What is done with the client's header.
    pub forward: ForwardClientCert,
    /// Add the subject.
    pub subject: bool,
    /// Add the certificate.
    pub cert: bool,
    /// Add the chain.
    pub chain: bool,
    /// Add the DNS names.
    pub dns: bool,
    /// Add the URIs.
    pub uri: bool,
}

/// Envoy's `forward_client_cert_details`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are Envoy's")]
pub enum ForwardClientCert {
    #[default]
    Sanitize,
    ForwardOnly,
    AppendForward,
    SanitizeSet,
    AlwaysForwardOnly,
}
