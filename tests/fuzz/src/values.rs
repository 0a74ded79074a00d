//! What goes into fields: mostly what people write, some of it odd, a little of it wrong.

mod words;

use arbitrary::{Result, Unstructured};
use serde_json::{Value, json};

use self::words::{
    ALGORITHMS, CIPHERS, CONDITIONS, DURATIONS, HEADERS, LOG_FORMATS, LUA, NAMES, ODD_CIPHERS, ODD_DURATIONS,
    ODD_HEADERS, ODD_NAMES, ODD_PATHS, ODD_REGEXES, ODD_SERVICES, ODD_URLS, ODD_VALUES, PATHS, REGEXES, RETRY_ON,
    SERVICES, STATUSES, SUBSTITUTIONS, URLS, VALUES,
};
use crate::secrets;

/// Fields that would put an object out of play, or reach outside of the test.
pub(crate) const NEVER: &[&str] = &["ambassador_id", "ambassadorId", "envoy_log_path"];

/// Fields of nested values without which the whole is refused: field of the whole, field.
pub(crate) const REQUIRED: &[(&str, &str)] = &[
    ("retry_policy", "retry_on"),
    ("cookie", "name"),
    ("health_checks", "health_check"),
    ("http", "path"),
    ("grpc", "upstream_name"),
    ("tlsSecret", "name"),
    ("tlsContext", "name"),
    ("regex_rewrite", "pattern"),
    ("regex_redirect", "pattern"),
    ("cors", "origins"),
    ("ports", "port"),
    ("endpoints", "addresses"),
    ("add_request_headers", "value"),
    ("add_response_headers", "value"),
    ("filters", "name"),
    ("filterRefs", "name"),
    ("ifRequestHeader", "name"),
    ("injectRequestHeaders", "name"),
    ("injectRequestHeaders", "value"),
    ("keys", "secretName"),
    ("protectedOrigins", "origin"),
    ("accessTokenJWTFilter", "name"),
    ("include_body", "max_bytes"),
    ("status_on_error", "code"),
];

/// `times` in `of`; never when the bytes have run out.
pub(crate) fn chance(u: &mut Unstructured<'_>, times: u32, of: u32) -> Result<bool> {
    Ok(u.int_in_range(1..=of)? > of - times.min(of))
}

