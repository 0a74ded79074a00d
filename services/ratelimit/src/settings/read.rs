//! Reads the settings from the environment.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{
    BackendType, ClientTls, ConfigType, Environment, Files, Metrics, Redis, SettingError, Settings, Xds, listen, redis,
    report, traces,
};
use crate::back_off::BackOff;
use crate::config::StoreFailure;
use crate::limiter;
use crate::provider;
use crate::stats::{Mogrifier, StatsdTarget};

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
        let redis = |prefix: &str, socket: &str| -> Result<Redis, SettingError> {
            let redis = redis::read(env, prefix, socket)?;
            if backend == BackendType::Redis {
                redis::check(env, &redis, prefix)?;
            }
            Ok(redis)
        };
        let xds = xds(env)?;
        if config_type == ConfigType::Xds {
            provider::xds::check(&xds)?;
        }
        report::ignored(env);
        Ok(Self {
            listen: listen::read(env)?,
            log_level: env.text("LOG_LEVEL", "WARN"),
            log_json: log_json(env),
            traces: traces::read(env)?,
            config_type,
            force_start: env.flag("FORCE_START_WITHOUT_INITIAL_CONFIG", false)?,
            merge_domains: env.flag("MERGE_DOMAIN_CONFIG", false)?,
            healthy_with_config: env.flag("HEALTHY_WITH_AT_LEAST_ONE_CONFIG_LOADED", false)?,
            files: files(env)?,
            xds,
            metrics: metrics(env)?,
            backend,
            redis: redis(redis::USUAL, "/var/run/nutcracker/ratelimit.sock")?,
            redis_per_second: match env.flag("REDIS_PERSECOND", false)? {
                true => Some(redis(redis::PER_SECOND, "/var/run/nutcracker/ratelimitpersecond.sock")?),
                false => None,
            },
            expiration_jitter: expiration_jitter(env)?,
            local_cache_bytes: env.number("LOCAL_CACHE_SIZE_IN_BYTES", 0, "expected how many bytes, 0 for no cache")?,
            health_by_connection: env.flag("REDIS_HEALTH_CHECK_ACTIVE_CONNECTION", false)?,
            limiter: limiter(env)?,
            // Last, when all has been read.
            warnings: env.warnings(),
        })
    }
}

/// What is neither is text, as with the original.
fn log_json(env: &Environment<'_>) -> bool {
    let format = env.text("LOG_FORMAT", "text").to_ascii_lowercase();
    if !["text", "json"].contains(&format.as_str()) {
        env.warn("LOG_FORMAT", "is taken as text: expected text or json");
    }
    format == "json"
}

/// What is negative adds nothing, as with the original.
fn expiration_jitter(env: &Environment<'_>) -> Result<u64, SettingError> {
    let (name, wanted) = ("EXPIRATION_JITTER_MAX_SECONDS", "expected how many seconds, 0 for none");
    let seconds: i64 = env.number(name, 300, wanted)?;
    if seconds < 0 {
        env.warn(name, wanted);
    }
    Ok(seconds.max(0).unsigned_abs())
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
    let tls = env.flag("CONFIG_GRPC_XDS_SERVER_USE_TLS", false)?.then(|| ClientTls {
        certificate: env.file("CONFIG_GRPC_XDS_CLIENT_TLS_CERT"),
        key: env.file("CONFIG_GRPC_XDS_CLIENT_TLS_KEY"),
        authorities: env.file("CONFIG_GRPC_XDS_SERVER_TLS_CACERT"),
        name: env.text("CONFIG_GRPC_XDS_SERVER_TLS_SAN", ""),
        skip_name: false,
    });
    Ok(Xds {
        server: env.text("CONFIG_GRPC_XDS_SERVER_URL", "localhost:18000"),
        node_id: env.text("CONFIG_GRPC_XDS_NODE_ID", "default"),
        node_metadata: pairs(&env.text("CONFIG_GRPC_XDS_NODE_METADATA", ""), '='),
        headers: env.map("CONFIG_GRPC_XDS_CLIENT_ADDITIONAL_HEADERS")?,
        tls,
        back_off: back_off(env)?,
        // gRPC's own default is 4 MB; rules are few and trusted.
        max_message: env
            .number("XDS_CLIENT_MAX_MSG_SIZE_IN_BYTES", 0_usize, "expected how many bytes, 0 for 4 MiB")
            .map(|size| if size == 0 { 4 << 20 } else { size })?,
    })
}

