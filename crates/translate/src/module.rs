//! What the Module `ambassador` says about every listener.

use std::time::Duration;

use nuncio_api::{self as api, IpAccess, LogFormat, LogType, ModuleConfig, Problem, UnderscoresAction};
use nuncio_ir::{
    AccessLog, AccessLogFormat, ClientCertHeader, EscapedSlashes, ForwardClientCert, Gzip, GzipStrategy, HttpFilter,
    HttpSettings, IpRule, IpSource, JsonLogValue, PreviewEntry, UnderscoreHeaders,
};
use serde_json::{Map, Value};

use crate::lua;

/// Paths on which the gateway answers for itself, as the original does.
const LIVENESS_PATH: &str = "/ambassador/v0/check_alive";
const READINESS_PATH: &str = "/ambassador/v0/check_ready";

/// Settings of every HTTP filter chain; what a Listener or chain says of itself is left at its default.
pub(crate) fn http_settings(
    config: &ModuleConfig,
    previews: &PreviewEntry,
    problems: &mut Vec<Problem>,
) -> HttpSettings {
    let on = |flag: Option<bool>| flag.unwrap_or(false);
    HttpSettings {
        stat_prefix: String::new(),
        class: "".into(),
        chain: "".into(),
        trusted_hops: 0,
        use_remote_address: config.use_remote_address.unwrap_or(true),
        server_name: config.server_name.clone().unwrap_or_else(|| "envoy".to_owned()),
        accept_http10: on(config.enable_http10),
        allow_chunked_length: on(config.allow_chunked_length),
        proper_case: config.writes_proper_case(),
        merge_slashes: config.merge_slashes.unwrap_or(true),
        escaped_slashes: match config.reject_requests_with_escaped_slashes {
            Some(true) => EscapedSlashes::Reject,
            // Who says so has upstreams whose paths have them, as the original passes them on.
            Some(false) => EscapedSlashes::Keep,
            None => EscapedSlashes::default(),
        },
        underscores: match config.headers_with_underscores_action {
            None | Some(UnderscoresAction::RejectRequest) => UnderscoreHeaders::RejectRequest,
            Some(UnderscoresAction::DropHeader) => UnderscoreHeaders::DropHeader,
            Some(UnderscoresAction::Allow) => UnderscoreHeaders::Allow,
        },
        max_request_headers_kib: config.max_request_headers_kb,
        max_concurrent_streams: None,
        idle_timeout: config.listener_idle_timeout_ms.map(Duration::from_millis),
        request_timeout: config.listener_request_timeout_ms.map(Duration::from_millis),
        preserve_request_id: on(config.preserve_external_request_id),
        suppress_envoy_headers: on(config.suppress_envoy_headers),
        client_cert: client_cert(config),
        identity_headers: Vec::new(),
        previews: previews.clone(),
        filters: filters(config, problems),
        access_log: access_log(config, previews, problems),
    }
}

/// What is wrong with a Module's script, where there is one that does not compile.
pub fn script_problem(module: &api::Module) -> Option<Problem> {
    let error = lua::check(module.config.lua_scripts.as_ref()?).err()?;
    Some(invalid_lua(format!("{error}; what ran before stays")))
}

fn invalid_lua(message: String) -> Problem {
    Problem::error("InvalidLua", "spec.config.lua_scripts", message)
}

fn client_cert(config: &ModuleConfig) -> ClientCertHeader {
    use api::ForwardClientCertDetails as Details;
    let forward = match config.forward_client_cert_details.unwrap_or_default() {
        Details::Sanitize => ForwardClientCert::Sanitize,
        Details::ForwardOnly => ForwardClientCert::ForwardOnly,
        Details::AppendForward => ForwardClientCert::AppendForward,
        Details::SanitizeSet => ForwardClientCert::SanitizeSet,
        Details::AlwaysForwardOnly => ForwardClientCert::AlwaysForwardOnly,
    };
    let details = config.set_current_client_cert_details.clone().unwrap_or_default();
    let on = |flag: Option<bool>| flag.unwrap_or(false);
    ClientCertHeader {
        forward,
        subject: on(details.subject),
        cert: on(details.cert),
        chain: on(details.chain),
        dns: on(details.dns),
        uri: on(details.uri),
    }
}

