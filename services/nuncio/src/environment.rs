//! The variables that deployments of Emissary-ingress and Ambassador Edge Stack set: those that arguments read
//! themselves are not here, the others set the default of an argument or are told to have no effect.

use clap::Command;

/// Variables without an effect, and why they need none.
const WITHOUT_EFFECT: [(&str, &[&str]); 18] = [
    (
        "a change is compiled, sent and acknowledged by itself, within milliseconds",
        &[
            "AMBASSADOR_RECONFIG_MAX_DELAY",
            "AMBASSADOR_FAST_RECONFIGURE",
            "AMBASSADOR_FAST_VALIDATION",
            "AMBASSADOR_LEGACY_MODE",
            "AMBASSADOR_AMBEX_NO_RATELIMIT",
        ],
    ),
    (
        "readiness is answered at --admin and on every HTTP Listener",
        &["AMBASSADOR_READY_PORT", "AMBASSADOR_READY_LOG", "AMBASSADOR_HEALTHCHECK_IP_FAMILY"],
    ),
    (
        "endpoints come from EndpointSlices, and a changed cluster is warmed before it is used",
        &[
            "AMBASSADOR_EDS_BYPASS",
            "AMBASSADOR_FORCE_ENDPOINTS",
            "AMBASSADOR_ENABLE_ENDPOINTS",
            "AMBASSADOR_DISABLE_ENDPOINTS",
        ],
    ),
    ("every Secret is checked before it is used", &["AMBASSADOR_FORCE_SECRET_VALIDATION"]),
    ("of Secrets only those are fetched that something names", &["AMBASSADOR_NO_SECRETS"]),
    (
        "a TLSContext says by `secret_namespacing`, or the Module for all of them, where its Secrets are",
        &["AMBASSADOR_CERTS_SINGLE_NAMESPACE", "AMBASSADOR_TLS_SECRET_NAMESPACE"],
    ),
    (
        "Knative and Istio's certificate directory are not supported",
        &["AMBASSADOR_KNATIVE_SUPPORT", "AMBASSADOR_ISTIO_SECRET_DIR"],
    ),
    (
        "no snapshots are written and nothing is served from files; a directory of manifests is named as an argument",
        &[
            "AMBASSADOR_CONFIG_BASE_DIR",
            "AMBASSADOR_CONFIG_DIR",
            "AMBASSADOR_SNAPSHOT_COUNT",
            "AMBASSADOR_AMBEX_SNAPSHOT_COUNT",
            "AMBASSADOR_DISABLE_SNAPSHOT_SERVER",
            "ENVOY_DIR",
            "ENVOY_BOOTSTRAP_FILE",
            "ambassador_root",
            "snapshot_dir",
        ],
    ),
    (
        "there is no diagd; diagnostics are at --admin",
        &[
            "AMBASSADOR_DIAGD_BIND_ADDREASS",
            "AMBASSADOR_DIAGD_BIND_PORT",
            "AMBASSADOR_DIAGD_BANNER_ENDPOINT",
            "AMBASSADOR_NO_DIAGD",
            "DIAGD_ONLY",
        ],
    ),
    (
        "what is logged is said by --log-level and --log-format",
        &["AMBASSADOR_DEBUG", "AMBASSADOR_DEBUG_CLUSTER_CONFIG", "AMBASSADOR_LOG_RESOURCES"],
    ),
    (
        "metrics are at /metrics of --admin, for Prometheus",
        &[
            "STATSD_ENABLED",
            "STATSD_HOST",
            "STATSD_PORT",
            "STATSD_FLUSH_INTERVAL",
            "DOGSTATSD",
            "DD_ENTITY_ID",
            "AMBASSADOR_GRPC_METRICS_SINK",
        ],
    ),
    (
        "nothing is reported to anybody, and there is no licence",
        &[
            "AMBASSADOR_CLUSTER_ID",
            "AMBASSADOR_AES_SECRET_NAME",
            "AMBASSADOR_AES_SECRET_NAMESPACE",
            "AMBASSADOR_DISABLE_FEATURES",
            "AES_DISABLE_LICENSE_USAGE_REPORTING",
            "AGENT_CONFIG_RESOURCE_NAME",
            "SCOUT_DISABLE",
        ],
    ),
    (
        "Envoy is talked to by a private socket, and by version 3 of its API",
        &[
            "AMBASSADOR_ENVOY_BASE_ID",
            "AMBASSADOR_ENVOY_API_VERSION",
            "AMBASSADOR_RESTART_TIME",
            "AMBASSADOR_SHUTDOWN_TIME",
        ],
    ),
    ("a selector takes what has all of its labels", &["DISABLE_STRICT_LABEL_SELECTORS"]),
    (
        "the webhook and its certificate are looked after by the gateway itself (--webhook)",
        &[
            "DISABLE_CA_MANAGEMENT",
            "DISABLE_CRD_MANAGEMENT",
            "AMBASSADOR_APIEXT_WAIT",
            "AMBASSADOR_APIEXT_WAIT_TIMEOUT",
        ],
    ),
    ("certificates are always verified; a TLSContext says by which authority", &["AMBASSADOR_VERIFY_SSL_FALSE"]),
    (
        "Consul is not supported",
        &[
            "_AMBASSADOR_ID",
            "_AMBASSADOR_TLS_SECRET_NAME",
            "_AMBASSADOR_TLS_SECRET_NAMESPACE",
            "_CONSUL_HOST",
            "_CONSUL_PORT",
        ],
    ),
    (
        "the portal shows no pages of its own yet, and names APIs by their Hosts",
        &["AMBASSADOR_URL", "DEVPORTAL_CONTENT_URL", "DEVPORTAL_CONTENT_DIR", "DEVPORTAL_CONTENT_BRANCH"],
    ),
];

