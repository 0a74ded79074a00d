//! Access logs: to files or standard output, with formats of Envoy's command operators.

use std::collections::HashMap;

use envoy_types::pb::envoy::config::accesslog::v3::{
    AccessLog as PbAccessLog, AccessLogFilter, AndFilter, HeaderFilter, RuntimeFilter, access_log::ConfigType,
    access_log_filter::FilterSpecifier,
};
use envoy_types::pb::envoy::config::core::v3::{SubstitutionFormatString, substitution_format_string::Format};
use envoy_types::pb::envoy::config::route::v3::{HeaderMatcher, header_matcher::HeaderMatchSpecifier};
use envoy_types::pb::envoy::extensions::access_loggers::file::v3::{FileAccessLog, file_access_log::AccessLogFormat};
use envoy_types::pb::envoy::extensions::access_loggers::stream::v3::{
    StdoutAccessLog, stdout_access_log::AccessLogFormat as StdoutFormat,
};
use envoy_types::pb::envoy::r#type::v3::FractionalPercent;
use envoy_types::pb::google::protobuf::{Struct, Value, value::Kind};
use nuncio_ir::{AccessLog, AccessLogFormat as Chosen, JsonLogValue, PROBES_SWITCH, ProbeLog};

use crate::{matcher, proto};

/// Metadata under which a route without backend keeps its reason, and a filter that refuses a request puts its own.
pub(crate) const REASON_NAMESPACE: &str = "nuncio";
/// Key of the reason in [`REASON_NAMESPACE`].
pub(crate) const REASON_KEY: &str = "reason";

/// Paths that mean standard output.
const STDOUT: [&str; 2] = ["/dev/stdout", "/dev/fd/1"];

/// Without the query, which may hold tokens.
const REQUEST_FORMAT: &str = concat!(
    r#"[%START_TIME%] "%REQ(:METHOD)% %PATH(NQ:ORIG_OR_PATH)% %PROTOCOL%" "#,
    "%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% ",
    "%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %COMMON_DURATION(US_TX_END:US_RX_BEG:ms)% ",
    r#"%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "#,
    r#""%ROUTE_NAME%" "%UPSTREAM_HOST%" "%UPSTREAM_CLUSTER%" "%METADATA(ROUTE:nuncio:reason)%" "%DYNAMIC_METADATA(nuncio:reason)%""#,
);

const CONNECTION_FORMAT: &str = concat!(
    r#"[%START_TIME%] "TCP" %RESPONSE_FLAGS% %CONNECTION_TERMINATION_DETAILS% "#,
    "%BYTES_RECEIVED% %BYTES_SENT% %DURATION% ",
    r#"%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% "%REQUESTED_SERVER_NAME%" "%UPSTREAM_HOST%" "%UPSTREAM_CLUSTER%""#,
);

/// Fields of a JSON log without a format: the original's, and why a request was refused. Of a connection those of requests
/// are null.
const JSON_FIELDS: [(&str, &str); 25] = [
    ("authority", "%REQ(:AUTHORITY)%"),
    ("bytes_received", "%BYTES_RECEIVED%"),
    ("bytes_sent", "%BYTES_SENT%"),
    ("downstream_local_address", "%DOWNSTREAM_LOCAL_ADDRESS%"),
    ("downstream_remote_address", "%DOWNSTREAM_REMOTE_ADDRESS%"),
    ("duration", "%DURATION%"),
    ("filter_reason", "%DYNAMIC_METADATA(nuncio:reason)%"),
    ("method", "%REQ(:METHOD)%"),
    ("path", "%PATH(NQ:ORIG_OR_PATH)%"),
    ("protocol", "%PROTOCOL%"),
    ("request_id", "%REQ(X-REQUEST-ID)%"),
    ("requested_server_name", "%REQUESTED_SERVER_NAME%"),
    ("response_code", "%RESPONSE_CODE%"),
    ("response_code_details", "%RESPONSE_CODE_DETAILS%"),
    ("response_flags", "%RESPONSE_FLAGS%"),
    ("route_name", "%ROUTE_NAME%"),
    ("route_reason", "%METADATA(ROUTE:nuncio:reason)%"),
    ("start_time", "%START_TIME%"),
    ("upstream_cluster", "%UPSTREAM_CLUSTER%"),
    ("upstream_host", "%UPSTREAM_HOST%"),
    ("upstream_local_address", "%UPSTREAM_LOCAL_ADDRESS%"),
    ("upstream_service_time", "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%"),
    ("upstream_transport_failure_reason", "%UPSTREAM_TRANSPORT_FAILURE_REASON%"),
    ("user_agent", "%REQ(USER-AGENT)%"),
    ("x_forwarded_for", "%REQ(X-FORWARDED-FOR)%"),
];

/// The log of an HTTP listener: a line for each request.
pub(super) fn requests(log: &AccessLog) -> PbAccessLog {
    access_log(log, REQUEST_FORMAT)
}

