//! Reads the settings from the environment.

use std::sync::Arc;
use std::time::Duration;

use super::{
    BackendType, ClientTls, ConfigType, Environment, Files, Listen, Metrics, Redis, ServerTls, SettingError, Settings,
    Xds, traces,
};
use crate::back_off::BackOff;
use crate::config::StoreFailure;
use crate::limiter;
use crate::stats::{Mogrifier, StatsdTarget};
use crate::store::ServerKind;

impl Settings {
    /// The settings that the environment gives, with the original's defaults.
    ///
    /// # Errors
    /// The first variable that cannot be understood.
    pub fn read(env: &Environment<'_>) -> Result<Self, SettingError> {
        let config_type =
            env.parsed("CONFIG_TYPE", ConfigType::File, "expected FILE or GRPC_XDS_SOTW", |value| match value {
                "FILE" => Some(ConfigType::File),
                "GRPC_XDS_SOTW" => Some(ConfigType::Xds),
                _ => None,
            })?;
        let backend = env.parsed(
            "BACKEND_TYPE",
            BackendType::Redis,
            "expected redis or memory; memcache is not supported",
            |value| match value {
                "redis" => Some(BackendType::Redis),
                "memory" => Some(BackendType::Memory),
                _ => None,
            },
        )?;
        Ok(Self {
            listen: listen(env)?,
            log_level: env.text("LOG_LEVEL", "WARN"),
            log_json: env.text("LOG_FORMAT", "text").eq_ignore_ascii_case("json"),
            traces: traces::read(env)?,
            config_type,
            force_start: env.flag("FORCE_START_WITHOUT_INITIAL_CONFIG", false)?,
            merge_domains: env.flag("MERGE_DOMAIN_CONFIG", false)?,
            healthy_with_config: env.flag("HEALTHY_WITH_AT_LEAST_ONE_CONFIG_LOADED", false)?,
            files: files(env)?,
            xds: xds(env)?,
            metrics: metrics(env)?,
            backend,
            redis: redis(env, "REDIS_", "/var/run/nutcracker/ratelimit.sock")?,
            redis_per_second: match env.flag("REDIS_PERSECOND", false)? {
                true => Some(redis(env, "REDIS_PERSECOND_", "/var/run/nutcracker/ratelimitpersecond.sock")?),
                false => None,
            },
            expiration_jitter: env.number("EXPIRATION_JITTER_MAX_SECONDS", 300_i64)?.max(0).unsigned_abs(),
            local_cache_bytes: env.number("LOCAL_CACHE_SIZE_IN_BYTES", 0)?,
            health_by_connection: env.flag("REDIS_HEALTH_CHECK_ACTIVE_CONNECTION", false)?,
            top: Some(Arc::default()),
            stats: Arc::default(),
            outage: Arc::default(),
            limiter: limiter(env)?,
        })
    }
}

fn listen(env: &Environment<'_>) -> Result<Listen, SettingError> {
    let tls = env.flag("GRPC_SERVER_USE_TLS", false)?.then(|| ServerTls {
        certificate: env.text("GRPC_SERVER_TLS_CERT", ""),
        key: env.text("GRPC_SERVER_TLS_KEY", ""),
        client_authorities: env.text("GRPC_CLIENT_TLS_CACERT", ""),
        client_name: env.text("GRPC_CLIENT_TLS_SAN", ""),
    });
    Ok(Listen {
        http: env.address(("HOST", "0.0.0.0"), ("PORT", 8080))?,
        grpc: env.address(("GRPC_HOST", "0.0.0.0"), ("GRPC_PORT", 8081))?,
        grpc_unix: env.text("GRPC_UDS", ""),
        debug: env.address(("DEBUG_HOST", "0.0.0.0"), ("DEBUG_PORT", 6070))?,
        max_connection_age: env.duration("GRPC_MAX_CONNECTION_AGE", "24h")?,
        max_connection_age_grace: env.duration("GRPC_MAX_CONNECTION_AGE_GRACE", "1h")?,
        tls,
        threads: env.number("NUNCIO_RATELIMIT_THREADS", 0)?,
    })
}