/// A variable as it is set; empty is not set.
fn set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// Says once which variables are set in vain.
pub(crate) fn report() {
    for (why, names) in WITHOUT_EFFECT {
        let names: Vec<_> = names.iter().copied().filter(|name| set(name).is_some()).collect();
        if !names.is_empty() {
            tracing::warn!("{} has no effect: {why}", names.join(", "));
        }
    }
}

/// Gives arguments the defaults that variables of the original say.
pub(crate) fn defaults(command: Command) -> Command {
    let common = common(set);
    let concurrency = set("ENVOY_CONCURRENCY").map(|value| ("concurrency", value));
    let drain = |argument| set("AMBASSADOR_DRAIN_TIME").map(|value| (argument, value));
    let common: Vec<_> = common.into_iter().chain(drain("seconds")).collect();
    let up: Vec<_> = common.iter().cloned().chain(concurrency).chain(drain("listener_drain_time")).collect();
    command
        .mut_subcommand("up", |up_command| with(up_command, up))
        .mut_subcommand("controller", |command| with(command, common))
}

/// What `up` and `controller` have in common.
fn common(set: impl Fn(&str) -> Option<String>) -> Vec<(&'static str, String)> {
    let json = set("AMBASSADOR_JSON_LOGGING").filter(|value| is_true(value)).map(|_| ("log_format", "json".to_owned()));
    let level = set("AES_LOG_LEVEL").map(|level| ("log_level", log_level(&level)));
    let (address, port) = (set("AMBASSADOR_HEALTHCHECK_BIND_ADDRESS"), set("AMBASSADOR_HEALTHCHECK_BIND_PORT"));
    let admin = (address.is_some() || port.is_some()).then(|| {
        let address = address.unwrap_or_else(|| "0.0.0.0".to_owned());
        let address = if address.contains(':') { format!("[{address}]") } else { address };
        ("admin", format!("{address}:{}", port.unwrap_or_else(|| "8877".to_owned())))
    });
    json.into_iter().chain(level).chain(admin).collect()
}

fn with(command: Command, defaults: Vec<(&'static str, String)>) -> Command {
    // They live as long as the process, as what is written in the program does.
    let set = |command: Command, (id, value): (&'static str, String)| {
        command.mut_arg(id, |arg| arg.default_value(&*value.leak()))
    };
    defaults.into_iter().fold(command, set)
}

/// As Go's `strconv.ParseBool`.
fn is_true(value: &str) -> bool {
    matches!(value, "1" | "t" | "T" | "true" | "TRUE" | "True")
}

/// The original's levels are those of logrus.
fn log_level(level: &str) -> String {
    match level.to_lowercase().as_str() {
        "warning" => "warn".to_owned(),
        "fatal" | "panic" => "error".to_owned(),
        level => level.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches};

    use super::*;
    use crate::cli::{Cli, Command as Chosen};

    #[test]
    fn no_variable_is_listed_twice_or_read_by_an_argument() {
        let mut seen = std::collections::BTreeSet::new();
        let command = Cli::command();
        let read: Vec<_> = command
            .get_subcommands()
            .flat_map(|command| command.get_arguments().filter_map(|arg| arg.get_env().map(ToOwned::to_owned)))
            .collect();
        for name in WITHOUT_EFFECT.iter().flat_map(|(_, names)| *names) {
            assert!(seen.insert(name), "{name}");
            assert!(!read.contains(&std::ffi::OsString::from(name)), "{name}");
        }
    }

    #[test]
    fn variables_of_the_original_are_defaults() {
        let values = |name: &str| match name {
            "AMBASSADOR_JSON_LOGGING" => Some("true".to_owned()),
            "AES_LOG_LEVEL" => Some("warning".to_owned()),
            "AMBASSADOR_HEALTHCHECK_BIND_ADDRESS" => Some("::".to_owned()),
            _ => None,
        };
        let command = Cli::command().mut_subcommand("controller", |command| with(command, common(values)));
        let matches = command.clone().try_get_matches_from(["nuncio", "controller", "dir"]).unwrap();
        let Chosen::Controller(args) = Cli::from_arg_matches(&matches).unwrap().command else { panic!() };
        assert_eq!(
            (args.admin.address.to_string().as_str(), args.logs.log_level.as_deref()),
            ("[::]:8877", Some("warn"))
        );
        assert_eq!(args.logs.log_format, nuncio_telemetry::LogFormat::Json);
        let given = ["nuncio", "controller", "dir", "--log-level", "debug"];
        let matches = command.try_get_matches_from(given).unwrap();
        let Chosen::Controller(args) = Cli::from_arg_matches(&matches).unwrap().command else { panic!() };
        assert_eq!(args.logs.log_level.as_deref(), Some("debug"), "what is said goes before");
    }
}