/// A number from the environment.
pub(crate) fn parsed_env(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Good ones mostly, an odd one now and then.
fn pick(u: &mut Unstructured<'_>, good: &[&str], odd: &[&str]) -> Result<String> {
    let odd_one = !odd.is_empty() && chance(u, 1, 12)?;
    Ok((*u.choose(if odd_one { odd } else { good })?).to_owned())
}

/// A text for a field.
pub(crate) fn text(u: &mut Unstructured<'_>, field: &str) -> Result<String> {
    let (good, odd): (&[&str], &[&str]) = match field {
        "prefix" if chance(u, 1, 4)? => (REGEXES, ODD_REGEXES),
        "prefix" | "path" | "path_redirect" | "prefix_redirect" | "rewrite" => (PATHS, ODD_PATHS),
        "hostname" | "host" | "hosts" | "sni" | "host_rewrite" | "authority" => (NAMES, ODD_NAMES),
        "pattern" | "regex_headers" | "regex_query_parameters" => (REGEXES, ODD_REGEXES),
        "substitution" => (SUBSTITUTIONS, &[]),
        "service" | "auth_service" => (SERVICES, ODD_SERVICES),
        "header"
        | "httpHeader"
        | "identityHeader"
        | "allowed_request_headers"
        | "allowed_authorization_headers"
        | "remove_request_headers"
        | "remove_response_headers"
        | "header_case_overrides"
        | "exposed_headers" => (HEADERS, ODD_HEADERS),
        "value" | "headers" | "query_parameters" | "server_name" => (VALUES, ODD_VALUES),
        "method" => (&["GET", "POST", "get", "GET|POST"], &["", "G T", "\u{e9}"]),
        "methods" => (&["GET", "POST, PUT", "*"], &["", "a b"]),
        "origins" => (&["*", "https://a.example", "http://*.example"], &["", "null", "a\nb", "*.example.*"]),
        "timeout"
        | "interval"
        | "per_try_timeout"
        | "ttl"
        | "cache"
        | "maxAge"
        | "maxStale"
        | "lifetime"
        | "nbfSafetyMargin"
        | "leewayForExpiresAt"
        | "leewayForIssuedAt"
        | "leewayForNotBefore"
        | "clientSessionMaxIdle"
        | "sessionMaxLife"
        | "expirationSafetyMargin"
        | "stateTTL" => (DURATIONS, ODD_DURATIONS),
        "jwksURI"
        | "authorizationURL"
        | "endpoint"
        | "origin"
        | "clientURL"
        | "postLogoutRedirectURI"
        | "internalOrigin"
        | "allowedInternalOrigins" => (URLS, ODD_URLS),
        "require" => (CONDITIONS, &["", "(", "claims", "1 +", "a.b"]),
        "validAlgorithms" => (ALGORITHMS, &["", "HS256", "rs256"]),
        "signingMethod" => (&["HS256"], &["", "RS256", "none"]),
        "secretName" => (&["words"], &["", "cert", "not-there"]),
        "max_age" | "idle_timeout_ms" => {
            (&["0", "1", "86400"], &["", "-1", "x", "99999999999999999999", "18446744073709551615"])
        }
        "retry_on" => (RETRY_ON, &["", "nonsense", "5xx,nonsense", ","]),
        "resolver" => (&["kubernetes-service", "endpoint", "resolver-0"], &["", "not-there"]),
        "tls" => (&["context-0", "context-1", "context-0.default"], &["", "not-there", "true"]),
        "secret" | "ca_secret" | "crl_secret" | "tlsSecret" => (secrets::NAMES, &["", "cert.default", "a/b"]),
        "tlsContext" => (&["context-0", "context-1"], &["", "not-there"]),
        "cluster_tag" | "stats_name" | "statsPrefix" => (&["tag", "a.b", "A_1"], &["", "é", "a b", "a\n", "::", "%"]),
        "allow_upgrade" => (&["websocket", "spdy/3.1"], &["", "WebSocket", "connect", "CONNECT", "a b", "h2c"]),
        "cipher_suites" => (CIPHERS, ODD_CIPHERS),
        "ecdh_curves" => (&["X25519", "P-256", "P-384", "X25519MLKEM768"], &["", "nonsense", "secp256r1"]),
        "alpn_protocols" => (&["h2", "http/1.1", "h2,http/1.1"], &["", "h3", ",", "a b"]),
        "lua_scripts" => (LUA, &[]),
        "envoy_log_format" => (LOG_FORMATS, ODD_VALUES),
        "clusterIP" => (&["10.96.0.1", "None", "127.0.0.1"], &["", "::1", "x"]),
        "externalName" => (&["localhost", "b.example"], &["", "a b", "127.0.0.1"]),
        "addresses" => (&["127.0.0.1", "10.1.2.3", "::1"], &["", "x", "0.0.0.0", "224.0.0.1", "fe80::1%eth0"]),
        "addressType" => (&["IPv4", "IPv6", "FQDN"], &["", "x"]),
        "protocol" => (&["TCP"], &["UDP", ""]),
        "type" => (&["ClusterIP", "ExternalName"], &["", "x"]),
        "address" => (&["127.0.0.1"], &["", "x", "::1"]),
        "content_type" => (&["text/html", "application/json"], &["", "a b"]),
        "name" | "namespace" => return named(u),
        "ip_allow" | "ip_deny" | "peer" | "remote" => {
            (&["127.0.0.1", "10.0.0.0/8", "::1/128", "::/0", "0.0.0.0/0"], &["", "10.0.0.0/33", "x", "1.2.3.4/8"])
        }
        "matchLabels" | "values" => (&["a", "b"], &["", "é"]),
        "key" => (&["app", "tier"], &["", "é"]),
        "upstream_name" => (&["grpc.health.v1.Health", "cart"], &["", "é"]),
        _ => (VALUES, ODD_VALUES),
    };
    pick(u, good, odd)
}

/// Names of other objects, right for some kinds and wrong for others.
fn named(u: &mut Unstructured<'_>) -> Result<String> {
    pick(
        u,
        &["cert", "wild", "context-0", "filter-0", "filter-1", "web", "http", "default"],
        &["", "not-there", "a.b", "é", "A b"],
    )
}

/// The key of an entry.
pub(crate) fn key(u: &mut Unstructured<'_>, field: &str) -> Result<String> {
    match field {
        "matchLabels" => pick(u, &["app", "tier"], &["", "é"]),
        "query_parameters" | "regex_query_parameters" => pick(u, &["q", "page"], &["", "é", "a&b", "a=b"]),
        "selector" => pick(u, &["app"], &[""]),
        _ => pick(u, HEADERS, ODD_HEADERS),
    }
}

/// A number for a field, most often one that means something there.
pub(crate) fn number(u: &mut Unstructured<'_>, field: &str) -> Result<Value> {
    let usual: &[u64] = match field {
        "weight" | "percent" | "max_ejection_percent" => &[0, 1, 10, 33, 50, 100],
        "redirect_response_code" | "min" | "max" => STATUSES,
        "port" | "targetPort" | "admin_port" => &[80, 8080, 9000, 65535],
        "precedence" => &[0, 1, 100],
        "memory_level" | "window_bits" => &[1, 5, 9, 12, 15],
        "max_request_headers_kb" => &[1, 60, 96, 8192],
        "http2MaxConcurrentStreams" => &[1, 100, 2_147_483_647],
        "l7Depth" | "num_retries" | "probes" | "healthy_threshold" | "unhealthy_threshold" => &[0, 1, 2, 3, 10],
        _ => &[0, 1, 100, 1_000, 30_000],
    };
    if chance(u, 1, 12)? {
        return Ok(u
            .choose(&[
                json!(0),
                json!(-1),
                json!(u32::MAX),
                json!(i32::MAX),
                json!(u64::MAX),
                json!(i64::MAX),
                json!(1.5),
                json!(65_536),
                json!("7"),
            ])?
            .clone());
    }
    Ok(Value::from(*u.choose(usual)?))
}

/// A value that no field expects, or that any takes.
pub(crate) fn nonsense(u: &mut Unstructured<'_>) -> Result<Value> {
    Ok(u.choose(&[
        json!(null),
        json!({}),
        json!([]),
        json!(true),
        json!(-1),
        json!("x"),
        json!({"a": [1, {"b": null}]}),
        json!([[]]),
        json!([null]),
    ])?
    .clone())
}
