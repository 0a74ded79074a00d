//! Model nodes with as little said as possible.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use nuncio_ir::{
    AccessLog, AccessLogFormat, Arm, Backend, ChainMatch, Check, ClientCertHeader, Cluster, ClusterName, Discovery,
    DownstreamTls, EscapedSlashes, FilterChain, Forward, Handler, HeaderAdd, HeaderEdits, HttpSettings, LbPolicy,
    Listener, PathMatch, PreviewEntry, Priority, Protocol, Respond, Route, RouteAction, RouteMatch, Scope, SecretName,
    Table, TableName, TcpProxy, TlsSettings, Transport, UnderscoreHeaders, VirtualHost, WeightedCluster,
};

pub(super) fn name(name: &str) -> ClusterName {
    ClusterName(name.into())
}

pub(super) fn secret_name(name: &str) -> SecretName {
    SecretName(name.into())
}

pub(super) fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

pub(super) fn cluster(cluster: &str, discovery: Discovery) -> Cluster {
    Cluster {
        name: name(cluster),
        stats_name: None,
        discovery,
        protocol: Protocol::Http1,
        tls: None,
        connect_timeout: Duration::from_secs(3),
        idle_timeout: None,
        max_connection_lifetime: None,
        lb: LbPolicy::RoundRobin,
        circuit_breakers: Vec::new(),
        health_checks: Vec::new(),
        outlier_detection: None,
        keepalive: None,
        proper_case: false,
        buffer_limit: None,
        by_zone_shares: false,
    }
}

pub(super) fn arm(weight: u32, cluster: &str) -> Arm {
    Arm {
        weight,
        backend: Backend::Cluster(name(cluster)),
        audience: format!("{}.shop:80", cluster.to_ascii_lowercase()).into(),
        rewrite: None,
        host_rewrite: None,
        request_headers: HeaderEdits::default(),
        timeout: Duration::from_secs(3),
        idle_timeout: None,
        retry: None,
        hash: Vec::new(),
        upgrades: Vec::new(),
        auth_context: None,
    }
}

pub(super) fn invalid(weight: u32, reason: &str) -> Arm {
    Arm { backend: Backend::Invalid { status: 503, reason: reason.to_owned(), told: None }, ..arm(weight, "none") }
}

pub(super) fn forward(arms: Vec<Arm>) -> RouteAction {
    RouteAction::Forward(Box::new(Forward {
        arms: arms.into_iter().map(Arc::new).collect(),
        mirrors: Vec::new(),
        priority: Priority::Default,
    }))
}

pub(super) fn respond(status: u16, body: &str) -> RouteAction {
    RouteAction::Respond(Respond { status, body: body.to_owned() })
}

pub(super) fn add(name: &str, value: &str, append: bool) -> HeaderAdd {
    HeaderAdd { name: name.to_owned(), value: value.to_owned(), append }
}

pub(super) fn prefix(value: &str) -> PathMatch {
    PathMatch::Prefix { value: value.to_owned(), case_sensitive: true }
}

pub(super) fn route(name: &str, path: PathMatch, action: RouteAction) -> Route {
    Route {
        name: name.into(),
        matches: RouteMatch { path, ..RouteMatch::any() },
        action,
        response_headers: HeaderEdits::default(),
        cors: None,
        limits: None,
        auth: Check::Off,
        rules: None,
        counted: None,
        hides_logins: false,
        origins: Vec::new(),
    }
}

pub(super) fn table(host: &str, class: &str, hosts: Vec<VirtualHost>) -> Table {
    let scope = Scope { host: host.into(), preview: "".into(), class: class.into() };
    Table {
        name: TableName(scope.to_string().into()),
        scope,
        hosts,
        preview: None,
        has_ended: false,
        by_cookie: None,
        strangers: BTreeSet::new(),
    }
}

pub(super) fn virtual_host(name: &str, domains: &[&str], routes: Vec<Route>) -> VirtualHost {
    VirtualHost {
        name: name.into(),
        domains: domains.iter().map(|domain| Arc::from(*domain)).collect(),
        routes: routes.into(),
        falls_through: false,
    }
}

/// The table of an exact host.
pub(super) fn host(host: &str, routes: Vec<Route>) -> Table {
    table(host, "", vec![virtual_host(host, &["*"], routes)])
}

pub(super) fn access_log(path: &str) -> AccessLog {
    AccessLog { path: path.to_owned(), format: AccessLogFormat::DefaultText }
}

pub(super) fn http() -> HttpSettings {
    HttpSettings {
        stat_prefix: "ingress_http".to_owned(),
        class: "".into(),
        chain: "clear".into(),
        trusted_hops: 0,
        use_remote_address: true,
        server_name: "envoy".to_owned(),
        accept_http10: false,
        allow_chunked_length: false,
        proper_case: false,
        merge_slashes: false,
        escaped_slashes: EscapedSlashes::Keep,
        underscores: UnderscoreHeaders::Allow,
        max_request_headers_kib: None,
        max_concurrent_streams: None,
        idle_timeout: None,
        request_timeout: None,
        preserve_request_id: false,
        suppress_envoy_headers: false,
        client_cert: ClientCertHeader::default(),
        identity_headers: Vec::new(),
        previews: PreviewEntry::default(),
        filters: Vec::new(),
        access_log: access_log("/dev/null"),
    }
}

pub(super) fn chain(name: &str, handler: Handler) -> FilterChain {
    FilterChain { name: name.into(), matches: ChainMatch::default(), tls: None, handler }
}

pub(super) fn tls_chain(name: &str, server_names: &[&str], certificate: &str, handler: Handler) -> FilterChain {
    FilterChain {
        matches: ChainMatch {
            transport: Transport::Tls,
            server_names: server_names.iter().map(ToString::to_string).collect(),
        },
        tls: Some(DownstreamTls {
            certificate: secret_name(certificate),
            settings: TlsSettings::default(),
            client: None,
        }),
        ..chain(name, handler)
    }
}

pub(super) fn http_chain(name: &str, settings: HttpSettings) -> FilterChain {
    chain(name, Handler::Http(Box::new(settings)))
}

pub(super) fn tcp(clusters: &[(&str, u32)]) -> Handler {
    Handler::Tcp(TcpProxy {
        stat_prefix: "ingress_tcp".to_owned(),
        clusters: clusters
            .iter()
            .map(|(cluster, weight)| WeightedCluster { cluster: name(cluster), weight: *weight })
            .collect(),
        idle_timeout: None,
        access_log: access_log("/dev/null"),
    })
}

pub(super) fn closing(name: &str, server_names: &[&str]) -> FilterChain {
    FilterChain { tls: None, ..tls_chain(name, server_names, "unused", Handler::Close) }
}

pub(super) fn listener(name: &str, port: u16, chains: Vec<FilterChain>) -> Listener {
    Listener {
        name: name.into(),
        address: local(port),
        proxy_protocol: false,
        buffer_limit: None,
        chains,
        origins: Vec::new(),
    }
}
