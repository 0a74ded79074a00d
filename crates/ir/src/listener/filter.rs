//! HTTP filters that the user switched on for all requests of a listener.

use std::net::IpAddr;

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
    pub address: IpAddr,
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
