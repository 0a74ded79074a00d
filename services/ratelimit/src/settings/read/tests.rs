use std::cell::RefCell;
use std::collections::BTreeSet;

use super::*;

#[test]
fn the_defaults_are_the_originals() {
    let settings = Settings::read(&Environment::of(&[])).unwrap();
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
            "GRPC_SERVER_TLS_CERT" | "GRPC_SERVER_TLS_KEY" => "/certs/tls",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let settings = Settings::read(&Environment::new(set)).unwrap();
    assert_eq!(settings.config_type, ConfigType::Xds);
    assert_eq!(settings.metrics.prometheus, Some((":19001".to_owned(), "/metrics".to_owned())));
    assert!(settings.metrics.statsd.is_none());
    assert!(settings.xds.tls.is_some() && settings.listen.tls.is_some());
}

#[test]
fn statsd_may_be_at_an_address_of_ipv6() {
    let set = |name: &str| (name == "STATSD_HOST").then(|| "::1".to_owned());
    let settings = Settings::read(&Environment::new(set)).unwrap();
    assert_eq!(settings.metrics.statsd.unwrap().address, "[::1]:8125");
}

#[test]
fn the_format_of_logs_may_be_in_capitals() {
    for (value, json) in [("json", true), ("JSON", true), ("text", false)] {
        let set = move |name: &str| (name == "LOG_FORMAT").then(|| value.to_owned());
        assert_eq!(Settings::read(&Environment::new(set)).unwrap().log_json, json, "{value}");
    }
}

