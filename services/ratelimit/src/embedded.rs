//! The service inside of a gateway: rules and calls over Unix sockets, and no ports.

use std::path::Path;

use crate::settings::{Environment, SettingError, Settings};

/// How long Redis may take, unless the environment says otherwise: less than the gateway waits for an answer, which lets
/// requests through where it comes too late.
const REPLY_TIMEOUT: &str = "250ms";

/// Settings of a service that takes rules from the xDS server at `rules` and calls at `calls`. The counters are in this
/// process, or in a Redis: `redis://[[user]:password@]host:port`, `rediss://…` for TLS, or `unix:/path`. What to do
/// when that fails, the environment may say.
///
/// # Errors
/// When the address of Redis, or what the environment says, cannot be understood.
pub fn embedded(rules: &Path, calls: &Path, redis: Option<&str>) -> Result<Settings, SettingError> {
    settings(rules, calls, redis, &|name| std::env::var(name).ok())
}

fn settings(
    rules: &Path,
    calls: &Path,
    redis: Option<&str>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Settings, SettingError> {
    let redis = redis.map(Redis::parse).transpose()?;
    let lookup = |name: &str| {
        let value = match name {
            "BACKEND_TYPE" => if redis.is_some() { "redis" } else { "memory" }.to_owned(),
            "CONFIG_TYPE" => "GRPC_XDS_SOTW".to_owned(),
            "CONFIG_GRPC_XDS_SERVER_URL" => format!("unix:{}", rules.display()),
            "CONFIG_GRPC_XDS_NODE_ID" => format!("nuncio-ratelimit-{}", std::process::id()),
            "XDS_CLIENT_BACKOFF_INITIAL_INTERVAL" => "100ms".to_owned(),
            "XDS_CLIENT_BACKOFF_MAX_INTERVAL" => "2s".to_owned(),
            "GRPC_UDS" => calls.display().to_string(),
            "USE_STATSD" => "false".to_owned(),
            "NUNCIO_RATELIMIT_THREADS" => "1".to_owned(),
            "NUNCIO_STORE_FAILURE" => environment(name).unwrap_or_else(|| "local".to_owned()),
            "NUNCIO_REDIS_REPLY_TIMEOUT" => environment(name).unwrap_or_else(|| REPLY_TIMEOUT.to_owned()),
            "NUNCIO_REPLICAS" => environment(name)?,
            _ => redis.as_ref()?.variable(name)?,
        };
        Some(value)
    };
    let mut settings = Settings::read(&Environment::new(&lookup))?;
    settings.listen.http.clear();
    settings.listen.debug.clear();
    Ok(settings)
}

/// A Redis, as the variables of the service name it.
struct Redis {
    socket: &'static str,
    address: String,
    login: String,
    tls: bool,
}

impl Redis {
    fn parse(url: &str) -> Result<Self, SettingError> {
        let invalid = || SettingError {
            name: "redis".to_owned(),
            // It may hold a password.
            value: url.split("://").next().unwrap_or_default().to_owned(),
            wanted: "expected redis://[[user]:password@]host:port, rediss://… or unix:/path".to_owned(),
        };
        if let Some(path) = url.strip_prefix("unix:") {
            let address = path.trim_start_matches("//").to_owned();
            return Ok(Self { socket: "unix", address, login: String::new(), tls: false });
        }
        let (scheme, rest) = url.split_once("://").ok_or_else(invalid)?;
        let tls = match scheme {
            "redis" => false,
            "rediss" => true,
            _ => return Err(invalid()),
        };
        let (login, address) = rest.rsplit_once('@').unwrap_or(("", rest));
        let address = address.trim_end_matches('/');
        if address.is_empty() || address.contains('/') {
            return Err(invalid());
        }
        let address = if address.contains(':') { address.to_owned() } else { format!("{address}:6379") };
        Ok(Self { socket: "tcp", address, login: login.trim_start_matches(':').to_owned(), tls })
    }

    fn variable(&self, name: &str) -> Option<String> {
        match name {
            "REDIS_SOCKET_TYPE" => Some(self.socket.to_owned()),
            "REDIS_URL" => Some(self.address.clone()),
            "REDIS_AUTH" => Some(self.login.clone()),
            "REDIS_TLS" => Some(self.tls.to_string()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::StoreFailure;
    use crate::settings::BackendType;

    fn redis(url: &str) -> Result<(String, String, bool, bool), SettingError> {
        let settings = embedded(Path::new("/run/xds"), Path::new("/run/calls"), Some(url))?;
        Ok((settings.redis.url, settings.redis.auth, settings.redis.tls.is_some(), settings.redis.unix))
    }

    #[test]
    fn no_port_is_opened_and_no_redis_needed() {
        let settings = embedded(Path::new("/run/xds"), Path::new("/run/calls"), None).unwrap();
        assert_eq!(settings.backend, BackendType::Memory);
        assert_eq!((settings.listen.http.as_str(), settings.listen.debug.as_str()), ("", ""));
        assert_eq!(settings.listen.grpc_unix, "/run/calls");
        assert_eq!(settings.xds.server, "unix:/run/xds");
    }

    #[test]
    fn limits_hold_without_redis_unless_it_is_said_otherwise() {
        let read = |environment: &dyn Fn(&str) -> Option<String>| {
            let read = settings(Path::new("/run/xds"), Path::new("/run/calls"), Some("redis://r"), environment);
            read.map(|read| (read.limiter.store_failure, read.redis.reply_timeout.as_millis(), read.limiter.replicas))
        };
        assert_eq!(read(&|_| None).unwrap(), (StoreFailure::Local, 250, 1));
        let said = |name: &str| match name {
            "NUNCIO_STORE_FAILURE" => Some("deny".to_owned()),
            "NUNCIO_REDIS_REPLY_TIMEOUT" => Some("40ms".to_owned()),
            _ => Some("3".to_owned()),
        };
        assert_eq!(read(&said).unwrap(), (StoreFailure::Deny, 40, 3));
        let error = read(&|_| Some("maybe".to_owned())).unwrap_err();
        assert!(error.to_string().contains("maybe"), "{error}");
    }

    #[test]
    fn redis_is_named_by_a_url() {
        let found = |address: &str, login: &str, tls, unix| Ok((address.to_owned(), login.to_owned(), tls, unix));
        assert_eq!(redis("redis://r:1"), found("r:1", "", false, false));
        assert_eq!(redis("redis://r"), found("r:6379", "", false, false));
        assert_eq!(redis("rediss://ann:x@r:1/"), found("r:1", "ann:x", true, false));
        assert_eq!(redis("redis://:x@r:1"), found("r:1", "x", false, false));
        assert_eq!(redis("unix:/run/redis.sock"), found("/run/redis.sock", "", false, true));
        let error = redis("http://user:secret@r").unwrap_err().to_string();
        assert!(!error.contains("secret") && error.contains("expected redis://"), "{error}");
    }
}
