//! The HTTP connection manager, with the settings of the edge profile.

use std::time::Duration;

use envoy_types::pb::envoy::config::accesslog::v3::AccessLog;
use envoy_types::pb::envoy::config::core::v3::{
    Http1ProtocolOptions, Http2ProtocolOptions, HttpProtocolOptions,
    http_protocol_options::HeadersWithUnderscoresAction,
};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpConnectionManager,
    http_connection_manager::{
        ForwardClientCertDetails, PathWithEscapedSlashesAction, RouteSpecifier, SetCurrentClientCertDetails,
        StripPortMode,
    },
};
use nuncio_ir::{ClientCertHeader, EscapedSlashes, ForwardClientCert, HttpSettings, UnderscoreHeaders};

use super::{access_log, filters, scope};
use crate::{cluster, proto};

// The edge profile: Envoy's best practices for a proxy that faces the world.
const IDLE_TIMEOUT: Duration = Duration::from_secs(3600);
/// Without a byte in either direction; a route may say otherwise.
const STREAM_IDLE_TIMEOUT: Duration = Duration::from_secs(300);
/// From the first byte of a request to its last; the Module may say otherwise.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(300);
const REQUEST_HEADERS_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_HEADERS: u32 = 100;
const MAX_CONCURRENT_STREAMS: u32 = 100;
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// No upgrade is allowed here, so that Envoy answers 403 to one that the route does not allow.
pub(super) fn connection_manager(settings: &HttpSettings) -> HttpConnectionManager {
    HttpConnectionManager {
        stat_prefix: settings.stat_prefix.clone(),
        route_specifier: Some(RouteSpecifier::ScopedRoutes(scope::scoped_routes())),
        early_header_mutation_extensions: vec![scope::early_mutation(settings)],
        http_filters: filters::filters(settings),
        access_log: access_logs(settings),

        common_http_protocol_options: Some(common_options(settings)),
        http_protocol_options: http1_options(settings),
        http2_protocol_options: Some(http2_options(settings)),
        max_request_headers_kb: settings.max_request_headers_kib.map(proto::uint32),
        stream_idle_timeout: Some(proto::duration(STREAM_IDLE_TIMEOUT)),
        request_timeout: Some(proto::duration(settings.request_timeout.unwrap_or(REQUEST_TIMEOUT))),
        request_headers_timeout: Some(proto::duration(REQUEST_HEADERS_TIMEOUT)),

        strip_port_mode: Some(StripPortMode::StripAnyHostPort(true)),
        strip_trailing_host_dot: true,
        normalize_path: Some(proto::boolean(true)),
        merge_slashes: settings.merge_slashes,
        path_with_escaped_slashes_action: escaped_slashes(settings.escaped_slashes) as i32,

        use_remote_address: Some(proto::boolean(settings.use_remote_address)),
        xff_num_trusted_hops: settings.trusted_hops,
        server_name: settings.server_name.clone(),
        generate_request_id: Some(proto::boolean(true)),
        preserve_external_request_id: settings.preserve_request_id,
        forward_client_cert_details: forward_client_cert(settings.client_cert.forward) as i32,
        set_current_client_cert_details: client_cert_details(&settings.client_cert),
        ..Default::default()
    }
}

fn access_logs(settings: &HttpSettings) -> Vec<AccessLog> {
    let probes = settings.previews.probes.iter();
    std::iter::once(access_log::requests(&settings.access_log)).chain(probes.map(access_log::probes)).collect()
}

fn common_options(settings: &HttpSettings) -> HttpProtocolOptions {
    let underscores = match settings.underscores {
        UnderscoreHeaders::RejectRequest => HeadersWithUnderscoresAction::RejectRequest,
        UnderscoreHeaders::DropHeader => HeadersWithUnderscoresAction::DropHeader,
        UnderscoreHeaders::Allow => HeadersWithUnderscoresAction::Allow,
    };
    HttpProtocolOptions {
        idle_timeout: Some(proto::duration(settings.idle_timeout.unwrap_or(IDLE_TIMEOUT))),
        max_headers_count: Some(proto::uint32(MAX_HEADERS)),
        headers_with_underscores_action: underscores as i32,
        ..Default::default()
    }
}

fn http1_options(settings: &HttpSettings) -> Option<Http1ProtocolOptions> {
    let options = Http1ProtocolOptions {
        accept_http_10: settings.accept_http10,
        allow_chunked_length: settings.allow_chunked_length,
        header_key_format: cluster::header_key_format(settings.proper_case),
        ..Default::default()
    };
    (options != Http1ProtocolOptions::default()).then_some(options)
}

fn http2_options(settings: &HttpSettings) -> Http2ProtocolOptions {
    Http2ProtocolOptions {
        max_concurrent_streams: Some(proto::uint32(settings.max_concurrent_streams.unwrap_or(MAX_CONCURRENT_STREAMS))),
        initial_stream_window_size: Some(proto::uint32(STREAM_WINDOW)),
        initial_connection_window_size: Some(proto::uint32(CONNECTION_WINDOW)),
        ..Default::default()
    }
}

fn escaped_slashes(action: EscapedSlashes) -> PathWithEscapedSlashesAction {
    match action {
        EscapedSlashes::UnescapeAndRedirect => PathWithEscapedSlashesAction::UnescapeAndRedirect,
        EscapedSlashes::Reject => PathWithEscapedSlashesAction::RejectRequest,
        EscapedSlashes::Keep => PathWithEscapedSlashesAction::KeepUnchanged,
    }
}

fn forward_client_cert(forward: ForwardClientCert) -> ForwardClientCertDetails {
    match forward {
        ForwardClientCert::Sanitize => ForwardClientCertDetails::Sanitize,
        ForwardClientCert::ForwardOnly => ForwardClientCertDetails::ForwardOnly,
        ForwardClientCert::AppendForward => ForwardClientCertDetails::AppendForward,
        ForwardClientCert::SanitizeSet => ForwardClientCertDetails::SanitizeSet,
        ForwardClientCert::AlwaysForwardOnly => ForwardClientCertDetails::AlwaysForwardOnly,
    }
}

fn client_cert_details(header: &ClientCertHeader) -> Option<SetCurrentClientCertDetails> {
    let details = SetCurrentClientCertDetails {
        subject: header.subject.then(|| proto::boolean(true)),
        cert: header.cert,
        chain: header.chain,
        dns: header.dns,
        uri: header.uri,
        ..Default::default()
    };
    (details != SetCurrentClientCertDetails::default()).then_some(details)
}