/// What is told of a request that somebody follows. That there was a key is told by what all keys begin with.
const PROBE_FIELDS: [(&str, &str); 12] = [
    ("cluster", "%UPSTREAM_CLUSTER_RAW%"),
    ("decision", "%DYNAMIC_METADATA(envoy.filters.http.ext_authz:decision)%"),
    ("details", "%RESPONSE_CODE_DETAILS%"),
    ("flags", "%RESPONSE_FLAGS%"),
    ("from", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"),
    ("host", "%REQ(:AUTHORITY)%"),
    ("key", "%REQ(X-NUNCIO-PREVIEW):3%"),
    ("path", "%PATH(NQ:ORIG_OR_PATH)%"),
    ("route", "%ROUTE_NAME%"),
    ("served_by", "%RESP(X-NUNCIO-SERVED-BY)%"),
    ("status", "%RESPONSE_CODE%"),
    ("trace", "%REQ(TRACEPARENT)%"),
];

/// The log of requests that somebody follows: those of traces with the mark, while Envoy is told to write them down.
pub(super) fn probes(log: &ProbeLog) -> PbAccessLog {
    let fields = PROBE_FIELDS.iter().map(|(key, format)| ((*key).to_owned(), json_text(format))).collect();
    let access_log_format = Some(AccessLogFormat::LogFormat(json_line(fields)));
    let file = FileAccessLog { path: log.path.to_string(), access_log_format };
    let marked = HeaderMatcher {
        name: "traceparent".to_owned(),
        header_match_specifier: Some(HeaderMatchSpecifier::StringMatch(matcher::prefix(&format!("00-{}", log.mark)))),
        ..Default::default()
    };
    let followed = RuntimeFilter {
        runtime_key: PROBES_SWITCH.to_owned(),
        percent_sampled: Some(FractionalPercent::default()),
        use_independent_randomness: true,
    };
    let filters = [
        FilterSpecifier::HeaderFilter(HeaderFilter { header: Some(marked) }),
        FilterSpecifier::RuntimeFilter(followed),
    ];
    let filters = filters.map(|filter| AccessLogFilter { filter_specifier: Some(filter) }).into();
    PbAccessLog {
        name: "envoy.access_loggers.file".to_owned(),
        filter: Some(AccessLogFilter { filter_specifier: Some(FilterSpecifier::AndFilter(AndFilter { filters })) }),
        config_type: Some(ConfigType::TypedConfig(proto::any(&file))),
    }
}

/// The log of a TCP proxy: a line for each connection.
pub(super) fn connections(log: &AccessLog) -> PbAccessLog {
    access_log(log, CONNECTION_FORMAT)
}

fn access_log(log: &AccessLog, default_format: &str) -> PbAccessLog {
    let format = match &log.format {
        Chosen::DefaultText => text(default_format),
        Chosen::Text(format) => text(format),
        Chosen::DefaultJson => {
            json_line(JSON_FIELDS.iter().map(|(key, format)| ((*key).to_owned(), json_text(format))).collect())
        }
        Chosen::Json { fields } => json_line(object(fields).fields),
    };
    // Envoy's own way to standard output also works where that is a socket, which cannot be opened.
    let (name, config) = if STDOUT.contains(&log.path.as_str()) {
        let stdout = StdoutAccessLog { access_log_format: Some(StdoutFormat::LogFormat(format)) };
        ("envoy.access_loggers.stdout", proto::any(&stdout))
    } else {
        let access_log_format = Some(AccessLogFormat::LogFormat(format));
        ("envoy.access_loggers.file", proto::any(&FileAccessLog { path: log.path.clone(), access_log_format }))
    };
    PbAccessLog { name: name.to_owned(), config_type: Some(ConfigType::TypedConfig(config)), ..Default::default() }
}

/// A line of text; Envoy ends lines only where the format does.
fn text(format: &str) -> SubstitutionFormatString {
    let line = format!("{}\n", format.strip_suffix('\n').unwrap_or(format));
    SubstitutionFormatString { format: Some(Format::TextFormatSource(proto::inline(line))), ..Default::default() }
}

/// A JSON object a line.
fn json_line(fields: HashMap<String, Value>) -> SubstitutionFormatString {
    let format = Format::JsonFormat(Struct { fields });
    SubstitutionFormatString { format: Some(format), ..Default::default() }
}

fn object(fields: &[(String, JsonLogValue)]) -> Struct {
    Struct { fields: fields.iter().map(|(key, value)| (key.clone(), json(value))).collect() }
}

fn json(value: &JsonLogValue) -> Value {
    match value {
        JsonLogValue::Text(format) => json_text(format),
        JsonLogValue::Object(fields) => Value { kind: Some(Kind::StructValue(object(fields))) },
    }
}

fn json_text(format: &str) -> Value {
    Value { kind: Some(Kind::StringValue(format.to_owned())) }
}
