//! What somebody would write who needs this one route and no more.

use std::net::SocketAddr;

use nuncio_e2e::Site;
use serde_json::{Value, json};

use super::{HOST, LOG_FORMAT};

pub(super) fn config(site: &Site, upstream: SocketAddr) -> Value {
    let socket = |address: SocketAddr| json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}});
    json!({
        "admin": {"address": {"pipe": {"path": site.root().join("admin.sock")}}},
        "static_resources": {
            "listeners": [{
                "name": "http",
                "address": socket(site.http()),
                "filter_chains": [{"filters": [{
                    "name": "envoy.filters.network.http_connection_manager",
                    "typed_config": manager(site),
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

fn manager(site: &Site) -> Value {
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
