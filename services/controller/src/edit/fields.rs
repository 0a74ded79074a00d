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

fn of(kind: Kind) -> &'static [Field] {
    match kind {
        Kind::Mapping => MAPPING,
        Kind::TCPMapping => TCP_MAPPING,
        Kind::Host => HOST,
        Kind::Listener => LISTENER,
        Kind::TLSContext => TLS_CONTEXT,
        Kind::Module => MODULE,
        Kind::AuthService | Kind::RateLimitService => ASKED,
        // What these say are lists: there is no one place for a value.
        _ => &[],
    }
}

/// Whether a field of a kind can be set by itself.
pub(super) fn settable(kind: Kind, path: &str) -> bool {
    of(kind).iter().any(|(known, ..)| *known == path)
}

/// Those of a kind, with what a text says there.
pub(super) fn fields(kind: Kind, text: &str) -> Vec<FieldView> {
    let view = |(path, title, hint): &Field| FieldView {
        path: (*path).to_owned(),
        title: (*title).to_owned(),
        hint: (*hint).to_owned(),
        value: nuncio_api::field(text, &path.split('.').collect::<Vec<_>>()).unwrap_or_default(),
    };
    of(kind).iter().map(view).collect()
}
