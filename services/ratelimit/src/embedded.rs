//! The service inside of a gateway: rules and calls over Unix sockets, and no ports.

use std::path::Path;

use crate::settings::{Environment, SettingError, Settings};
use crate::store::{ServerKind, redis_servers};

/// How long Redis may take, unless the environment says otherwise: less than the gateway waits for an answer, which lets
/// requests through where it comes too late.
const REPLY_TIMEOUT: &str = "250ms";

/// Settings of a service that takes rules from the xDS server at `rules` and calls at `calls`. The counters are in this
/// process, or in a Redis: `redis://[[user]:password@]host:port[/database]`, `rediss://…` for TLS, or `unix:/path`. What to do
/// when that fails, and whether answers say what is left of limits, the environment may say.
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
            "NUNCIO_REPLICAS"
            | "LIMIT_RESPONSE_HEADERS_ENABLED"
            | "LIMIT_LIMIT_HEADER"
            | "LIMIT_REMAINING_HEADER"
            | "LIMIT_RESET_HEADER"
            | "NUNCIO_IETF_HEADERS" => environment(name)?,
            _ => redis.as_ref()?.variable(name)?,
        };
        Some(value)
    };
    let mut settings = Settings::read(&Environment::new(lookup))?;
    settings.listen.http.clear();
    settings.listen.debug.clear();
    Ok(settings)
}

/// A Redis, as the variables of the service name it.
struct Redis {
    socket: &'static str,
    url: String,
    tls: bool,
}

impl Redis {
    fn parse(url: &str) -> Result<Self, SettingError> {
        const WANTED: &str = "expected redis://[[user]:password@]host:port[/database], rediss://… or unix:/path";
        let invalid = |wanted: String| SettingError::new("--redis", url, wanted);
        // The service is started with the first rules: until then nobody would notice.
        let check = |url: &str, unix: bool| {
            redis_servers(ServerKind::Single, url, unix).map_err(|reason| invalid(format!("{reason}; {WANTED}")))
        };
        if let Some(path) = url.strip_prefix("unix:") {
            let path = path.trim_start_matches("//");
            check(path, true)?;
            return Ok(Self { socket: "unix", url: path.to_owned(), tls: false });
        }
        let tls = match url.split_once("://") {
            Some(("redis", rest)) if !rest.is_empty() => false,
            Some(("rediss", rest)) if !rest.is_empty() => true,
            _ => return Err(invalid(WANTED.to_owned())),
        };
        check(url, false)?;
        Ok(Self { socket: "tcp", url: url.to_owned(), tls })
    }

    fn variable(&self, name: &str) -> Option<String> {
        match name {
            "REDIS_SOCKET_TYPE" => Some(self.socket.to_owned()),
            "REDIS_URL" => Some(self.url.clone()),
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

    fn redis(url: &str) -> Result<(String, bool, bool), SettingError> {
        let settings = embedded(Path::new("/run/xds"), Path::new("/run/calls"), Some(url))?;
        Ok((settings.redis.url, settings.redis.tls.is_some(), settings.redis.unix))
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
            "NUNCIO_REPLICAS" => Some("3".to_owned()),
            _ => None,
        };
        assert_eq!(read(&said).unwrap(), (StoreFailure::Deny, 40, 3));
        let error = read(&|_| Some("maybe".to_owned())).unwrap_err();
        assert!(error.to_string().contains("maybe"), "{error}");
    }

    #[test]
    fn answers_say_what_is_left_where_the_environment_has_it_so() {
        let read = |environment: &[(&str, &str)]| {
            let said =
                |name: &str| environment.iter().find(|(said, _)| *said == name).map(|(_, value)| (*value).to_owned());
            let read = settings(Path::new("/run/xds"), Path::new("/run/calls"), None, &said);
            read.map(|read| (read.limiter.headers, read.limiter.ietf_headers))
        };
        let names = |names: [&str; 3]| Some(names.map(str::to_owned));
        assert_eq!(read(&[]).unwrap(), (None, false));
        let usual = names(["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"]);
        assert_eq!(read(&[("LIMIT_RESPONSE_HEADERS_ENABLED", "true")]).unwrap(), (usual, false));
        let own = [
            ("LIMIT_RESPONSE_HEADERS_ENABLED", "true"),
            ("LIMIT_REMAINING_HEADER", "X-Left"),
            ("NUNCIO_IETF_HEADERS", "true"),
        ];
        assert_eq!(read(&own).unwrap(), (names(["RateLimit-Limit", "X-Left", "RateLimit-Reset"]), true));
        let error = read(&[("LIMIT_RESPONSE_HEADERS_ENABLED", "perhaps")]).unwrap_err();
        assert!(error.to_string().contains("LIMIT_RESPONSE_HEADERS_ENABLED"), "{error}");
    }

    #[test]
    fn redis_is_named_by_a_url() {
        let found = |url: &str, tls, unix| Ok((url.to_owned(), tls, unix));
        for (url, tls) in [("redis://r:1", false), ("redis://:p%40ss@r:1/2", false), ("rediss://ann:x@r", true)] {
            assert_eq!(redis(url), found(url, tls, false));
        }
        assert_eq!(redis("unix:/run/redis.sock"), found("/run/redis.sock", false, true));
        assert!(redis("redis://").is_err() && redis("unix:").is_err());
        for (url, reason) in [
            ("redis://:secret@r:99999", "the port"),
            ("redis://:secret", "the port"),
            ("redis://:secret@r:1/x", "database"),
            ("unix:ann:secret@r:1", "a login"),
        ] {
            let error = redis(url).unwrap_err().to_string();
            assert!(error.contains("--redis") && error.contains(reason) && !error.contains("secret"), "{error}");
        }
        let error = redis("http://user:secret@r").unwrap_err().to_string();
        assert!(!error.contains("secret") && error.contains("expected redis://"), "{error}");
    }
}
