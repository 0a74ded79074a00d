//! What the service is told at its start.

mod pages;

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, FromArgMatches};
use nuncio_redis::{Kind, Master, Place, Urls};
use nuncio_telemetry::LogFormat;

pub use pages::Pages;

/// Where operators ask, unless they are told otherwise; and what tells them.
pub(crate) const DEFAULT_ADMIN: &str = "127.0.0.1:8501";
pub(crate) const ADMIN_VARIABLE: &str = "NUNCIO_AUTHZ_ADMIN";

/// Everything that can be set, by flags and by the environment.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// Where to answer Envoy by gRPC: HOST:PORT, or a path for a Unix socket
    #[arg(long, env = "NUNCIO_AUTHZ_GRPC", default_value = "127.0.0.1:8500", value_name = "ADDRESS")]
    pub grpc: Address,
    /// The same by HTTP, for nginx's auth_request, Traefik's forwardAuth and Envoy's HTTP form
    #[arg(long, env = "NUNCIO_AUTHZ_HTTP", value_name = "ADDRESS")]
    pub http: Option<Address>,
    /// Where health, metrics, explanations and the end of sessions are; for operators alone
    #[arg(long, env = ADMIN_VARIABLE, default_value = DEFAULT_ADMIN, value_name = "ADDRESS")]
    pub admin: Option<Address>,
    /// The controller, to be told rules and filters by: HOST:PORT, or a path for a Unix socket
    #[arg(long, env = "NUNCIO_AUTHZ_XDS", value_name = "ADDRESS", conflicts_with = "rules")]
    pub xds: Option<Address>,
    /// A JSON file with rules and filters, read again when it changes
    #[arg(long, env = "NUNCIO_AUTHZ_RULES", value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// Where sessions are kept; in memory where absent. Several addresses with commas for Sentinel and Cluster
    #[arg(long, env = "NUNCIO_AUTHZ_REDIS", value_name = "URL", hide_env_values = true)]
    pub redis: Option<Urls>,
    /// What is at these addresses
    #[arg(long, env = "NUNCIO_AUTHZ_REDIS_KIND", default_value = "single")]
    pub redis_kind: Kind,
    /// The name under which Sentinels know the Redis; or `redis://USER:PASSWORD@NAME/DATABASE` (`rediss` with TLS), to log in to it
    #[arg(
        long,
        env = "NUNCIO_AUTHZ_REDIS_MASTER",
        default_value = "mymaster",
        value_name = "NAME",
        hide_env_values = true
    )]
    pub redis_master: Master,
    /// Keys that sessions are encrypted with: 32 bytes in base64 a line, the first of them encrypts
    #[arg(long, env = "NUNCIO_AUTHZ_KEYS", value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// Private keys in PEM (EC P-256), with which upstreams are assured of who a request is from: the first signs
    #[arg(long, env = "NUNCIO_AUTHZ_ASSERTION_KEY", value_name = "FILE")]
    pub assertion_key: Option<PathBuf>,
    /// Write one JSON line for each decision to this file; `-` for standard output
    #[arg(long, env = "NUNCIO_AUTHZ_AUDIT", value_name = "FILE")]
    pub audit: Option<PathBuf>,
    /// How error pages look.
    #[command(flatten)]
    pub pages: Pages,
    /// How long an identity provider may take to answer
    #[arg(long, env = "NUNCIO_AUTHZ_IDP_TIMEOUT", default_value = "4s", value_parser = seconds, value_name = "DURATION")]
    pub idp_timeout: Duration,
    /// Shape of log lines: text or json
    #[arg(long, env = "NUNCIO_LOG_FORMAT", default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// What is logged: a level, or directives by module
    #[arg(long, env = "NUNCIO_LOG", default_value = "info")]
    pub log: String,
}

impl Settings {
    /// Where sessions are kept, where that is a Redis.
    pub(crate) fn sessions_in(&self) -> Option<Place> {
        let urls = self.redis.clone()?;
        Some(Place { kind: self.redis_kind, urls, master: self.redis_master.clone() })
    }

    /// What the environment says, for a process that has no flags for this service. Operators are answered only where it
    /// says so: several such processes may be on one machine.
    ///
    /// # Errors
    /// When a variable is not what it should be.
    pub fn from_environment() -> Result<Self, String> {
        let command = Self::augment_args(clap::Command::new("authz"));
        let command = command.mut_arg("admin", |admin| admin.default_value(None::<&'static str>));
        let matches = command.try_get_matches_from(["authz"]).map_err(|error| error.to_string())?;
        Self::from_arg_matches(&matches).map_err(|error| error.to_string())
    }
}

/// Where something listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `host:port`.
    Tcp(String),
    /// A path.
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains('/') {
            return Ok(Self::Unix(text.into()));
        }
        let port = text.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        port.map(|_| Self::Tcp(text.to_owned())).ok_or_else(|| format!("{text:?} is neither HOST:PORT nor a path"))
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number = |suffix| text.strip_suffix(suffix).and_then(|number: &str| number.parse::<u64>().ok());
    let duration = number("ms").map(Duration::from_millis).or_else(|| number("s").map(Duration::from_secs));
    duration
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| format!("{text:?} is no duration such as 4s or 500ms"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        assert_eq!("127.0.0.1:1".parse(), Ok(Address::Tcp("127.0.0.1:1".to_owned())));
        assert_eq!("/run/a.sock".parse(), Ok(Address::Unix("/run/a.sock".into())));
        "localhost".parse::<Address>().unwrap_err();
    }
}
