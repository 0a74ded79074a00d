//! What the types do not say: which fields must be there, bounds, rules across fields, and the spellings of `v2` that a
//! converted object carries.
//!
//! Each bound and rule here refuses only what validation refuses with an error whatever else an object says; `crds` in
//! `tests/kube` holds the two against each other.

mod edits;

use serde_json::{Value, json};

use self::edits::{Schema, bound, field, needs, needs_text, property, rule};

/// Adjusts the schema of the type called `name`.
pub(super) fn apply(name: &str, schema: &mut Schema) {
    match name {
        "Mapping" => mapping(schema),
        "TcpMapping" => tcp_mapping(schema),
        "AuthService" => {
            convertible(schema);
            needs_text(schema, &["auth_service"]);
            bound(schema, "timeout_ms", "maximum", LONGEST_MS);
        }
        "IncludeBody" => {
            needs(schema, &["max_bytes"]);
            bound(schema, "max_bytes", "minimum", 1);
        }
        "StatusOnError" => needs(schema, &["code"]),
        "Host" => host(schema),
        "Listener" => listener(schema),
        "Module" => module(schema),
        "TlsContext" => {
            tls(schema);
            convertible(schema);
        }
        "RateLimitService" => {
            convertible(schema);
            needs_text(schema, &["service"]);
            bound(schema, "timeout_ms", "maximum", LONGEST_MS);
        }
        "RateLimitGrpc" => {
            let description = "The same, as releases of the original read it.";
            let property_schema = json!({ "type": "boolean", "nullable": true, "description": description });
            property(schema, "rate_limited_as_resource_exhausted", property_schema);
        }
        "RateLimit" => convertible(schema),
        "Limit" => {
            needs(schema, &["pattern", "rate", "unit"]);
            bound(schema, "burstFactor", "minimum", 1);
        }
        "LocalRateLimit" => {
            needs(schema, &["rate", "unit"]);
            bound(schema, "rate", "minimum", 1);
            bound(schema, "burst", "minimum", 1);
        }
        "TemplatedHeader" => needs_text(schema, &["name"]),
        "Filter" | "FilterPolicy" => convertible(schema),
        "Preview" => {
            needs(schema, &["entrypoints", "access"]);
            rule(schema, &format!("({}) || ({})", given("services"), given("includes")), "needs services or includes");
        }
        "PreviewInclude" => needs_text(schema, &["name"]),
        "PreviewedService" | "TemplateService" => {
            needs_text(schema, &["baseline"]);
            bound(schema, "backend", "minLength", 1);
            let tunnel = format!("({} && self.tunnel)", given("tunnel"));
            rule(schema, &format!("{tunnel} != ({})", given("backend")), "either backend or tunnel: true");
        }
        "PreviewEntrypoint" => needs_text(schema, &["name", "host"]),
        "PreviewAccess" => needs(schema, &["mode"]),
        "PreviewPolicy" => {
            needs_text(schema, &["domain"]);
            needs(schema, &["namespaces", "hosts", "access"]);
            bound(schema, "port", "minimum", 1);
        }
        "PreviewCreators" => needs(schema, &["groups", "namespaces"]),
        "PreviewRepository" => {
            needs(schema, &["provider"]);
            needs_text(schema, &["name", "namespace"]);
        }
        "PreviewTemplate" => needs_text(schema, &["name"]),
        "FilterUse" | "InsteadFilter" | "InjectedHeader" | "AccessTokenJwtFilter" | "NamedSecret" => {
            needs_text(schema, &["name"]);
        }
        "HeaderCondition" => {
            needs_text(schema, &["name"]);
            let both = format!("{} && {}", given("value"), given("valueRegex"));
            rule(schema, &format!("!({both})"), "value and valueRegex exclude each other");
        }
        "KeySecret" | "BasicFilter" => needs_text(schema, &["secretName"]),
        "ApiKeyFilter" => needs(schema, &["keys"]),
        "ExternalFilter" => {
            needs_text(schema, &["auth_service"]);
            bound(schema, "timeout_ms", "maximum", LONGEST_MS);
        }
        "IntrospectionFilter" => needs_text(schema, &["endpoint", "clientID", "secretName"]),
        "OAuth2Filter" => needs_text(schema, &["authorizationURL"]),
        "ProtectedOrigin" => needs_text(schema, &["origin"]),
        "TlsConfig" => tls(schema),
        "KubernetesServiceResolver" | "KubernetesEndpointResolver" | "DevPortal" => convertible(schema),
        "PortalDocs" => needs_text(schema, &["service", "url"]),
        "AddedHeader" => {
            needs_text(schema, &["value"]);
            let description = "How v2 spelled the header; no effect.";
            property(schema, "v2Representation", json!({ "type": "string", "description": description }));
        }
        "Cors" => {
            let description = "Origins were one text with commas in v2; no effect.";
            property(schema, "v2CommaSeparatedOrigins", json!({ "type": "boolean", "description": description }));
        }
        // An unknown one is taken for the default, with a warning.
        "DnsType" => {
            schema.remove("enum");
        }
        // Envoy's spelling and the original's.
        "RoutingPriority" => {
            schema.insert("enum".to_owned(), json!(["", "default", "DEFAULT", "high", "HIGH"]));
        }
        // Empty text says nothing, as in Go.
        "AuthProto" | "AuthProtocolVersion" | "ExternalProto" | "ProtocolVersion" | "NamingScheme" | "SearchKind" => {
            if let Some(Value::Array(values)) = schema.get_mut("enum") {
                values.insert(0, json!(""));
            }
        }
        "RegexMap" => needs_text(schema, &["pattern"]),
        "LoadBalancer" => load_balancer(schema),
        "LoadBalancerCookie" => needs_text(schema, &["name"]),
        "RetryPolicy" => needs(schema, &["retry_on"]),
        "HealthCheck" => {
            needs(schema, &["health_check"]);
            bound(schema, "unhealthy_threshold", "minimum", 1);
            bound(schema, "healthy_threshold", "minimum", 1);
        }
        "HealthCheckLayer" => {
            let given = format!("({}) != ({})", given("http"), given("grpc"));
            rule(schema, &given, "needs exactly one of http and grpc");
        }
        "HttpHealthCheck" => needs_text(schema, &["path"]),
        "GrpcHealthCheck" => needs_text(schema, &["upstream_name"]),
        "StatusRange" => {
            needs(schema, &["min", "max"]);
            for field in ["min", "max"] {
                bound(schema, field, "minimum", 100);
                bound(schema, field, "maximum", 599);
            }
            rule(schema, "self.min <= self.max", "expected statuses from 100 to 599, min before max");
        }
        "OutlierDetection" => bound(schema, "max_ejection_percent", "maximum", 100),
        _ => {}
    }
}