fn files(env: &Environment<'_>) -> Result<Files, SettingError> {
    Ok(Files {
        root: env.text("RUNTIME_ROOT", "/srv/runtime_data/current"),
        subdirectory: env.text("RUNTIME_SUBDIRECTORY", ""),
        app_directory: env.text("RUNTIME_APPDIRECTORY", "config"),
        ignore_dot_files: env.flag("RUNTIME_IGNOREDOTFILES", false)?,
        watch_root: env.flag("RUNTIME_WATCH_ROOT", true)?,
    })
}

fn xds(env: &Environment<'_>) -> Result<Xds, SettingError> {
    let prefix = "CONFIG_GRPC_XDS_";
    let text = |name: &str, default: &str| env.text(&format!("{prefix}{name}"), default);
    let tls = env.flag(&format!("{prefix}SERVER_USE_TLS"), false)?.then(|| ClientTls {
        certificate: text("CLIENT_TLS_CERT", ""),
        key: text("CLIENT_TLS_KEY", ""),
        authorities: text("SERVER_TLS_CACERT", ""),
        name: text("SERVER_TLS_SAN", ""),
        skip_name: false,
    });
    Ok(Xds {
        server: text("SERVER_URL", "localhost:18000"),
        node_id: text("NODE_ID", "default"),
        node_metadata: pairs(&text("NODE_METADATA", ""), '='),
        headers: env.map(&format!("{prefix}CLIENT_ADDITIONAL_HEADERS"))?,
        tls,
        back_off: back_off(env)?,
        // gRPC's own default is 4 MB; rules are few and trusted.
        max_message: env
            .number("XDS_CLIENT_MAX_MSG_SIZE_IN_BYTES", 0_usize)
            .map(|size| if size == 0 { 4 << 20 } else { size })?,
    })
}

/// 0 stands for the defaults of the original's library.
fn back_off(env: &Environment<'_>) -> Result<BackOff, SettingError> {
    let duration = |name: &str, default: &str, zero: Duration| {
        env.duration(name, default).map(|duration| if duration.is_zero() { zero } else { duration })
    };
    let factor = env.number("XDS_CLIENT_BACKOFF_RANDOM_FACTOR", 0.5_f64)?;
    Ok(BackOff {
        first: duration("XDS_CLIENT_BACKOFF_INITIAL_INTERVAL", "10s", Duration::from_millis(100))?,
        longest: duration("XDS_CLIENT_BACKOFF_MAX_INTERVAL", "60s", Duration::from_secs(10))?,
        factor: if factor > 0.0 { factor } else { 2.0 },
        jitter: env.flag("XDS_CLIENT_BACKOFF_JITTER", true)?,
    })
}