/// In the original's order; probes answer before all of them.
fn filters(config: &ModuleConfig, problems: &mut Vec<Problem>) -> Vec<HttpFilter> {
    let on = |flag: Option<bool>| flag.unwrap_or(false);
    let probe = |probe: Option<&api::Probe>, path: &str| {
        let enabled = probe.and_then(|probe| probe.enabled).unwrap_or(true);
        enabled.then(|| HttpFilter::HealthCheck { path: path.to_owned() })
    };
    // A script may be a guard: without it nobody gets in.
    let lua = config.lua_scripts.as_ref().map(|script| match lua::check(script) {
        Ok(()) => HttpFilter::Lua(script.clone()),
        Err(error) => {
            let message = format!("{error}; every request is answered with 500 until it compiles");
            problems.push(invalid_lua(message));
            HttpFilter::Lua(lua::REFUSE_ALL.to_owned())
        }
    });
    [
        probe(config.liveness_probe.as_ref(), LIVENESS_PATH),
        probe(config.readiness_probe.as_ref(), READINESS_PATH),
        on(config.enable_grpc_http11_bridge).then_some(HttpFilter::GrpcHttp1Bridge),
        on(config.enable_grpc_web).then_some(HttpFilter::GrpcWeb),
        config.grpc_stats.as_ref().map(grpc_stats),
        lua,
        config.gzip.as_ref().map(gzip),
        config.buffer.as_ref().map(|buffer| HttpFilter::Buffer { max_request_bytes: buffer.max_request_bytes }),
        ip_access(config),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn grpc_stats(stats: &api::GrpcStats) -> HttpFilter {
    HttpFilter::GrpcStats {
        all_methods: stats.services.is_empty() && stats.all_methods.unwrap_or(false),
        services: stats.services.iter().map(|service| (service.name.clone(), service.method_names.clone())).collect(),
        upstream_stats: stats.upstream_stats.unwrap_or(false),
    }
}

fn gzip(gzip: &api::Gzip) -> HttpFilter {
    use api::CompressionStrategy as Strategy;
    HttpFilter::Gzip(Gzip {
        memory_level: gzip.memory_level,
        min_content_length: gzip.min_content_length,
        level: gzip.compression_level.unwrap_or_default().number(),
        strategy: match gzip.compression_strategy.unwrap_or_default() {
            Strategy::Default => GzipStrategy::Default,
            Strategy::Filtered => GzipStrategy::Filtered,
            Strategy::Huffman => GzipStrategy::HuffmanOnly,
            Strategy::Rle => GzipStrategy::Rle,
            Strategy::Fixed => GzipStrategy::Fixed,
        },
        window_bits: gzip.window_bits,
        content_type: gzip.content_type.clone(),
        disable_on_etag_header: gzip.disable_on_etag_header.unwrap_or(false),
        remove_accept_encoding_header: gzip.remove_accept_encoding_header.unwrap_or(false),
    })
}

/// An access list that cannot be read lets nobody in.
fn ip_access(config: &ModuleConfig) -> Option<HttpFilter> {
    let rules = |rules: &[api::IpRule]| rules.iter().map(ip_rule).collect();
    Some(match (&config.ip_allow, &config.ip_deny) {
        (None, None) => return None,
        (Some(IpAccess::Rules(list)), None) => HttpFilter::IpAccess { allow: true, rules: rules(list) },
        (None, Some(IpAccess::Rules(list))) => HttpFilter::IpAccess { allow: false, rules: rules(list) },
        // Both together are not readable either.
        _ => HttpFilter::IpAccess { allow: true, rules: Vec::new() },
    })
}

fn ip_rule(rule: &api::IpRule) -> IpRule {
    let (source, cidr) = match rule {
        api::IpRule::Peer(cidr) => (IpSource::Peer, cidr),
        api::IpRule::Remote(cidr) => (IpSource::Remote, cidr),
    };
    IpRule { source, address: cidr.address, prefix_len: cidr.prefix_len }
}

/// The access log of every listener. Lines that would show keys of previews are as without a format.
fn access_log(config: &ModuleConfig, previews: &PreviewEntry, problems: &mut Vec<Problem>) -> AccessLog {
    let path = config.envoy_log_path.clone().unwrap_or_else(|| "/dev/stdout".to_owned());
    let mut written = config.envoy_log_format.as_ref();
    let shown = written.filter(|_| previews.domain.is_some()).and_then(|it| api::shown_key(it, &previews.headers));
    if let Some(message) = shown {
        written = None;
        problems.push(Problem::error("InvalidFormat", "spec.config.envoy_log_format", message));
    }
    let format = match (config.envoy_log_type.unwrap_or_default(), written) {
        (LogType::Text, Some(LogFormat::Text(text))) => AccessLogFormat::Text(text.clone()),
        (LogType::Json | LogType::TypedJson, Some(LogFormat::Fields(fields))) => {
            AccessLogFormat::Json { fields: json_fields(fields) }
        }
        (LogType::Json | LogType::TypedJson, _) => AccessLogFormat::DefaultJson,
        (LogType::Text, _) => AccessLogFormat::DefaultText,
    };
    AccessLog { path, format }
}

fn json_fields(fields: &Map<String, Value>) -> Vec<(String, JsonLogValue)> {
    let mut fields: Vec<_> = fields.iter().map(|(key, value)| (key.clone(), json_value(value))).collect();
    fields.sort_by(|a, b| a.0.cmp(&b.0));
    fields
}

fn json_value(value: &Value) -> JsonLogValue {
    match value {
        Value::String(text) => JsonLogValue::Text(text.clone()),
        Value::Object(fields) => JsonLogValue::Object(json_fields(fields)),
        other => JsonLogValue::Text(other.to_string()),
    }
}
