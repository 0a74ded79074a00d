//! Which fields of which kind differ between the versions.

use serde_json::{Value, json};

use super::{FILTER, Fields, RULE, identity, mapping, tls};

/// How a kind is converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rules {
    Mapping,
    TcpMapping,
    Host,
    /// There is but one version.
    Listener,
    TlsContext,
    AuthService,
    RateLimitService,
    TracingService,
    LogService,
    Filter,
    FilterPolicy,
    /// Nothing differs but the instances.
    Other,
}

/// Whether a kind is Edge Stack's own: those had versions that the others never had.
pub(super) fn is_edge_stack(kind: &str) -> bool {
    matches!(kind, "RateLimit" | "Filter" | "FilterPolicy")
}

impl Rules {
    pub(super) fn of(kind: &str) -> Option<Self> {
        Some(match kind {
            "Mapping" => Self::Mapping,
            "TCPMapping" => Self::TcpMapping,
            "Host" => Self::Host,
            "Listener" => Self::Listener,
            "TLSContext" => Self::TlsContext,
            "AuthService" => Self::AuthService,
            "RateLimitService" => Self::RateLimitService,
            "TracingService" => Self::TracingService,
            "LogService" => Self::LogService,
            "Filter" => Self::Filter,
            "FilterPolicy" => Self::FilterPolicy,
            "Module"
            | "KubernetesServiceResolver"
            | "KubernetesEndpointResolver"
            | "ConsulResolver"
            | "DevPortal"
            | "RateLimit" => Self::Other,
            _ => return None,
        })
    }

    /// Fields with another name: old, new.
    fn renamed(self) -> &'static [(&'static str, &'static str)] {
        const STATS: (&str, &str) = ("v3StatsName", "stats_name");
        match self {
            Self::Mapping => &[STATS, ("v3health_checks", "health_checks")],
            Self::TcpMapping => &[STATS],
            Self::Host => &[("selector", "mappingSelector")],
            Self::TlsContext => &[REVOKED],
            Self::AuthService => &[STATS, ("v3CircuitBreakers", "circuit_breakers")],
            Self::RateLimitService => &[STATS, ("v3GRPC", "grpc")],
            Self::TracingService => &[STATS, ("v3CustomTags", "custom_tags")],
            Self::LogService => &[STATS, ("v3ProtocolVersion", "protocol_version")],
            Self::Listener | Self::Filter | Self::FilterPolicy | Self::Other => &[],
        }
    }

    /// The field that names the service which `tls` is about.
    fn service(self) -> Option<&'static str> {
        match self {
            Self::Mapping | Self::TcpMapping | Self::RateLimitService => Some("service"),
            Self::AuthService => Some("auth_service"),
            _ => None,
        }
    }

    /// `v2` to `v3alpha1`.
    pub(super) fn up(self, mut spec: Fields) -> Fields {
        if self == Self::Host {
            identity::join(&mut spec);
        }
        identity::up(&mut spec);
        for (old, new) in self.renamed() {
            rename(&mut spec, old, new);
        }
        if let Some(service) = self.service() {
            tls::up(&mut spec, service, self != Self::TcpMapping);
        }
        match self {
            Self::Mapping => mapping::up(&mut spec),
            Self::Host => nested(&mut spec, "tls", |tls| rename(tls, REVOKED.0, REVOKED.1)),
            Self::TracingService => {
                header_tags(&mut spec, "custom_tags");
                nested(&mut spec, "config", |config| rename(config, PROPAGATION.0, PROPAGATION.1));
            }
            Self::Filter => filter(&mut spec, rename),
            Self::FilterPolicy => rules(&mut spec, |rule| rename(rule, RULE.0, RULE.1)),
            _ => {}
        }
        spec
    }

    /// `v3alpha1` to `v2`.
    pub(super) fn down(self, mut spec: Fields) -> Fields {
        match self {
            Self::Mapping => mapping::down(&mut spec),
            Self::Host => nested(&mut spec, "tls", |tls| rename(tls, REVOKED.1, REVOKED.0)),
            Self::TracingService => {
                header_tags(&mut spec, "custom_tags");
                nested(&mut spec, "config", |config| rename(config, PROPAGATION.1, PROPAGATION.0));
            }
            Self::Filter => filter(&mut spec, |fields, old, new| rename(fields, new, old)),
            Self::FilterPolicy => rules(&mut spec, |rule| rename(rule, RULE.1, RULE.0)),
            _ => {}
        }
        if let Some(service) = self.service() {
            tls::down(&mut spec, service, self != Self::TcpMapping);
        }
        for (old, new) in self.renamed() {
            rename(&mut spec, new, old);
        }
        identity::down(&mut spec);
        spec
    }
}

const REVOKED: (&str, &str) = ("v3CRLSecret", "crl_secret");
const PROPAGATION: (&str, &str) = ("v3PropagationModes", "propagation_modes");

/// Gives a field another name, unless something has that already.
fn rename(fields: &mut Fields, from: &str, to: &str) {
    if !fields.contains_key(to)
        && let Some(value) = fields.remove(from)
    {
        fields.insert(to.to_owned(), value);
    }
}

fn nested(fields: &mut Fields, name: &str, change: impl FnOnce(&mut Fields)) {
    if let Some(Value::Object(fields)) = fields.get_mut(name) {
        change(fields);
    }
}

/// Changes each field of a Filter that has two names: old, new.
fn filter(spec: &mut Fields, change: impl Fn(&mut Fields, &str, &str)) {
    for (within, old, new) in FILTER {
        match within {
            Some(kind) => nested(spec, kind, |fields| change(fields, old, new)),
            None => change(spec, old, new),
        }
    }
}

/// Changes each rule of a FilterPolicy.
fn rules(spec: &mut Fields, change: impl Fn(&mut Fields)) {
    let Some(Value::Array(rules)) = spec.get_mut("rules") else { return };
    rules.iter_mut().filter_map(Value::as_object_mut).for_each(change);
}

/// `tag_headers` is an older way to ask for tags with the values of headers; custom tags go before it.
fn header_tags(spec: &mut Fields, custom: &str) {
    let Some(Value::Array(headers)) = spec.get("tag_headers") else { return };
    let Some(names) = headers.iter().map(Value::as_str).collect::<Option<Vec<_>>>() else { return };
    let tags: Vec<_> = names.iter().map(|name| json!({ "tag": name, "request_header": { "name": name } })).collect();
    spec.remove("tag_headers");
    spec.entry(custom).or_insert_with(|| json!(tags));
}