/// `a=b,c=d`; what has no separator is left out.
fn pairs(text: &str, separator: char) -> Vec<(String, String)> {
    text.split(',')
        .filter_map(|pair| pair.split_once(separator))
        .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

fn metrics(env: &Environment<'_>) -> Result<Metrics, SettingError> {
    let disabled = env.flag("DISABLE_STATS", false)?;
    let prometheus = env.flag("USE_PROMETHEUS", false)?;
    let dog = env.flag("USE_DOG_STATSD", false)?;
    let statsd = env.flag("USE_STATSD", true)?;
    let address = env.address(("STATSD_HOST", "localhost"), ("STATSD_PORT", 8125))?;
    let tags = env.map("EXTRA_TAGS")?;
    let mogrifiers = if dog { mogrifiers(env)? } else { Vec::new() };
    Ok(Metrics {
        // One sink, in the original's order of preference.
        statsd: (!disabled && !prometheus && (dog || statsd)).then_some(StatsdTarget {
            address,
            dog,
            tags: tags.clone(),
            mogrifiers,
        }),
        tags,
        flush_interval: env.duration("STATS_FLUSH_INTERVAL", "10s")?.max(Duration::from_millis(10)),
        prometheus: (!disabled && prometheus)
            .then(|| (env.text("PROMETHEUS_ADDR", ":9090"), env.text("PROMETHEUS_PATH", "/metrics"))),
        mapper_file: env.text("PROMETHEUS_MAPPER_YAML", ""),
        response_time_in_milliseconds: env.flag("PROMETHEUS_RESPONSE_TIME_AS_MILLISECONDS", false)?,
    })
}

/// Those of the list, each set up by three variables of its own.
fn mogrifiers(env: &Environment<'_>) -> Result<Vec<Mogrifier>, SettingError> {
    let names = env.text("USE_DOG_STATSD_MOGRIFIERS", "");
    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
    let mogrifier = |name: &str| {
        let variable = |suffix: &str| env.text(&format!("DOG_STATSD_MOGRIFIER_{name}_{suffix}"), "");
        let (pattern, tags) = (variable("PATTERN"), pairs(&variable("TAGS"), ':'));
        Mogrifier::new(&pattern, &variable("NAME"), tags).map_err(|reason| SettingError {
            name: format!("DOG_STATSD_MOGRIFIER_{name}_PATTERN"),
            value: pattern,
            wanted: reason,
        })
    };
    names.map(mogrifier).collect()
}

fn redis(env: &Environment<'_>, prefix: &str, url: &str) -> Result<Redis, SettingError> {
    let name = |suffix: &str| format!("{prefix}{suffix}");
    let kind = env.parsed(&name("TYPE"), ServerKind::Single, "expected SINGLE, SENTINEL or CLUSTER", |value| {
        match value.to_ascii_uppercase().as_str() {
            "SINGLE" => Some(ServerKind::Single),
            "SENTINEL" => Some(ServerKind::Sentinel),
            "CLUSTER" => Some(ServerKind::Cluster),
            _ => None,
        }
    })?;
    let socket = env.text(&name("SOCKET_TYPE"), "unix");
    // Files of certificates are the same for both instances.
    let tls = match env.flag(&name("TLS"), false)? {
        false => None,
        true => Some(ClientTls {
            certificate: env.text("REDIS_TLS_CLIENT_CERT", ""),
            key: env.text("REDIS_TLS_CLIENT_KEY", ""),
            authorities: env.text("REDIS_TLS_CACERT", ""),
            name: String::new(),
            skip_name: env.flag("REDIS_TLS_SKIP_HOSTNAME_VERIFICATION", false)?,
        }),
    };
    Ok(Redis {
        kind,
        url: env.text(&name("URL"), url),
        unix: socket == "unix",
        auth: env.text(&name("AUTH"), ""),
        sentinel_auth: env.text(&name("SENTINEL_AUTH"), ""),
        tls,
        // 0 is no limit, as for the original's library.
        timeout: env
            .duration(&name("TIMEOUT"), "10s")
            .map(|timeout| if timeout.is_zero() { Duration::MAX } else { timeout })?,
        reply_timeout: reply_timeout(env)?,
    })
}

/// How long Redis may take to answer.
fn reply_timeout(env: &Environment<'_>) -> Result<Duration, SettingError> {
    let name = "NUNCIO_REDIS_REPLY_TIMEOUT";
    let timeout = env.duration(name, "1s")?;
    if timeout.is_zero() {
        let wanted = "no call would ever be answered: expected a time, as in 250ms".to_owned();
        return Err(SettingError { name: name.to_owned(), value: "0".to_owned(), wanted });
    }
    Ok(timeout)
}

fn limiter(env: &Environment<'_>) -> Result<limiter::Options, SettingError> {
    let headers = env.flag("LIMIT_RESPONSE_HEADERS_ENABLED", false)?.then(|| {
        [
            env.text("LIMIT_LIMIT_HEADER", "RateLimit-Limit"),
            env.text("LIMIT_REMAINING_HEADER", "RateLimit-Remaining"),
            env.text("LIMIT_RESET_HEADER", "RateLimit-Reset"),
        ]
    });
    Ok(limiter::Options {
        key_prefix: env.text("CACHE_KEY_PREFIX", ""),
        near_limit_ratio: env.number("NEAR_LIMIT_RATIO", 0.8)?,
        shadow_mode: env.flag("SHADOW_MODE", false)?,
        quota_mode: env.flag("QUOTA_MODE", false)?,
        stop_increment: env.flag("STOP_CACHE_KEY_INCREMENT_WHEN_OVERLIMIT", false)?,
        dynamic_metadata: env.flag("RESPONSE_DYNAMIC_METADATA", false)?,
        headers,
        ietf_headers: env.flag("NUNCIO_IETF_HEADERS", false)?,
        store_failure: env.parsed(
            "NUNCIO_STORE_FAILURE",
            StoreFailure::Error,
            "expected error, allow, deny or local",
            StoreFailure::from_name,
        )?,
        replicas: env.number("NUNCIO_REPLICAS", 1_u32)?.max(1),
    })
}

#[cfg(test)]
mod tests;
