//! What somebody would write who needs this one route and no more: with the settings that Envoy's documentation asks for at an
//! edge ("Configuring Envoy as an edge proxy"), or without.

use std::net::SocketAddr;

use nuncio_e2e::Site;
use serde_json::{Value, json};

use super::{HOST, LOG_FORMAT};

/// Which settings the file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settings {
    /// Those of an edge.
    Edge,
    /// As few as there can be.
    Fewest,
}

pub(super) fn config(site: &Site, upstream: SocketAddr, settings: Settings) -> Value {
    let socket = |address: SocketAddr| json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}});
    json!({
        "admin": {"address": {"pipe": {"path": site.root().join("admin.sock")}}},
        "static_resources": {
            "listeners": [{
                "name": "http",
                "address": socket(site.http()),
                "filter_chains": [{"filters": [{
                    "name": "envoy.filters.network.http_connection_manager",
                    "typed_config": manager(site, settings),
                }]}],
            }],
            "clusters": [{
                "name": "cart",
                "connect_timeout": "3s",
                "load_assignment": {
                    "cluster_name": "cart",
                    "endpoints": [{"lb_endpoints": [{"endpoint": {"address": socket(upstream)}}]}],
                },
            }],
        },
    })
}

fn manager(site: &Site, settings: Settings) -> Value {
    let mut manager = fewest(site);
    if let (Settings::Edge, Some(manager)) = (settings, manager.as_object_mut()) {
        manager.extend(edge().as_object().cloned().unwrap_or_default());
    }
    manager
}

fn edge() -> Value {
    json!({
        "normalize_path": true,
        "merge_slashes": true,
        "path_with_escaped_slashes_action": "UNESCAPE_AND_REDIRECT",
        "common_http_protocol_options": {"idle_timeout": "3600s", "headers_with_underscores_action": "REJECT_REQUEST"},
        "http2_protocol_options": {
            "max_concurrent_streams": 100,
            "initial_stream_window_size": 65_536,
            "initial_connection_window_size": 1_048_576,
        },
        "stream_idle_timeout": "300s",
        "request_timeout": "300s",
        "request_headers_timeout": "10s",
    })
}

fn fewest(site: &Site) -> Value {
    json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "http",
        "use_remote_address": true,
        "access_log": [{
            "name": "envoy.access_loggers.file",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                "path": site.root().join("access.log"),
                "log_format": {"text_format_source": {"inline_string": LOG_FORMAT}},
            },
        }],
        "route_config": {
            "name": "routes",
            "virtual_hosts": [{
                "name": "shop",
                "domains": [HOST],
                "routes": [{
                    "match": {"prefix": "/cart/"},
                    "route": {"cluster": "cart", "prefix_rewrite": "/", "timeout": "3s"},
                }],
            }],
        },
        "http_filters": [{
            "name": "envoy.filters.http.router",
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
        }],
    })
}
