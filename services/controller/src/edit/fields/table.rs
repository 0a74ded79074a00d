//! Which fields a kind has, and which lists of others.

use nuncio_api::Kind;

use super::{Field, Form};

/// Fields of an object, or of an item of a list.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) own: &'static [Field],
    pub(super) lists: &'static [List],
}

/// A list whose items have fields.
#[derive(Debug)]
pub(super) struct List {
    pub(super) path: &'static str,
    /// What an item of it is known by.
    pub(super) name: &'static str,
    pub(super) of_item: &'static Fields,
    /// What a new item says.
    pub(super) new: &'static [(&'static str, New)],
}

/// What a field of a new item says.
#[derive(Clone, Copy, Debug)]
pub(super) enum New {
    Text(&'static str),
    EmptyList,
    /// A list of one Filter that there is.
    Filters,
}

const fn field(path: &'static str, name: &'static str, form: Form) -> Field {
    Field { path, name, form }
}

const fn text(path: &'static str, name: &'static str) -> Field {
    field(path, name, Form::Text)
}

const fn plain(path: &'static str, name: &'static str) -> Field {
    field(path, name, Form::Plain)
}

const fn one_of(path: &'static str, name: &'static str, choices: &'static [&'static str]) -> Field {
    field(path, name, Form::OneOf(choices))
}

const fn of_these(own: &'static [Field]) -> Fields {
    Fields { own, lists: &[] }
}

const FOLLOWS: &[&str] = &["break", "continue"];
const UNITS: &[&str] = &["second", "minute", "hour", "day"];

const MAPPING: Fields = of_these(&[
    text("spec.hostname", "host_name"),
    text("spec.prefix", "prefix"),
    plain("spec.timeout_ms", "timeout"),
    plain("spec.idle_timeout_ms", "idle_timeout"),
    plain("spec.connect_timeout_ms", "connect_timeout"),
    text("spec.retry_policy.retry_on", "retry_on"),
    plain("spec.retry_policy.num_retries", "retries"),
    text("spec.retry_policy.per_try_timeout", "time_for_each_try"),
    plain("spec.weight", "weight"),
    text("spec.service", "service"),
]);
const TCP_MAPPING: Fields = of_these(&[
    text("spec.service", "service"),
    plain("spec.idle_timeout_ms", "idle_timeout"),
    plain("spec.weight", "connection_weight"),
]);
const HOST: Fields = of_these(&[
    text("spec.hostname", "host_name"),
    one_of("spec.requestPolicy.insecure.action", "clear_text", &["Redirect", "Reject", "Route"]),
    text("spec.tlsSecret.name", "secret_of_the_certificate"),
]);
const LISTENER: Fields = of_these(&[
    plain("spec.port", "port"),
    text("spec.protocol", "protocol"),
    one_of("spec.securityModel", "what_is_secure", &["XFP", "SECURE", "INSECURE"]),
    plain("spec.l7Depth", "trusted_proxies_before_it"),
]);
const TLS_CONTEXT: Fields = of_these(&[
    text("spec.secret", "secret_of_the_certificate"),
    text("spec.ca_secret", "secret_of_the_authorities"),
    text("spec.min_tls_version", "lowest_version"),
    text("spec.max_tls_version", "highest_version"),
]);
const MODULE: Fields = of_these(&[
    plain("spec.config.cluster_request_timeout_ms", "default_timeout"),
    plain("spec.config.cluster_idle_timeout_ms", "default_idle_timeout"),
    plain("spec.config.listener_idle_timeout_ms", "idle_connections_of_clients"),
]);
const ASKED: Fields = of_these(&[plain("spec.timeout_ms", "answer_timeout")]);
const FILTER: Fields = of_these(&[
    text("spec.JWT.issuer", "issuer"),
    text("spec.JWT.audience", "audience"),
    text("spec.JWT.jwksURI", "keys_of_the_issuer"),
    text("spec.JWT.leewayForExpiresAt", "leeway_of_the_expiry"),
    text("spec.OAuth2.authorizationURL", "identity_provider"),
    text("spec.OAuth2.clientID", "client"),
    text("spec.OAuth2.secretName", "secret_of_the_client"),
    text("spec.OAuth2.clientSessionMaxIdle", "sessions_without_requests"),
    text("spec.OAuth2.sessionMaxLife", "longest_session"),
    text("spec.APIKey.httpHeader", "header_of_the_key"),
    field("spec.APIKey.keys", "secrets_of_keys", Form::Pairs),
    text("spec.APIKey.identityHeader", "header_for_services"),
    text("spec.Basic.secretName", "secret_of_names_and_passwords"),
    text("spec.Basic.realm", "realm"),
    text("spec.External.auth_service", "service_that_is_asked"),
    plain("spec.External.timeout_ms", "answer_timeout"),
    text("spec.External.path_prefix", "path_prefix"),
    text("spec.Introspection.endpoint", "endpoint"),
    text("spec.Introspection.clientID", "asking_client"),
    text("spec.Introspection.cache", "answers_are_used_for"),
]);
const GATEWAY_FILTER: Fields = of_these(&[
    text("spec.jwt.issuer", "issuer"),
    text("spec.jwt.audience", "audience"),
    text("spec.jwt.jwksURI", "keys_of_the_issuer"),
    text("spec.oauth2.authorizationURL", "identity_provider"),
    text("spec.oauth2.clientID", "client"),
    text("spec.oauth2.clientSessionMaxIdle", "sessions_without_requests"),
    text("spec.apikey.httpHeader", "header_of_the_key"),
    field("spec.apikey.keys", "secrets_of_keys", Form::Pairs),
    text("spec.external.authServiceURL", "asked_url"),
    text("spec.external.pathPrefix", "path_prefix"),
]);

