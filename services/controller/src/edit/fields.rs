//! Fields that have an input of their own, by kind.

use nuncio_api::Kind;

use crate::admin::FieldView;

/// A path, and what the field is known by: `web/texts.yaml` has what it is called, and what may stand there.
type Field = (&'static str, &'static str);

const MAPPING: &[Field] = &[
    ("spec.timeout_ms", "timeout"),
    ("spec.idle_timeout_ms", "idle_timeout"),
    ("spec.connect_timeout_ms", "connect_timeout"),
    ("spec.retry_policy.retry_on", "retry_on"),
    ("spec.retry_policy.num_retries", "retries"),
    ("spec.retry_policy.per_try_timeout", "time_for_each_try"),
    ("spec.weight", "weight"),
    ("spec.service", "service"),
];
const TCP_MAPPING: &[Field] =
    &[("spec.service", "service"), ("spec.idle_timeout_ms", "idle_timeout"), ("spec.weight", "connection_weight")];
const HOST: &[Field] = &[
    ("spec.hostname", "host_name"),
    ("spec.requestPolicy.insecure.action", "clear_text"),
    ("spec.tlsSecret.name", "secret_of_the_certificate"),
];
const LISTENER: &[Field] = &[
    ("spec.port", "port"),
    ("spec.protocol", "protocol"),
    ("spec.securityModel", "what_is_secure"),
    ("spec.l7Depth", "trusted_proxies_before_it"),
];
const TLS_CONTEXT: &[Field] = &[
    ("spec.secret", "secret_of_the_certificate"),
    ("spec.ca_secret", "secret_of_the_authorities"),
    ("spec.min_tls_version", "lowest_version"),
    ("spec.max_tls_version", "highest_version"),
];
const MODULE: &[Field] = &[
    ("spec.config.cluster_request_timeout_ms", "default_timeout"),
    ("spec.config.cluster_idle_timeout_ms", "default_idle_timeout"),
    ("spec.config.listener_idle_timeout_ms", "idle_connections_of_clients"),
];
const ASKED: &[Field] = &[("spec.timeout_ms", "answer_timeout")];

const FILTER: &[Field] = &[
    ("spec.JWT.issuer", "issuer"),
    ("spec.JWT.audience", "audience"),
    ("spec.JWT.jwksURI", "keys_of_the_issuer"),
    ("spec.JWT.leewayForExpiresAt", "leeway_of_the_expiry"),
    ("spec.OAuth2.authorizationURL", "identity_provider"),
    ("spec.OAuth2.clientID", "client"),
    ("spec.OAuth2.secretName", "secret_of_the_client"),
    ("spec.OAuth2.clientSessionMaxIdle", "sessions_without_requests"),
    ("spec.OAuth2.sessionMaxLife", "longest_session"),
    ("spec.APIKey.httpHeader", "header_of_the_key"),
    ("spec.APIKey.identityHeader", "header_for_services"),
    ("spec.Basic.secretName", "secret_of_names_and_passwords"),
    ("spec.Basic.realm", "realm"),
    ("spec.External.auth_service", "service_that_is_asked"),
    ("spec.External.timeout_ms", "answer_timeout"),
    ("spec.External.path_prefix", "path_prefix"),
    ("spec.Introspection.endpoint", "endpoint"),
    ("spec.Introspection.clientID", "asking_client"),
    ("spec.Introspection.cache", "answers_are_used_for"),
];
const GATEWAY_FILTER: &[Field] = &[
    ("spec.jwt.issuer", "issuer"),
    ("spec.jwt.audience", "audience"),
    ("spec.jwt.jwksURI", "keys_of_the_issuer"),
    ("spec.oauth2.authorizationURL", "identity_provider"),
    ("spec.oauth2.clientID", "client"),
    ("spec.oauth2.clientSessionMaxIdle", "sessions_without_requests"),
    ("spec.apikey.httpHeader", "header_of_the_key"),
    ("spec.external.authServiceURL", "asked_url"),
    ("spec.external.pathPrefix", "path_prefix"),
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
    of(kind).iter().any(|(known, _)| *known == path)
}

/// Whether a field is a number.
pub(super) fn is_number(path: &str) -> bool {
    const NUMBERS: [&str; 4] = ["num_retries", "weight", "port", "l7Depth"];
    path.rsplit('.').next().is_some_and(|name| name.ends_with("_ms") || NUMBERS.contains(&name))
}

/// The field of a kind that is meant by a path that nothing knows.
pub(super) fn closest(kind: Kind, path: &str) -> Option<&'static str> {
    nuncio_api::closest(path, &of(kind).iter().map(|(known, _)| *known).collect::<Vec<_>>())
}

/// Those of a kind, with what a text says there. A Filter is of one kind among several, and has the fields of that.
pub(super) fn fields(kind: Kind, text: &str) -> Vec<FieldView> {
    let view = |(path, name): &Field| FieldView {
        path: (*path).to_owned(),
        name: (*name).to_owned(),
        value: nuncio_api::field(text, &path.split('.').collect::<Vec<_>>()).unwrap_or_default(),
    };
    let is_of_its_kind = |(path, _): &&Field| {
        let kind_of_filter: Vec<_> = path.split('.').take(2).collect();
        !kind.is_filter() || nuncio_api::has(text, &kind_of_filter)
    };
    of(kind).iter().filter(is_of_its_kind).map(view).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_called_something() {
        let texts = include_str!("../../../../web/texts.yaml");
        for (path, name) in Kind::ALL.into_iter().flat_map(of) {
            for text in ["field", "hint"] {
                assert!(texts.contains(&format!("\n{text}_{name}: ")), "{text}_{name} of {path}");
            }
        }
    }
}