#[test]
fn maps_are_read_as_the_original_does() {
    let settings = |value: &'static str| {
        let set = move |name: &str| {
            ["CONFIG_GRPC_XDS_CLIENT_ADDITIONAL_HEADERS", "EXTRA_TAGS"].contains(&name).then(|| value.to_owned())
        };
        Settings::read(&Environment::new(set))
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

/// Reads with these variables beside a usual address of Redis.
fn read_with(variables: &[(&str, &str)]) -> Result<Settings, SettingError> {
    Settings::read(&Environment::of(variables))
}

#[test]
fn mistakes_are_named() {
    for (name, value, wanted) in [
        ("BACKEND_TYPE", "memcache", "expected redis or memory; memcache is not supported"),
        ("GRPC_PORT", "99999", "expected a port, from 1 to 65535"),
        ("DEBUG_PORT", "none", "expected a port, from 1 to 65535"),
        ("PORT", "0", "expected a port, from 1 to 65535"),
        ("NUNCIO_REPLICAS", "0", "expected how many replicas there are, 1 or more"),
        ("NUNCIO_REDIS_REPLY_TIMEOUT", "0", "no call would ever be answered: expected a time, as in 250ms"),
        ("LOCAL_CACHE_SIZE_IN_BYTES", "1MB", "expected how many bytes, 0 for no cache"),
        ("REDIS_SOCKET_TYPE", "udp", "expected tcp or unix"),
        ("NEAR_LIMIT_RATIO", "most", "expected a number from 0 to 1"),
    ] {
        let error = read_with(&[(name, value)]).unwrap_err();
        assert_eq!(error.to_string(), format!("{name}={value:?}: {wanted}"));
    }
    let wanted = "expected the name of a header: letters, digits and any of !#$%&'*+-.^_`|~";
    for name in ["LIMIT_LIMIT_HEADER", "LIMIT_REMAINING_HEADER", "LIMIT_RESET_HEADER"] {
        let error = read_with(&[("LIMIT_RESPONSE_HEADERS_ENABLED", "true"), (name, "x limit")]).unwrap_err();
        assert_eq!(error.to_string(), format!("{name}=\"x limit\": {wanted}"));
    }
    // What may be a secret is not shown.
    let headers = "CONFIG_GRPC_XDS_CLIENT_ADDITIONAL_HEADERS";
    let error = read_with(&[(headers, "authorization:Bearer a:b")]).unwrap_err();
    assert_eq!(error.to_string(), format!("{headers}: expected key:value,key:value"));
    for path in ["metrics", "/a{b}", "/*"] {
        let error = read_with(&[("USE_PROMETHEUS", "true"), ("PROMETHEUS_PATH", path)]).unwrap_err();
        assert_eq!(error.name, "PROMETHEUS_PATH", "{error}");
    }
}

#[test]
fn tls_of_the_server_wants_its_files() {
    let tls = ("GRPC_SERVER_USE_TLS", "true");
    let (certificate, key) = (("GRPC_SERVER_TLS_CERT", "/a.crt"), ("GRPC_SERVER_TLS_KEY", "/a.key"));
    let error = |variables: &[_]| read_with(variables).unwrap_err().to_string();
    let wanted = "GRPC_SERVER_USE_TLS wants a file in PEM";
    assert_eq!(error(&[tls]), format!("GRPC_SERVER_TLS_CERT=\"\": {wanted}"));
    assert_eq!(error(&[tls, certificate]), format!("GRPC_SERVER_TLS_KEY=\"\": {wanted}"));
    let settings = read_with(&[tls, certificate, key, ("GRPC_CLIENT_TLS_SAN", "envoy")]).unwrap();
    assert_eq!(
        settings.warnings,
        ["GRPC_CLIENT_TLS_SAN=\"envoy\": no client is let in without GRPC_CLIENT_TLS_CACERT"]
    );
    let settings = read_with(&[certificate]).unwrap();
    assert!(settings.listen.tls.is_none() && settings.warnings[0].contains("not encrypted"), "{:?}", settings.warnings);
}

/// Where the original starts without a word.
#[test]
fn what_can_hardly_be_meant_is_told_and_taken() {
    for (name, value, wanted) in [
        ("LOG_FORMAT", "xml", "is taken as text: expected text or json"),
        ("NEAR_LIMIT_RATIO", "2", "expected a number from 0 to 1"),
        ("EXPIRATION_JITTER_MAX_SECONDS", "-1", "expected how many seconds, 0 for none"),
        ("REDIS_POOL_SIZE", "10", "changes nothing: each core has one connection that all requests share"),
    ] {
        let settings = read_with(&[(name, value)]).unwrap();
        assert_eq!(settings.warnings, [format!("{name}={value:?}: {wanted}")]);
    }
    let settings = read_with(&[("TRACING_ENABLED", "true"), ("TRACING_SAMPLING_RATE", "7")]).unwrap();
    assert_eq!(settings.warnings.len(), 1);
    assert!(read_with(&[("LOG_FORMAT", "JSON"), ("NEAR_LIMIT_RATIO", "1")]).unwrap().warnings.is_empty());
}

/// Nobody asks a Redis that is not used.
#[test]
fn addresses_matter_where_they_are_used() {
    let url = ("REDIS_URL", "http://h");
    let error = read_with(&[url]).unwrap_err();
    assert_eq!(error.name, "REDIS_URL");
    read_with(&[url, ("BACKEND_TYPE", "memory")]).unwrap();
    let per_second = [("REDIS_PERSECOND", "true"), ("REDIS_PERSECOND_URL", "http://h")];
    assert_eq!(read_with(&per_second).unwrap_err().name, "REDIS_PERSECOND_URL");
}

#[test]
fn connecting_to_redis_may_take_for_ever() {
    let set = |name: &str| match name {
        "REDIS_PERSECOND" => Some("true".to_owned()),
        "REDIS_TIMEOUT" | "REDIS_PERSECOND_TIMEOUT" => Some("0s".to_owned()),
        _ => None,
    };
    let settings = Settings::read(&Environment::new(set)).unwrap();
    assert_eq!(settings.redis.timeout, Duration::MAX);
    assert_eq!(settings.redis_per_second.unwrap().timeout, Duration::MAX);
}

/// The names in the first column of its tables.
fn documented() -> BTreeSet<String> {
    let text = include_str!("../../../../../docs/ratelimit-environment.md");
    let cells = text.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    cells.flat_map(|cell| cell.split([',', '`', ' '])).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[test]
fn all_variables_are_in_the_documentation_and_no_others() {
    let asked = RefCell::new(BTreeSet::new());
    let lookup = |name: &str| {
        asked.borrow_mut().insert(name.to_owned());
        let value = match name {
            "USE_DOG_STATSD_MOGRIFIERS" | "DOG_STATSD_MOGRIFIER_NAME_PATTERN" | "DOG_STATSD_MOGRIFIER_NAME_NAME" => {
                "NAME"
            }
            "GRPC_SERVER_USE_TLS"
            | "CONFIG_GRPC_XDS_SERVER_USE_TLS"
            | "REDIS_TLS"
            | "REDIS_PERSECOND"
            | "USE_PROMETHEUS"
            | "USE_DOG_STATSD"
            | "LIMIT_RESPONSE_HEADERS_ENABLED"
            | "TRACING_ENABLED" => "true",
            "GRPC_SERVER_TLS_CERT" | "GRPC_SERVER_TLS_KEY" => "/certs/tls",
            _ => return None,
        };
        Some(value.to_owned())
    };
    Settings::read(&Environment::new(lookup)).unwrap();
    assert_eq!(asked.into_inner(), documented());
}
