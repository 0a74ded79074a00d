//! Fields that have an input of their own, by kind.

use nuncio_api::Kind;

use crate::admin::FieldView;

/// A path, what the field is called, and what may stand there.
type Field = (&'static str, &'static str, &'static str);

const MAPPING: &[Field] = &[
    ("spec.timeout_ms", "Timeout", "milliseconds for the whole answer; 0 is no limit"),
    ("spec.idle_timeout_ms", "Idle timeout", "milliseconds without a byte"),
    ("spec.connect_timeout_ms", "Connect timeout", "milliseconds until a connection stands"),
    ("spec.retry_policy.retry_on", "Retry on", "5xx, gateway-error, connect-failure, …"),
    ("spec.retry_policy.num_retries", "Retries", "tries after the first"),
    ("spec.retry_policy.per_try_timeout", "Time for each try", "as in 500ms"),
    ("spec.weight", "Weight", "share of the requests in percent"),
    ("spec.service", "Service", "name, or name.namespace:port"),
];
const TCP_MAPPING: &[Field] = &[
    ("spec.service", "Service", "name, or name.namespace:port"),
    ("spec.idle_timeout_ms", "Idle timeout", "milliseconds without a byte"),
    ("spec.weight", "Weight", "share of the connections in percent"),
];
const HOST: &[Field] = &[
    ("spec.hostname", "Host name", "shop.example.com, or *.example.com"),
    ("spec.requestPolicy.insecure.action", "Clear text", "Redirect, Reject or Route"),
    ("spec.tlsSecret.name", "Secret of the certificate", "name of a Secret"),
];
const LISTENER: &[Field] = &[
    ("spec.port", "Port", "number"),
    ("spec.protocol", "Protocol", "HTTP, HTTPS, TCP, TLS"),
    ("spec.securityModel", "What is secure", "XFP, SECURE or INSECURE"),
    ("spec.l7Depth", "Trusted proxies before it", "number"),
];
const TLS_CONTEXT: &[Field] = &[
    ("spec.secret", "Secret of the certificate", "name of a Secret"),
    ("spec.ca_secret", "Secret of the authorities", "name of a Secret"),
    ("spec.min_tls_version", "Lowest version", "v1.2"),
    ("spec.max_tls_version", "Highest version", "v1.3"),
];
const MODULE: &[Field] = &[
    ("spec.config.cluster_request_timeout_ms", "Timeout", "milliseconds, where a Mapping says none"),
    ("spec.config.cluster_idle_timeout_ms", "Idle timeout", "milliseconds, where a Mapping says none"),
    ("spec.config.listener_idle_timeout_ms", "Idle connections of clients", "milliseconds"),
];
const ASKED: &[Field] = &[("spec.timeout_ms", "Timeout", "milliseconds for an answer")];

const FILTER: &[Field] = &[
    ("spec.JWT.issuer", "Issuer", "what iss of a token must be"),
    ("spec.JWT.audience", "Audience", "what aud of a token must hold"),
    ("spec.JWT.jwksURI", "Keys of the issuer", "URL"),
    ("spec.JWT.leewayForExpiresAt", "Leeway of the expiry", "as in 5s"),
    ("spec.OAuth2.authorizationURL", "Identity provider", "its issuer, a URL"),
    ("spec.OAuth2.clientID", "Client", "who we are there"),
    ("spec.OAuth2.secretName", "Secret of the client", "name of a Secret"),
    ("spec.OAuth2.clientSessionMaxIdle", "Sessions without requests", "how long they live, as in 8h"),
    ("spec.OAuth2.sessionMaxLife", "Longest session", "as in 24h"),
    ("spec.APIKey.httpHeader", "Header of the key", "X-API-Key"),
    ("spec.APIKey.identityHeader", "Header for services", "in which they are told whose key it was"),
    ("spec.Basic.secretName", "Secret of names and passwords", "name of a Secret"),
    ("spec.Basic.realm", "Realm", "what browsers are told that the password is for"),
    ("spec.External.auth_service", "Service that is asked", "host:port"),
    ("spec.External.timeout_ms", "Timeout", "milliseconds for an answer"),
    ("spec.External.path_prefix", "Path prefix", "put before the path"),
    ("spec.Introspection.endpoint", "Endpoint", "URL"),
    ("spec.Introspection.clientID", "Client", "who asks there"),
    ("spec.Introspection.cache", "Answers are used for", "as in 30s"),
];
const GATEWAY_FILTER: &[Field] = &[
    ("spec.jwt.issuer", "Issuer", "what iss of a token must be"),
    ("spec.jwt.audience", "Audience", "what aud of a token must hold"),
    ("spec.jwt.jwksURI", "Keys of the issuer", "URL"),
    ("spec.oauth2.authorizationURL", "Identity provider", "its issuer, a URL"),
    ("spec.oauth2.clientID", "Client", "who we are there"),
    ("spec.oauth2.clientSessionMaxIdle", "Sessions without requests", "how long they live, as in 8h"),
    ("spec.apikey.httpHeader", "Header of the key", "X-API-Key"),
    ("spec.external.authServiceURL", "Service that is asked", "URL"),
    ("spec.external.pathPrefix", "Path prefix", "put before the path"),
];

fn of(kind: Kind) -> &'static [Field] {
    match kind {
        Kind::Mapping => MAPPING,
        Kind::TCPMapping => TCP_MAPPING,
        Kind::Host => HOST,
        Kind::Listener => LISTENER,
        Kind::TLSContext => TLS_CONTEXT,
        Kind::Module => MODULE,
        Kind::AuthService | Kind::RateLimitService => ASKED,
        Kind::Filter => FILTER,
        Kind::GatewayFilter => GATEWAY_FILTER,
        // What these say are lists: there is no one place for a value.
        _ => &[],
    }
}

/// Whether a field of a kind can be set by itself.
pub(super) fn settable(kind: Kind, path: &str) -> bool {
    of(kind).iter().any(|(known, ..)| *known == path)
}

/// Those of a kind, with what a text says there. A Filter is of one kind among several, and has the fields of that.
pub(super) fn fields(kind: Kind, text: &str) -> Vec<FieldView> {
    let view = |(path, title, hint): &Field| FieldView {
        path: (*path).to_owned(),
        title: (*title).to_owned(),
        hint: (*hint).to_owned(),
        value: nuncio_api::field(text, &path.split('.').collect::<Vec<_>>()).unwrap_or_default(),
    };
    let is_of_its_kind = |(path, ..): &&Field| {
        let kind_of_filter: Vec<_> = path.split('.').take(2).collect();
        !kind.is_filter() || nuncio_api::has(text, &kind_of_filter)
    };
    of(kind).iter().filter(is_of_its_kind).map(view).collect()
}