const BOTH_OFF: &str = "one of enable_ipv4 and enable_ipv6 must be true";

/// The longest duration that Envoy can hold, in milliseconds.
const LONGEST_MS: i64 = 9_223_372_036_854;

fn mapping(schema: &mut Schema) {
    convertible(schema);
    needs_text(schema, &["prefix", "service"]);
    bound(schema, "precedence", "minimum", i64::from(i32::MIN));
    bound(schema, "precedence", "maximum", i64::from(i32::MAX));
    share(schema);
    bound(schema, "connect_timeout_ms", "minimum", 1);
    let timeouts = [
        "timeout_ms",
        "idle_timeout_ms",
        "connect_timeout_ms",
        "cluster_idle_timeout_ms",
        "cluster_max_connection_lifetime_ms",
    ];
    for timeout in timeouts {
        bound(schema, timeout, "maximum", LONGEST_MS);
    }
    if let Some(code) = field(schema, "redirect_response_code") {
        rule(code, "self in [301, 302, 303, 307, 308]", "expected 301, 302, 303, 307 or 308");
    }
    rule(schema, &any_family(), BOTH_OFF);
}

fn tcp_mapping(schema: &mut Schema) {
    convertible(schema);
    needs(schema, &["port"]);
    needs_text(schema, &["service"]);
    bound(schema, "port", "minimum", 1);
    share(schema);
    rule(schema, &any_family(), BOTH_OFF);
}

