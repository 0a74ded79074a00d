//! The environment variables of envoyproxy/ratelimit, and a few of our own.

mod duration;
mod environment;
mod listen;
mod read;
mod redis;
mod report;
mod traces;

use std::path::{Path, PathBuf};
use std::time::Duration;

use nuncio_telemetry::Traces;

pub use duration::parse_duration;
pub use environment::{Environment, SettingError, parse_flag};

use crate::back_off::BackOff;
use crate::limiter;

/// Where the counters are kept (`BACKEND_TYPE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackendType {
    /// In Redis.
    Redis,
    /// In this process; not of the original.
    Memory,
}

/// Where the rules come from (`CONFIG_TYPE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigType {
    /// From a directory.
    File,
    /// From a management server.
    Xds,
}

/// Where to listen and how (`HOST`, `PORT`, `GRPC_*`, `DEBUG_*`).
#[derive(Clone, Debug)]
pub struct Listen {
    /// `/json` and `/healthcheck`; empty for nowhere.
    pub http: String,
    /// gRPC; not used where there is a socket.
    pub grpc: String,
    /// Path of a Unix socket for gRPC; empty for none.
    pub grpc_unix: String,
    /// `/rlconfig`, `/stats`; empty for nowhere.
    pub debug: String,
    /// How old connections of gRPC may become.
    pub max_connection_age: Duration,
    /// And how long they may then take to end.
    pub max_connection_age_grace: Duration,
    /// TLS for gRPC.
    pub tls: Option<ServerTls>,
    /// Threads that answer gRPC (`NUNCIO_RATELIMIT_THREADS`; 0 for one on each core).
    pub threads: usize,
}

/// A file that a variable names; an empty path for none.
#[derive(Clone, Debug, Default)]
pub struct NamedFile {
    /// The variable.
    pub variable: &'static str,
    /// Its value.
    pub path: String,
}

impl NamedFile {
    /// Whether there is one.
    pub fn is_named(&self) -> bool {
        !self.path.is_empty()
    }

    /// That it cannot be used, and why.
    pub(crate) fn wrong(&self, reason: impl Into<String>) -> SettingError {
        SettingError::new(self.variable, &self.path, reason)
    }
}

/// Files for TLS of the gRPC server.
#[derive(Clone, Debug)]
pub struct ServerTls {
    /// Certificates in PEM.
    pub certificate: NamedFile,
    /// Key in PEM.
    pub key: NamedFile,
    /// Authorities of clients' certificates; none where clients need none.
    pub client_authorities: NamedFile,
    /// The name that a client's certificate must have; empty for any.
    pub client_name: String,
}

/// The directory of rules (`RUNTIME_*`).
#[derive(Clone, Debug)]
pub struct Files {
    /// `RUNTIME_ROOT`.
    pub root: String,
    /// `RUNTIME_SUBDIRECTORY`.
    pub subdirectory: String,
    /// `RUNTIME_APPDIRECTORY`.
    pub app_directory: String,
    /// Leave out names that begin with a dot, and what is below them.
    pub ignore_dot_files: bool,
    /// Watch for the root, a symbolic link, to be replaced; else for changes in the directory.
    pub watch_root: bool,
}

impl Files {
    /// Where files of rules are.
    pub(crate) fn directory(&self) -> PathBuf {
        Path::new(&self.root).join(&self.subdirectory).join(&self.app_directory)
    }
}

/// The management server (`CONFIG_GRPC_XDS_*`, `XDS_CLIENT_*`).
#[derive(Clone, Debug)]
pub struct Xds {
    /// `host:port`, or `unix:/path`.
    pub server: String,
    /// Identity of this node.
    pub node_id: String,
    /// Its metadata.
    pub node_metadata: Vec<(String, String)>,
    /// Headers for every request.
    pub headers: Vec<(String, String)>,
    /// TLS towards it.
    pub tls: Option<ClientTls>,
    /// How long to wait after a stream was lost.
    pub back_off: BackOff,
    /// The largest response in bytes.
    pub max_message: usize,
}

/// Files for TLS towards a server.
#[derive(Clone, Debug, Default)]
pub struct ClientTls {
    /// Certificates in PEM; none where none is shown.
    pub certificate: NamedFile,
    /// Key in PEM.
    pub key: NamedFile,
    /// Authorities of the server's certificate in PEM; none for those of the system.
    pub authorities: NamedFile,
    /// The name that the server's certificate must have; empty for the host's.
    pub name: String,
    /// Take a certificate for any name.
    pub skip_name: bool,
}

/// A Redis (`REDIS_*`, `REDIS_PERSECOND_*`).
#[derive(Clone)]
pub struct Redis {
    /// `SINGLE`, `SENTINEL` or `CLUSTER`.
    pub kind: crate::store::ServerKind,
    /// Addresses.
    pub url: String,
    /// `unix` rather than `tcp`.
    pub unix: bool,
    /// Login.
    pub auth: String,
    /// Login at Sentinels.
    pub sentinel_auth: String,
    /// TLS.
    pub tls: Option<ClientTls>,
    /// How long connecting may take.
    pub timeout: Duration,
    /// How long a reply may take (`NUNCIO_REDIS_REPLY_TIMEOUT`).
    pub reply_timeout: Duration,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // URL and logins may hold passwords.
        formatter.debug_struct("Redis").field("kind", &self.kind).field("unix", &self.unix).finish_non_exhaustive()
    }
}

/// Where metrics go.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// statsd, where it is used.
    pub statsd: Option<crate::stats::StatsdTarget>,
    /// For all metrics (`EXTRA_TAGS`).
    pub tags: Vec<(String, String)>,
    /// How often to send.
    pub flush_interval: Duration,
    /// Prometheus: address and path, where it is used.
    pub prometheus: Option<(String, String)>,
    /// The file that makes names for Prometheus; empty for the default (`PROMETHEUS_MAPPER_YAML`).
    pub mapper_file: String,
    /// `PROMETHEUS_RESPONSE_TIME_AS_MILLISECONDS`.
    pub response_time_in_milliseconds: bool,
}

/// All settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen.
    pub listen: Listen,
    /// `LOG_LEVEL`.
    pub log_level: String,
    /// `LOG_FORMAT` is `json`.
    pub log_json: bool,
    /// Which spans to export (`TRACING_*`); none for no traces.
    pub traces: Option<Traces>,
    /// Where the rules come from.
    pub config_type: ConfigType,
    /// Serve before the first rules are here.
    pub force_start: bool,
    /// Several files may be for one domain.
    pub merge_domains: bool,
    /// Not healthy without rules.
    pub healthy_with_config: bool,
    /// The directory of rules.
    pub files: Files,
    /// The management server.
    pub xds: Xds,
    /// Metrics.
    pub metrics: Metrics,
    /// Where the counters are.
    pub backend: BackendType,
    /// Redis.
    pub redis: Redis,
    /// Redis for limits a second.
    pub redis_per_second: Option<Redis>,
    /// Seconds that may be added to what keys live for.
    pub expiration_jitter: u64,
    /// Size of the cache of counters over their limits; 0 for none.
    pub local_cache_bytes: usize,
    /// Unhealthy while Redis is not there.
    pub health_by_connection: bool,
    /// How to decide and reply.
    pub limiter: limiter::Options,
    /// What is taken as it is, but can hardly be meant, or changes nothing.
    pub warnings: Vec<String>,
}
