//! Listeners: what is bound, how connections are taken apart, and what holds for every request on them.
//!
//! A listener's node must not change when a route, a policy or the content of a certificate does:
//! Envoy drains the connections of a filter chain that changes.

mod access_log;
mod filter;
mod http;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use nuncio_api::ObjectId;

pub use self::access_log::{AccessLog, AccessLogFormat, JsonLogValue};
pub use self::filter::{Gzip, GzipStrategy, HttpFilter, IpRule, IpSource};
pub use self::http::{ClientCertHeader, EscapedSlashes, ForwardClientCert, HttpSettings, UnderscoreHeaders};
use crate::{ClusterName, DownstreamTls, SecretName};

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
