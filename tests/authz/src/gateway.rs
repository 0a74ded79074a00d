//! A real Envoy that asks the service, set up as the controller sets up its own.

use std::process::Command;

use nuncio_test_support::{Authority, Process, eventually, tool};
use serde_json::{Value, json};

use crate::{Service, Upstream, free_address};

/// A running Envoy.
#[derive(Debug)]
pub struct Gateway {
    /// Where it listens for HTTP.
    pub address: String,
    /// What browsers call it.
    pub origin: String,
    process: Process,
    _directory: tempfile::TempDir,
}

impl Gateway {
    /// Starts one: `/open/` is not checked, everything else is, under the rule set `s`.
    pub async fn start(service: &Service, upstream: &Upstream) -> Self {
        Self::launch(&by_grpc(), Some(cluster("authz", &service.grpc, true)), upstream, None).await
    }

    /// The same with TLS.
    pub async fn start_with_tls(service: &Service, upstream: &Upstream) -> Self {
        let identity = Authority::new("gateway").issue(&["gateway.test"]);
        let tls = json!({ "name": "tls", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": { "alpn_protocols": ["h2", "http/1.1"], "tls_certificates": [{
                "certificate_chain": { "inline_string": identity.cert },
                "private_key": { "inline_string": identity.key } }] } } });
        Self::launch(&by_grpc(), Some(cluster("authz", &service.grpc, true)), upstream, Some(tls)).await
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
        Self::launch(&ext_authz(&by_http), Some(cluster("authz", &service.http, false)), upstream, None).await
    }

    /// The same with an oauth2-proxy at this address instead of the service.
    pub async fn start_by_oauth2_proxy(proxy: &str, upstream: &Upstream) -> Self {
        let sent = json!({ "patterns": [{ "exact": "accept", "ignore_case": true }, { "exact": "cookie", "ignore_case": true }] });
        let server = json!({ "uri": "http://authz", "cluster": "authz", "timeout": "10s" });
        let asked = json!({ "allowed_headers": sent, "http_service": { "server_uri": server } });
        Self::launch(&ext_authz(&asked), Some(cluster("authz", proxy, false)), upstream, None).await
    }

    /// The same with Envoy's own filter for tokens, of this provider's, and no service.
    pub async fn start_with_jwt_authn(provider: &Value, upstream: &Upstream) -> Self {
        let filter = json!({ "name": "envoy.filters.http.jwt_authn", "typed_config": {
            "@type": typed("http.jwt_authn.v3.JwtAuthentication"), "providers": { "p": provider },
            "rules": [{ "match": { "prefix": "/" }, "requires": { "provider_name": "p" } }] } });
        Self::launch(&filter, None, upstream, None).await
    }

    /// The Envoy.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    async fn launch(filter: &Value, authz: Option<Value>, upstream: &Upstream, tls: Option<Value>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("envoy.json");
        let (address, admin) = (free_address(), free_address());
        let origin = format!("{}://{address}", if tls.is_some() { "https" } else { "http" });
        let mut configuration = configuration(&address, &admin, filter, authz, upstream);
        if let Some(tls) = tls {
            configuration["static_resources"]["listeners"][0]["filter_chains"][0]["transport_socket"] = tls;
        }
        std::fs::write(&file, configuration.to_string()).unwrap();
        let process = Process::spawn(
            Command::new(tool("envoy", "envoy"))
                .args(["--use-dynamic-base-id", "--concurrency", "1", "-l", "warning", "-c"])
                .arg(&file),
        );
        let url = format!("http://{admin}/ready");
        eventually("Envoy is ready", async || match reqwest::get(&url).await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(answer.status().to_string()),
            Err(error) => Err(error.to_string()),
        })
        .await;
        Self { address, origin, process, _directory: directory }
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
    let strip = |name: &str| json!({ "remove": name });
    let off = json!({ "envoy.filters.http.ext_authz": {
        "@type": typed("http.ext_authz.v3.ExtAuthzPerRoute"), "disabled": true } });
    let checked = |body: bool| {
        let mut settings = json!({ "context_extensions": { "nuncio.dev/rules": "s" } });
        if body {
            settings["with_request_body"] = json!({ "max_request_bytes": 16_384, "pack_as_bytes": true });
        }
        json!({ "envoy.filters.http.ext_authz": {
            "@type": typed("http.ext_authz.v3.ExtAuthzPerRoute"), "check_settings": settings } })
    };
    let route = |prefix: &str, config: Value| json!({ "match": { "prefix": prefix }, "route": { "cluster": "upstream" }, "typed_per_filter_config": config });
    json!({
        "@type": typed("network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "s", "use_remote_address": true, "normalize_path": true, "merge_slashes": true,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "common_http_protocol_options": { "headers_with_underscores_action": "REJECT_REQUEST" },
        "early_header_mutation_extensions": [{
            "name": "envoy.http.early_header_mutation.header_mutation",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
                "mutations": [strip("x-user"), strip("x-email"), strip("x-forwarded-host"), strip("x-original-url"), strip("x-rewrite-url")],
            },
        }],
        "http_filters": [
            filter,
            { "name": "envoy.filters.http.router", "typed_config": { "@type": typed("http.router.v3.Router") } },
        ],
        "route_config": { "virtual_hosts": [{ "name": "v", "domains": ["*"], "routes": [
            route("/open/", off), route("/.ambassador/oauth2/", checked(true)), route("/", checked(false)),
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