/// 0 stands for the defaults of the original's library.
fn back_off(env: &Environment<'_>) -> Result<BackOff, SettingError> {
    let duration = |name: &str, default: &str, zero: Duration| {
        env.duration(name, default).map(|duration| if duration.is_zero() { zero } else { duration })
    };
    let factor = env.number("XDS_CLIENT_BACKOFF_RANDOM_FACTOR", 0.5_f64, "expected a number such as 1.5")?;
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
            .then(|| prometheus_path(env).map(|path| (env.text("PROMETHEUS_ADDR", ":9090"), path)))
            .transpose()?,
        mapper_file: env.text("PROMETHEUS_MAPPER_YAML", ""),
        response_time_in_milliseconds: env.flag("PROMETHEUS_RESPONSE_TIME_AS_MILLISECONDS", false)?,
    })
}

/// A path without anything that routers give a meaning to.
fn prometheus_path(env: &Environment<'_>) -> Result<String, SettingError> {
    let wanted = "expected a path that begins with / and has letters, digits, /, -, ., _ and ~ alone";
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
    let parse = |path: &str| (path.starts_with('/') && path.chars().all(plain)).then(|| path.to_owned());
    env.parsed("PROMETHEUS_PATH", "/metrics".to_owned(), wanted, parse)
}

/// Those of the list, each set up by three variables of its own.
fn mogrifiers(env: &Environment<'_>) -> Result<Vec<Mogrifier>, SettingError> {
    let names = env.text("USE_DOG_STATSD_MOGRIFIERS", "");
    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
    let mogrifier = |name: &str| {
        let variable = |suffix: &str| env.text(&format!("DOG_STATSD_MOGRIFIER_{name}_{suffix}"), "");
        let (pattern, tags) = (variable("PATTERN"), pairs(&variable("TAGS"), ':'));
        Mogrifier::new(&pattern, &variable("NAME"), tags)
            .map_err(|reason| SettingError::new(format!("DOG_STATSD_MOGRIFIER_{name}_PATTERN"), &pattern, reason))
    };
    names.map(mogrifier).collect()
}

fn limiter(env: &Environment<'_>) -> Result<limiter::Options, SettingError> {
    let headers = match env.flag("LIMIT_RESPONSE_HEADERS_ENABLED", false)? {
        true => Some([
            header(env, "LIMIT_LIMIT_HEADER", "RateLimit-Limit")?,
            header(env, "LIMIT_REMAINING_HEADER", "RateLimit-Remaining")?,
            header(env, "LIMIT_RESET_HEADER", "RateLimit-Reset")?,
        ]),
        false => None,
    };
    Ok(limiter::Options {
        key_prefix: env.text("CACHE_KEY_PREFIX", ""),
        near_limit_ratio: env.share("NEAR_LIMIT_RATIO", 0.8)?,
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
        replicas: env
            .number("NUNCIO_REPLICAS", NonZeroU32::MIN, "expected how many replicas there are, 1 or more")?
            .get(),
    })
}

/// The name of a header. Envoy would leave out one that is none, or take back the whole answer.
fn header(env: &Environment<'_>, name: &str, default: &str) -> Result<String, SettingError> {
    const WANTED: &str = "expected the name of a header: letters, digits and any of !#$%&'*+-.^_`|~";
    let parse = |value: &str| http::HeaderName::try_from(value).is_ok().then(|| value.to_owned());
    env.parsed(name, default.to_owned(), WANTED, parse)
}

#[cfg(test)]
mod tests;