const USED_FILTER: Fields = of_these(&[
    text("name", "filter_name"),
    text("namespace", "filter_namespace"),
    one_of("onDeny", "on_deny", FOLLOWS),
    one_of("onAllow", "on_allow", FOLLOWS),
    text("ifRequestHeader.name", "if_header"),
    text("ifRequestHeader.value", "if_header_value"),
    text("ifRequestHeader.valueRegex", "if_header_regex"),
    one_of("ifRequestHeader.negate", "if_header_negate", &["true", "false"]),
    field("arguments.scope", "scopes", Form::Texts),
    text("arguments.require", "require"),
    field("arguments.acrValues", "acr_values", Form::Texts),
    text("arguments.maxAge", "max_age"),
    plain("arguments.insteadOfRedirect.httpStatusCode", "instead_status"),
    field("arguments.insteadOfRedirect.filters", "instead_filters", Form::Pairs),
    text("arguments.insteadOfRedirect.ifRequestHeader.name", "instead_header"),
    text("arguments.insteadOfRedirect.ifRequestHeader.value", "instead_header_value"),
    text("arguments.insteadOfRedirect.ifRequestHeader.valueRegex", "instead_header_regex"),
    one_of("arguments.insteadOfRedirect.ifRequestHeader.negate", "instead_header_negate", &["true", "false"]),
]);
const RULE: Fields = Fields {
    own: &[text("host", "rule_host"), text("path", "rule_path"), plain("precedence", "precedence")],
    lists: &[List { path: "filters", name: "filter", of_item: &USED_FILTER, new: &[("name", New::Text(""))] }],
};
const FILTER_POLICY: Fields = Fields {
    own: &[],
    lists: &[List {
        path: "spec.rules",
        name: "rule",
        of_item: &RULE,
        new: &[("host", New::Text("*")), ("path", New::Text("/")), ("filters", New::Filters)],
    }],
};
const USED_GATEWAY_FILTER: Fields = of_these(&[
    text("name", "filter_name"),
    text("namespace", "filter_namespace"),
    one_of("onDeny", "on_deny", FOLLOWS),
    one_of("onAllow", "on_allow", FOLLOWS),
]);
const GATEWAY_RULE: Fields = Fields {
    own: &[text("host", "rule_host"), text("path", "rule_path"), plain("precedence", "precedence")],
    lists: &[List {
        path: "filterRefs",
        name: "filter",
        of_item: &USED_GATEWAY_FILTER,
        new: &[("name", New::Text(""))],
    }],
};
const GATEWAY_FILTER_POLICY: Fields = Fields {
    own: &[],
    lists: &[List {
        path: "spec.rules",
        name: "rule",
        of_item: &GATEWAY_RULE,
        new: &[("host", New::Text("*")), ("path", New::Text("/")), ("filterRefs", New::Filters)],
    }],
};
const HEADER: Fields = of_these(&[text("name", "response_header_name"), text("value", "response_header_value")]);
const LIMIT: Fields = Fields {
    own: &[
        text("name", "limit_name"),
        field("pattern", "pattern", Form::Pairs),
        plain("rate", "rate"),
        one_of("unit", "unit", UNITS),
        plain("burstFactor", "burst_factor"),
        one_of("action", "limit_action", &["Enforce", "LogOnly"]),
    ],
    lists: &[List {
        path: "injectResponseHeaders",
        name: "response_header",
        of_item: &HEADER,
        new: &[("name", New::Text("")), ("value", New::Text(""))],
    }],
};
const RATE_LIMIT: Fields = Fields {
    own: &[text("spec.domain", "limit_domain")],
    lists: &[List {
        path: "spec.limits",
        name: "limit",
        of_item: &LIMIT,
        new: &[("pattern", New::EmptyList), ("unit", New::Text("minute"))],
    }],
};
const NONE: Fields = of_these(&[]);

/// Those of a kind.
pub(super) fn of(kind: Kind) -> &'static Fields {
    match kind {
        Kind::Mapping => &MAPPING,
        Kind::TCPMapping => &TCP_MAPPING,
        Kind::Host => &HOST,
        Kind::Listener => &LISTENER,
        Kind::TLSContext => &TLS_CONTEXT,
        Kind::Module => &MODULE,
        Kind::AuthService | Kind::RateLimitService => &ASKED,
        Kind::Filter => &FILTER,
        Kind::GatewayFilter => &GATEWAY_FILTER,
        Kind::FilterPolicy => &FILTER_POLICY,
        Kind::GatewayFilterPolicy => &GATEWAY_FILTER_POLICY,
        Kind::RateLimit => &RATE_LIMIT,
        _ => &NONE,
    }
}
