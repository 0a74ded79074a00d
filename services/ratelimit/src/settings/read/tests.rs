use super::*;

#[test]
fn the_defaults_are_the_originals() {
    let settings = Settings::read(&Environment::new(&|_| None)).unwrap();
    assert_eq!(settings.listen.grpc, "0.0.0.0:8081");
    assert_eq!(settings.listen.max_connection_age, Duration::from_secs(86_400));
    assert_eq!(settings.expiration_jitter, 300);
    assert!(settings.redis.unix);
    assert_eq!(settings.metrics.statsd.unwrap().address, "localhost:8125");
    assert!(settings.files.watch_root);
    assert_eq!(settings.xds.back_off.wait(5), Duration::from_secs(10), "always the same");
}

#[test]
fn what_envoy_gateway_sets_is_understood() {
    let set = |name: &str| {
        let value = match name {
            "REDIS_SOCKET_TYPE" => "tcp",
            "REDIS_URL" => "redis:6379",
            "USE_PROMETHEUS" | "GRPC_SERVER_USE_TLS" | "CONFIG_GRPC_XDS_SERVER_USE_TLS" => "true",
            "PROMETHEUS_ADDR" => ":19001",
            "CONFIG_TYPE" => "GRPC_XDS_SOTW",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let settings = Settings::read(&Environment::new(&set)).unwrap();
    assert_eq!(settings.config_type, ConfigType::Xds);
    assert_eq!(settings.metrics.prometheus, Some((":19001".to_owned(), "/metrics".to_owned())));
    assert!(settings.metrics.statsd.is_none());
    assert!(settings.xds.tls.is_some() && settings.listen.tls.is_some());
}

#[test]
fn statsd_may_be_at_an_address_of_ipv6() {
    let set = |name: &str| (name == "STATSD_HOST").then(|| "::1".to_owned());
    let settings = Settings::read(&Environment::new(&set)).unwrap();
    assert_eq!(settings.metrics.statsd.unwrap().address, "[::1]:8125");
}

#[test]
fn the_format_of_logs_may_be_in_capitals() {
    for (value, json) in [("json", true), ("JSON", true), ("text", false)] {
        let set = move |name: &str| (name == "LOG_FORMAT").then(|| value.to_owned());
        assert_eq!(Settings::read(&Environment::new(&set)).unwrap().log_json, json, "{value}");
    }
}

#[test]
fn maps_are_read_as_the_original_does() {
    let settings = |value: &'static str| {
        let set = move |name: &str| {
            ["CONFIG_GRPC_XDS_CLIENT_ADDITIONAL_HEADERS", "EXTRA_TAGS"].contains(&name).then(|| value.to_owned())
        };
        Settings::read(&Environment::new(&set))
    };
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let read = settings("k1:v1=,k2:v2").unwrap();
    let expected = [pair("k1", "v1="), pair("k2", "v2")];
    assert_eq!((read.xds.headers.as_slice(), read.metrics.tags.as_slice()), (&expected[..], &expected[..]));
    for wrong in ["k1=v1", "k1:v1,k2", "k:a:b"] {
        let error = settings(wrong).unwrap_err();
        assert_eq!(error.name, "CONFIG_GRPC_XDS_CLIENT_ADDITIONAL_HEADERS", "{error}");
    }
}

#[test]
fn mistakes_are_named() {
    let set = |name: &str| (name == "BACKEND_TYPE").then(|| "memcache".to_owned());
    let error = Settings::read(&Environment::new(&set)).unwrap_err();
    assert_eq!(error.to_string(), "BACKEND_TYPE=\"memcache\": expected redis or memory; memcache is not supported");
    let set = |name: &str| (name == "NUNCIO_REDIS_REPLY_TIMEOUT").then(|| "0s".to_owned());
    let error = Settings::read(&Environment::new(&set)).unwrap_err().to_string();
    assert!(error.starts_with("NUNCIO_REDIS_REPLY_TIMEOUT") && error.contains("ever be answered"), "{error}");
}

#[test]
fn connecting_to_redis_may_take_for_ever() {
    let set = |name: &str| match name {
        "REDIS_PERSECOND" => Some("true".to_owned()),
        "REDIS_TIMEOUT" | "REDIS_PERSECOND_TIMEOUT" => Some("0s".to_owned()),
        _ => None,
    };
    let settings = Settings::read(&Environment::new(&set)).unwrap();
    assert_eq!(settings.redis.timeout, Duration::MAX);
    assert_eq!(settings.redis_per_second.unwrap().timeout, Duration::MAX);
}
