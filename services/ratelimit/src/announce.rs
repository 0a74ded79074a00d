//! What is told when the service starts.

use crate::settings::{BackendType, ConfigType, Redis, Settings};
use crate::store::redis_servers;

/// Where the line comes from: it is told where nothing but warnings is.
pub(crate) const TARGET: &str = module_path!();

/// Tells where it listens, where counters and rules are.
pub(crate) fn announce(settings: &Settings) {
    tracing::info!("{}", line(settings));
}

fn line(settings: &Settings) -> String {
    let listen = &settings.listen;
    let grpc = if listen.grpc_unix.is_empty() { &listen.grpc } else { &listen.grpc_unix };
    let metrics = settings.metrics.prometheus.as_ref().map_or("", |(address, _)| address.as_str());
    let ports = [("gRPC", grpc.as_str()), ("HTTP", &listen.http), ("debugging", &listen.debug), ("metrics", metrics)]
        .into_iter()
        .filter(|(_, address)| !address.is_empty())
        .map(|(what, address)| format!("{what} at {address}"));
    format!(
        "rate limit service {} starts: {}; counters in {}; rules from {}",
        env!("CARGO_PKG_VERSION"),
        ports.collect::<Vec<_>>().join(", "),
        store(settings),
        rules(settings),
    )
}

fn store(settings: &Settings) -> String {
    // What is no address is refused before.
    let redis =
        |redis: &Redis| format!("Redis {}", redis_servers(redis.kind, &redis.url, redis.unix).unwrap_or_default());
    match (settings.backend, &settings.redis_per_second) {
        (BackendType::Memory, _) => "memory".to_owned(),
        (BackendType::Redis, None) => redis(&settings.redis),
        (BackendType::Redis, Some(seconds)) => {
            format!("{}, those of seconds in {}", redis(&settings.redis), redis(seconds))
        }
    }
}

fn rules(settings: &Settings) -> String {
    match settings.config_type {
        ConfigType::File => settings.files.directory().display().to_string(),
        ConfigType::Xds => format!("the management server {}", settings.xds.server),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Environment;

    fn told(variables: &[(&str, &str)]) -> String {
        line(&Settings::read(&Environment::of(variables)).unwrap())
    }

    #[test]
    fn ports_counters_and_rules_are_told_and_no_passwords() {
        let tcp = ("REDIS_SOCKET_TYPE", "tcp");
        let line = told(&[tcp, ("REDIS_URL", "redis://:begin,secret@redis:6379"), ("USE_PROMETHEUS", "true")]);
        let expected = concat!(
            "rate limit service ",
            env!("CARGO_PKG_VERSION"),
            " starts: gRPC at 0.0.0.0:8081, HTTP at 0.0.0.0:8080, debugging at 0.0.0.0:6070, metrics at :9090; \
             counters in Redis redis:6379; rules from /srv/runtime_data/current/config"
        );
        assert_eq!(line, expected);
        let line = told(&[("REDIS_TYPE", "CLUSTER"), ("REDIS_URL", "rediss://ann:secret@a:1,[::1]:2")]);
        assert!(line.contains("counters in Redis a:1,[::1]:2; "), "{line}");
        let line = told(&[("REDIS_TYPE", "SENTINEL"), ("REDIS_URL", "main,:secret@a:1,b:2")]);
        assert!(line.contains("counters in Redis main of a:1,b:2; "), "{line}");
        let line = told(&[
            ("BACKEND_TYPE", "memory"),
            ("GRPC_UDS", "/run/limits"),
            ("CONFIG_TYPE", "GRPC_XDS_SOTW"),
            ("CONFIG_GRPC_XDS_SERVER_URL", "gateway:18001"),
        ]);
        assert!(line.contains("gRPC at /run/limits, HTTP"), "{line}");
        assert!(line.ends_with("counters in memory; rules from the management server gateway:18001"), "{line}");
    }
}
