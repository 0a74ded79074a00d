//! Fields that are accepted and have no effect in this release. A field leaves the table when something reads it.

use crate::Kind;
use crate::parse::Issues;
use crate::yaml::{Node, Path};

/// A field without effect.
struct Field {
    kind: Kind,
    /// Below `spec`.
    path: &'static [&'static str],
    /// Whether the value would have an effect if anything read it.
    matters: fn(&Node<'_>) -> bool,
    /// What else there is to say.
    note: &'static str,
}

/// A field of which any value but `null`, `false` and an empty one matters.
const fn field(kind: Kind, path: &'static [&'static str], note: &'static str) -> Field {
    Field { kind, path, matters: is_set, note }
}

const REMOVED: &str = "the original removed it in version 4";
const ANY_LENGTH: &str = "expressions of any length are taken";
const USE_LISTENER: &str = "a Listener says it";
const USE_HOST: &str = "requestPolicy of a Host says it";

const TABLE: &[Field] = &[
    field(Kind::Mapping, &["modules"], "it has none in the original either"),
    field(Kind::Mapping, &["envoy_override"], "it has none in the original either"),
    field(Kind::Mapping, &["error_response_overrides"], REMOVED),
    field(Kind::Mapping, &["bypass_error_response_overrides"], REMOVED),
    field(Kind::Host, &["previewUrl", "enabled"], "the original no longer has it either"),
    field(Kind::Host, &["requestPolicy", "insecure", "additionalPort"], USE_LISTENER),
    field(Kind::Host, &["tls", "redirect_cleartext_from"], USE_HOST),
    field(Kind::TLSContext, &["redirect_cleartext_from"], USE_HOST),
    Field { kind: Kind::Listener, path: &["protocolStack"], matters: has_udp, note: "there is no HTTP/3 yet" },
    field(Kind::Module, &["config", "diagnostics", "enabled"], "they are served at the admin address alone"),
    field(Kind::Module, &["config", "diagnostics", "allow_non_local"], ""),
    field(Kind::Module, &["config", "diagnostics", "prefix"], ""),
    field(Kind::Module, &["config", "diagnostics", "rewrite"], ""),
    field(Kind::Module, &["config", "diagnostics", "service"], ""),
    field(Kind::Module, &["config", "liveness_probe", "prefix"], ""),
    field(Kind::Module, &["config", "liveness_probe", "rewrite"], ""),
    field(Kind::Module, &["config", "liveness_probe", "service"], ""),
    field(Kind::Module, &["config", "readiness_probe", "prefix"], ""),
    field(Kind::Module, &["config", "readiness_probe", "rewrite"], ""),
    field(Kind::Module, &["config", "readiness_probe", "service"], ""),
    field(Kind::Module, &["config", "runtime_flags"], ""),
    Field {
        kind: Kind::Module,
        path: &["config", "strip_matching_host_port"],
        matters: is_false,
        note: "ports are always stripped",
    },
    field(Kind::Module, &["config", "envoy_validation_timeout"], "no Envoy is started to check a configuration"),
    field(Kind::Module, &["config", "error_response_overrides"], REMOVED),
    field(Kind::Module, &["config", "debug_mode"], ""),
    field(Kind::Module, &["config", "admin_port"], ""),
    field(Kind::Module, &["config", "statsd"], ""),
    field(Kind::Module, &["config", "regex_max_size"], ANY_LENGTH),
    field(Kind::Module, &["config", "regex_type"], "expressions are always RE2"),
];

/// Settings that older versions of the Module had.
pub(crate) const RETIRED: &[(&str, &str)] = &[
    ("auth_enabled", "an AuthService says it"),
    ("diag_port", "the admin address is a flag of the program"),
    ("service_port", USE_LISTENER),
    ("use_proxy_proto", USE_LISTENER),
    ("x_forwarded_proto_redirect", USE_HOST),
    ("xff_num_trusted_hops", "l7Depth of a Listener says it"),
];

/// Reports each field of an object that is set and has no effect.
pub(crate) fn report(kind: Kind, issues: &mut Issues<'_>) {
    let root = Path::Root;
    let spec = root.key("spec");
    for field in TABLE.iter().filter(|field| field.kind == kind) {
        report_field(field, field.path, &spec, issues);
    }
}

fn report_field(field: &Field, rest: &[&str], path: &Path<'_>, issues: &mut Issues<'_>) {
    match rest {
        [key, rest @ ..] => report_field(field, rest, &path.key(key), issues),
        [] if issues.node(path).is_some_and(field.matters) => warn(path, field.note, issues),
        [] => {}
    }
}

/// Says that the field has no effect.
pub(crate) fn warn(path: &Path<'_>, note: &str, issues: &mut Issues<'_>) {
    let note = if note.is_empty() { String::new() } else { format!(": {note}") };
    issues.warning(path, "NotYetEffective", format!("accepted, not yet effective{note}"));
}

fn is_set(value: &Node<'_>) -> bool {
    value.is_set()
}

fn is_false(value: &Node<'_>) -> bool {
    value.as_bool() == Some(false)
}

fn has_udp(stack: &Node<'_>) -> bool {
    stack.items().iter().any(|layer| layer.as_text() == Some("UDP"))
}
