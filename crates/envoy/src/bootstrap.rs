//! The file that an Envoy starts with: who it is, where its controller is, and what it may use.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::listener::HEADERS_OF_EVERY_REQUEST;

/// The largest program that a regular expression may compile to: about an instruction for each
/// character. Envoy's own limit (100) refuses expressions that users write; RE2 matches in linear
/// time whatever the size.
const RE2_MAX_PROGRAM_SIZE: u32 = 16_384;

/// What metrics say of the counts of a route, which would have a name for each otherwise: Envoy takes a host's name to end at its
/// first dot.
const ROUTE_TAGS: [(&str, &str); 2] = [
    ("nuncio.host", r"^vhost\.((.+)\.)route\.[^.]+\.upstream_rq"),
    ("nuncio.route", r"^vhost\..+\.route\.(([^.]+)\.)upstream_rq"),
];

/// What differs from Envoy to Envoy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    /// Tells Envoys apart.
    pub node_id: String,
    /// What Envoys of one configuration have in common.
    pub node_cluster: String,
    /// Unix socket of the admin interface, which whoever reaches it controls: made readable to its
    /// owner only.
    pub admin: PathBuf,
    /// The controller.
    pub ads: Ads,
    /// Bytes of heap from which Envoy sheds load: it stops reading at 93 %, accepting at 95 %.
    pub max_heap_bytes: Option<u64>,
    /// Connections of clients beyond which new ones are closed.
    pub max_connections: Option<u64>,
}

/// Where the controller's xDS server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ads {
    /// A Unix socket.
    Unix(PathBuf),
    /// A TCP address.
    Tcp {
        /// IP address or DNS name.
        host: String,
        /// Port.
        port: u16,
    },
}

/// The bootstrap file, in JSON (for Envoy's `--config-path`, under a name that ends in `.json`).
///
/// Envoy's hot restart is a matter of its command line: start it with `--disable-hot-restart`, or
/// several on one machine get in each other's way.
#[must_use]
pub fn bootstrap(bootstrap: &Bootstrap) -> String {
    let mut file = json!({
        "node": {"id": bootstrap.node_id, "cluster": bootstrap.node_cluster},
        "admin": {"address": pipe(&bootstrap.admin)},
        "dynamic_resources": {
            "ads_config": ads_config(),
            "cds_config": {"ads": {}, "resource_api_version": "V3"},
            "lds_config": {"ads": {}, "resource_api_version": "V3"},
        },
        "static_resources": {"clusters": [ads_cluster(&bootstrap.ads)]},
        // A cluster that took no request yet has no counters of requests: 20 kB less for each, made in half the time.
        "deferred_stat_options": {"enable_deferred_creation_stats": true},
        "stats_config": {"stats_tags": ROUTE_TAGS.map(|(name, regex)| json!({"tag_name": name, "regex": regex}))},
        "inline_headers": HEADERS_OF_EVERY_REQUEST.map(inline_header),
        "layered_runtime": {"layers": [
            {"name": "static", "static_layer": {"re2.max_program_size.error_level": RE2_MAX_PROGRAM_SIZE}},
            {"name": "admin", "admin_layer": {}},
        ]},
    });
    if let Some(overload_manager) = overload_manager(bootstrap) {
        file["overload_manager"] = overload_manager;
    }
    format!("{file:#}\n")
}

fn inline_header(name: &str) -> Value {
    json!({"inline_header_name": name, "inline_header_type": "REQUEST_HEADER"})
}

fn pipe(path: &std::path::Path) -> Value {
    json!({"pipe": {"path": path.to_string_lossy(), "mode": 0o600}})
}

/// Comes back to a restarted controller within a second or two (Envoy's own back-off goes to 30 s).
fn ads_config() -> Value {
    json!({
        "api_type": "DELTA_GRPC",
        "transport_api_version": "V3",
        "set_node_on_first_message_only": true,
        "grpc_services": [{"envoy_grpc": {
            "cluster_name": ADS_CLUSTER,
            "retry_policy": {"retry_back_off": {"base_interval": "0.1s", "max_interval": "2s"}},
        }}],
    })
}

const ADS_CLUSTER: &str = "nuncio_xds";

fn ads_cluster(ads: &Ads) -> Value {
    let (discovery, address) = match ads {
        Ads::Unix(path) => ("STATIC", json!({"pipe": {"path": path.to_string_lossy()}})),
        Ads::Tcp { host, port } => {
            let discovery = if host.parse::<std::net::IpAddr>().is_ok() { "STATIC" } else { "STRICT_DNS" };
            (discovery, json!({"socket_address": {"address": host, "port_value": port}}))
        }
    };
    json!({
        "name": ADS_CLUSTER,
        "type": discovery,
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": ADS_CLUSTER,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": {
                    "connection_keepalive": {"interval": "30s", "timeout": "5s"},
                }},
            },
        },
    })
}

const HEAP: &str = "envoy.resource_monitors.fixed_heap";

fn overload_manager(bootstrap: &Bootstrap) -> Option<Value> {
    let mut monitors = Vec::new();
    if let Some(bytes) = bootstrap.max_heap_bytes {
        monitors.push(json!({"name": HEAP, "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
            "max_heap_size_bytes": bytes,
        }}));
    }
    if let Some(connections) = bootstrap.max_connections {
        monitors.push(json!({"name": "envoy.resource_monitors.global_downstream_max_connections", "typed_config": {
            "@type":
                "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
            "max_active_downstream_connections": connections,
        }}));
    }
    if monitors.is_empty() {
        return None;
    }
    let mut manager = json!({"refresh_interval": "0.25s", "resource_monitors": monitors});
    if bootstrap.max_heap_bytes.is_some() {
        // Streams are accounted for from 2^20 bytes on, for `reset_high_memory_stream`.
        manager["buffer_factory_config"] = json!({"minimum_account_to_track_power_of_two": 20});
        manager["actions"] = heap_actions();
        manager["loadshed_points"] = heap_loadshed_points();
    }
    Some(manager)
}

/// Graduated: give memory back, keep idle connections for less long, reset the greediest streams, refuse.
fn heap_actions() -> Value {
    json!([
        {"name": "envoy.overload_actions.shrink_heap", "triggers": [above(0.90)]},
        {"name": "envoy.overload_actions.reduce_timeouts", "triggers": [between(0.85, 0.95)], "typed_config": {
            "@type": "type.googleapis.com/envoy.config.overload.v3.ScaleTimersOverloadActionConfig",
            "timer_scale_factors": [{"timer": "HTTP_DOWNSTREAM_CONNECTION_IDLE", "min_timeout": "2s"}],
        }},
        {"name": "envoy.overload_actions.reset_high_memory_stream", "triggers": [between(0.92, 0.98)]},
        {"name": "envoy.overload_actions.stop_accepting_requests", "triggers": [above(0.95)]},
    ])
}

fn heap_loadshed_points() -> Value {
    json!([
        {"name": "envoy.load_shed_points.http_connection_manager_decode_headers", "triggers": [above(0.93)]},
        {"name": "envoy.load_shed_points.tcp_listener_accept", "triggers": [above(0.95)]},
    ])
}

/// Triggers from this share of the heap on.
fn above(share: f64) -> Value {
    json!({"name": HEAP, "threshold": {"value": share}})
}

/// Triggers more and more from the one share of the heap to the other.
fn between(scaling: f64, saturation: f64) -> Value {
    json!({"name": HEAP, "scaled": {"scaling_threshold": scaling, "saturation_threshold": saturation}})
}
