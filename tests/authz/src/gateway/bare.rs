//! Envoys with the one filter that is asked about and nothing else: other proxies' ways of asking, and what is measured
//! beside each other. No manifest says this.

use serde_json::{Value, json};

use super::{Gateway, envoy, is_ready};
use crate::{Service, Upstream, free_address};

impl Gateway {
    /// Starts one: `/open/` is not checked, everything else is, under the rule set `s`.
    pub async fn start_bare(service: &Service, upstream: &Upstream) -> Self {
        Self::launch(&by_grpc(), Some(cluster("authz", &service.grpc, true)), upstream).await
    }

    /// The same by Envoy's HTTP form, in which the path says the rule set.
    pub async fn start_by_http(service: &Service, upstream: &Upstream) -> Self {
        let exact = |name: &str| json!({ "exact": name, "ignore_case": true });
        let by_http = json!({
            "allowed_headers": { "patterns": [exact("accept"), exact("x-api-key")] },
            "http_service": {
                "server_uri": { "uri": "http://authz", "cluster": "authz", "timeout": "10s" },
                "path_prefix": "/check/s",
                "authorization_response": { "allowed_upstream_headers": { "patterns": [exact("x-user")] } },
            },
        });
        Self::launch(&ext_authz(&by_http), Some(cluster("authz", &service.http, false)), upstream).await
    }

    /// The same with an oauth2-proxy at this address instead of the service.
    pub async fn start_by_oauth2_proxy(proxy: &str, upstream: &Upstream) -> Self {
        let sent = json!({ "patterns": [{ "exact": "accept", "ignore_case": true }, { "exact": "cookie", "ignore_case": true }] });
        let server = json!({ "uri": "http://authz", "cluster": "authz", "timeout": "10s" });
        let asked = json!({ "allowed_headers": sent, "http_service": { "server_uri": server } });
        Self::launch(&ext_authz(&asked), Some(cluster("authz", proxy, false)), upstream).await
    }

    /// The same with Envoy's own filter for tokens, of this provider's, and no service.
    pub async fn start_with_jwt_authn(provider: &Value, upstream: &Upstream) -> Self {
        let filter = json!({ "name": "envoy.filters.http.jwt_authn", "typed_config": {
            "@type": typed("http.jwt_authn.v3.JwtAuthentication"), "providers": { "p": provider },
            "rules": [{ "match": { "prefix": "/" }, "requires": { "provider_name": "p" } }] } });
        Self::launch(&filter, None, upstream).await
    }

    async fn launch(filter: &Value, authz: Option<Value>, upstream: &Upstream) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (address, admin) = (free_address(), free_address());
        let envoy = envoy(directory.path(), &configuration(&address, &admin, filter, authz, upstream));
        is_ready(&format!("http://{admin}/ready")).await;
        Self { origin: format!("http://{address}"), address, envoy, _controller: None, _directory: directory }
    }
}

/// The form in which our own controller has it asked.
fn by_grpc() -> Value {
    ext_authz(&json!({ "grpc_service": { "envoy_grpc": { "cluster_name": "authz" }, "timeout": "10s" } }))
}

fn typed(name: &str) -> String {
    format!("type.googleapis.com/envoy.extensions.filters.{name}")
}

fn ext_authz(asked: &Value) -> Value {
    let mut settings = json!({
        "@type": typed("http.ext_authz.v3.ExtAuthz"), "transport_api_version": "V3",
        "encode_raw_headers": asked.get("grpc_service").is_some(), "validate_mutations": true,
        "status_on_error": { "code": 503 },
    });
    for (field, value) in asked.as_object().unwrap() {
        settings[field] = value.clone();
    }
    json!({ "name": "envoy.filters.http.ext_authz", "typed_config": settings })
}

fn configuration(address: &str, admin: &str, filter: &Value, authz: Option<Value>, upstream: &Upstream) -> Value {
    let clusters: Vec<Value> = [cluster("upstream", &upstream.address, false)].into_iter().chain(authz).collect();
    json!({
        "admin": { "address": socket(admin) },
        "static_resources": {
            "listeners": [{ "name": "l", "address": socket(address), "filter_chains": [{ "filters": [{
                "name": "envoy.filters.network.http_connection_manager", "typed_config": manager(filter) }] }] }],
            "clusters": clusters,
        },
    })
}

fn manager(filter: &Value) -> Value {
    let told = json!({ "envoy.filters.http.ext_authz": {
        "@type": typed("http.ext_authz.v3.ExtAuthzPerRoute"),
        "check_settings": { "context_extensions": { "nuncio.dev/rules": "s" } } } });
    let off = json!({ "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": true });
    let off = json!({ "envoy.filters.http.ext_authz": off, "envoy.filters.http.jwt_authn": off });
    let route = |prefix: &str, filters: &Value| {
        json!({
        "match": { "prefix": prefix }, "route": { "cluster": "upstream" }, "typed_per_filter_config": filters })
    };
    json!({
        "@type": typed("network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "s", "use_remote_address": true, "normalize_path": true,
        "http_filters": [
            filter,
            { "name": "envoy.filters.http.router", "typed_config": { "@type": typed("http.router.v3.Router") } },
        ],
        "route_config": { "virtual_hosts": [{ "name": "v", "domains": ["*"], "routes": [
            route("/open/", &off), route("/", &told),
        ] }] },
    })
}

fn cluster(name: &str, address: &str, http2: bool) -> Value {
    let mut cluster = json!({
        "name": name, "type": "STATIC", "connect_timeout": "5s",
        "load_assignment": { "cluster_name": name, "endpoints": [{ "lb_endpoints": [{
            "endpoint": { "address": socket(address) } }] }] },
    });
    if http2 {
        cluster["typed_extension_protocol_options"] = json!({ "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": { "http2_protocol_options": {} } } });
    }
    cluster
}

fn socket(address: &str) -> Value {
    let (host, port) = address.rsplit_once(':').unwrap();
    json!({ "socket_address": { "address": host, "port_value": port.parse::<u16>().unwrap() } })
}