fn share(schema: &mut Schema) {
    bound(schema, "weight", "minimum", 0);
    bound(schema, "weight", "maximum", i64::from(u32::MAX));
}

fn any_family() -> String {
    let off = |field| format!("{} && dyn(self.{field}) == false", given(field));
    format!("!({} && {})", off("enable_ipv4"), off("enable_ipv6"))
}

fn host(schema: &mut Schema) {
    convertible(schema);
    // A context without a name is an old way to say that there is none.
    let context = format!("{} && has(self.tlsContext.name) && self.tlsContext.name != ''", given("tlsContext"));
    rule(schema, &format!("!({} && {context})", given("tls")), "tls and tlsContext exclude each other");
}

fn listener(schema: &mut Schema) {
    needs(schema, &["port", "securityModel", "hostBinding"]);
    bound(schema, "port", "minimum", 1);
    bound(schema, "http2MaxConcurrentStreams", "minimum", 1);
    bound(schema, "http2MaxConcurrentStreams", "maximum", i64::from(i32::MAX));
    for needed in ["securityModel", "hostBinding"] {
        if let Some(schema) = field(schema, needed) {
            schema.remove("nullable");
        }
    }
    let stack = format!("{} && size(self.protocolStack) > 0", given("protocolStack"));
    let protocol = given("protocol");
    rule(schema, &format!("({protocol}) || ({stack})"), "protocol or protocolStack is required");
    let last = "self.protocolStack[size(self.protocolStack) - 1] in ['TCP', 'UDP']";
    rule(schema, &format!("!({stack}) || {last}"), "the last layer of protocolStack must be TCP or UDP");
}

/// A setting of the Module that is wrong stands alone: the others hold. So none may make the API server refuse the object,
/// and all that is left of the types is the descriptions.
fn module(schema: &mut Schema) {
    convertible(schema);
    let Some(config) = field(schema, "config") else { return };
    config.insert("x-kubernetes-preserve-unknown-fields".to_owned(), json!(true));
    let Some(Value::Object(settings)) = config.get_mut("properties") else { return };
    for setting in settings.values_mut() {
        let mut any = super::structural::anything();
        if let Some(description) = setting.get("description") {
            any.insert("description".to_owned(), description.clone());
        }
        *setting = Value::Object(any);
    }
}

fn tls(schema: &mut Schema) {
    let files = format!("({}) == ({})", given("cert_chain_file"), given("private_key_file"));
    rule(schema, &files, "cert_chain_file and private_key_file go together");
    let both = format!("{} && {}", given("min_tls_version"), given("max_tls_version"));
    let order = format!("!({both}) || self.min_tls_version <= self.max_tls_version");
    rule(schema, &order, "min_tls_version is newer than max_tls_version: no version is left");
}

fn load_balancer(schema: &mut Schema) {
    let source_ip = format!("({} && dyn(self.source_ip) == true)", given("source_ip"));
    let sources = [format!("({})", given("cookie")), format!("({})", given("header")), source_ip];
    let number = sources.map(|source| format!("({source} ? 1 : 0)")).join(" + ");
    let by_hash = "self.policy in ['ring_hash', 'maglev']";
    let message = "ring_hash and maglev need exactly one of cookie, header and source_ip";
    rule(schema, &format!("!({by_hash}) || {number} == 1"), message);
    let message = "cookie, header and source_ip go with ring_hash and maglev alone";
    rule(schema, &format!("{by_hash} || {number} == 0"), message);
}

/// Conversion keeps here what the other version cannot say: see [`crate::convert`].
fn convertible(schema: &mut Schema) {
    let description = "What v2 said in ways that v3alpha1 cannot; kept for the way back, no effect.";
    let kept = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true, "description": description });
    property(schema, crate::convert::V2_FIELDS, kept);
}

/// A field that is there and not null.
fn given(field: &str) -> String {
    format!("has(self.{field}) && dyn(self.{field}) != null")
}
