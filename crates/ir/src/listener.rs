//! Listeners: what is bound, how connections are taken apart, and what holds for every request on them.
//!
//! A listener's node must not change when a route, a policy or the content of a certificate does:
//! Envoy drains the connections of a filter chain that changes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use nuncio_api::ObjectId;

use crate::{ClusterName, DownstreamTls, PreviewEntry, SecretName};

/// Header that tells routes by which filter chain ([`HttpSettings::chain`]) a request came in.
pub const CHAIN_HEADER: &str = "x-nuncio-chain";

/// Bytes that are buffered for each connection unless a listener says otherwise.
pub const BUFFER_LIMIT: u32 = 32 << 10;

/// A bound address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Listener {
    /// Resource name.
    pub name: Arc<str>,
    /// What is bound.
    pub address: SocketAddr,
    /// Connections begin with a PROXY line.
    pub proxy_protocol: bool,
    /// Bytes buffered for each connection; the edge profile's where absent.
    pub buffer_limit: Option<u32>,
    /// At least one. At most one takes what no other does.
    pub chains: Vec<FilterChain>,
    /// The objects that asked for it.
    pub origins: Vec<ObjectId>,
}

impl Listener {
    /// Every cluster that its TCP chains send connections to, sorted, each once.
    #[must_use]
    pub fn clusters(&self) -> Vec<ClusterName> {
        let mut names: Vec<_> = self
            .chains
            .iter()
            .flat_map(|chain| match &chain.handler {
                Handler::Tcp(tcp) => tcp.clusters.iter().map(|weighted| weighted.cluster.clone()).collect::<Vec<_>>(),
                Handler::Http(_) | Handler::Close => Vec::new(),
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Every secret that its chains end TLS with, in the order of the chains.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretName> {
        let tls = self.chains.iter().filter_map(|chain| chain.tls.as_ref());
        tls.flat_map(|tls| {
            std::iter::once(&tls.certificate).chain(tls.client.as_ref().map(|client| &client.authorities))
        })
    }
}

/// What is done with one sort of connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FilterChain {
    /// Unique in its listener, and stable: Envoy keeps the connections of a chain that stays equal.
    pub name: Arc<str>,
    /// Which connections.
    pub matches: ChainMatch,
    /// TLS that ends here.
    pub tls: Option<DownstreamTls>,
    /// What the bytes are.
    pub handler: Handler,
}

/// Which connections a filter chain takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ChainMatch {
    /// Transport seen by the TLS inspector.
    pub transport: Transport,
    /// Server names of the TLS handshake, exact or `*.suffix`; empty is any, none included.
    pub server_names: Vec<String>,
}

/// Transport of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Not looked at.
    #[default]
    Any,
    /// Clear text.
    Clear,
    /// TLS.
    Tls,
}

/// What the bytes of a connection are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Handler {
    /// HTTP requests, routed by the tables of a class.
    Http(Box<HttpSettings>),
    /// Bytes that go to a backend as they come.
    Tcp(TcpProxy),
    /// Nobody's: the connection is closed before a byte is read, TLS handshake or not. Holds a server name
    /// whose object cannot serve, so that it is not left to a wider one.
    Close,
}

/// Passes bytes on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TcpProxy {
    /// Prefix in statistics.
    pub stat_prefix: String,
    /// At least one; a connection goes to one by chance, in proportion to the weights.
    pub clusters: Vec<WeightedCluster>,
    /// Close a connection without a byte for this long; Envoy's default (1 h) where absent.
    pub idle_timeout: Option<Duration>,
    /// Access log.
    pub access_log: AccessLog,
}

/// A cluster with its share.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WeightedCluster {
    /// The cluster.
    pub cluster: ClusterName,
    /// Above zero.
    pub weight: u32,
}

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

/// An HTTP filter that the user switched on for all requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HttpFilter {
    /// Answers health checks by itself: 200, or 503 while the proxy drains.
    HealthCheck {
        /// Exact path: one for which `PathMatch::may_take_probes` holds.
        path: String,
    },
    /// gRPC over HTTP/1.1 to gRPC.
    GrpcHttp1Bridge,
    /// gRPC-Web to gRPC.
    GrpcWeb,
    /// gRPC statistics.
    GrpcStats {
        /// Every method has statistics of its own.
        all_methods: bool,
        /// These `service/method` have statistics of their own.
        services: Vec<(String, Vec<String>)>,
        /// Message counts and times of the upstream.
        upstream_stats: bool,
    },
    /// A Lua script.
    Lua(String),
    /// gzip towards clients.
    Gzip(Gzip),
    /// Holds requests until the body is there.
    Buffer {
        /// Larger bodies are answered 413.
        max_request_bytes: u32,
    },
    /// Lets in (or keeps out) peers by address.
    IpAccess {
        /// `true`: only those that a rule names get in. `false`: those do not.
        allow: bool,
        /// The rules.
        rules: Vec<IpRule>,
    },
}

/// Compression of answers with gzip. Absent numbers are Envoy's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Gzip {
    /// 1–9.
    pub memory_level: Option<u32>,
    /// Shortest body that is compressed.
    pub min_content_length: Option<u32>,
    /// Speed against size: zlib's 1–9, or 0 for its own balance.
    pub level: u8,
    /// How zlib looks for repetitions.
    pub strategy: GzipStrategy,
    /// 9–15.
    pub window_bits: Option<u32>,
    /// Types that are compressed; Envoy's list where empty.
    pub content_type: Vec<String>,
    /// Leave bodies with an `ETag` alone.
    pub disable_on_etag_header: bool,
    /// Take `accept-encoding` away from the request.
    pub remove_accept_encoding_header: bool,
}

/// zlib's strategies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are zlib's")]
pub enum GzipStrategy {
    #[default]
    Default,
    Filtered,
    HuffmanOnly,
    Rle,
    Fixed,
}

/// A range of addresses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IpRule {
    /// Which address is looked at.
    pub source: IpSource,
    /// First address of the range.
    pub address: std::net::IpAddr,
    /// Bits that count.
    pub prefix_len: u8,
}

/// Which address of a request is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IpSource {
    /// The peer of the connection.
    Peer,
    /// The client that trusted proxies name.
    Remote,
}

/// Access log of a listener.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccessLog {
    /// File written to.
    pub path: String,
    /// Format of a line.
    pub format: AccessLogFormat,
}

/// Format of an access log line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AccessLogFormat {
    /// Nuncio's own text format.
    DefaultText,
    /// Nuncio's own JSON object.
    DefaultJson,
    /// A format string.
    Text(String),
    /// A JSON object a line, sorted by key; values are format strings.
    Json {
        /// Key and value.
        fields: Vec<(String, JsonLogValue)>,
    },
}

/// A value of a JSON access log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum JsonLogValue {
    /// A format string. Alone in a value (`%RESPONSE_CODE%`), an operator keeps its type.
    Text(String),
    /// An object.
    Object(Vec<(String, JsonLogValue)>),
}
