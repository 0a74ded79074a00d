//! Listeners.

use std::time::Duration;

use nuncio_api::Kind;
use nuncio_ir::{
    AccessLog, AccessLogFormat, ChainMatch, ClientCertHeader, ClientValidation, DownstreamTls, EscapedSlashes,
    FilterChain, ForwardClientCert, Gzip, GzipStrategy, HttpFilter, HttpSettings, IpRule, IpSource, JsonLogValue,
    Listener, ObjectId, PreviewEntry, PreviewTrust, ResourceType, TlsSettings, TlsVersion, Transport,
    UnderscoreHeaders,
};
use serde_json::{Value, json};

use super::build::{chain, closing, http, http_chain, listener, secret_name, tcp, tls_chain};
use super::json;
use crate::listener as resource;

fn manager(settings: HttpSettings) -> Value {
    json(&resource(&listener("l", 1, vec![http_chain("c", settings)])))["filterChains"][0]["filters"][0]["typedConfig"]
        .clone()
}

/// Every filter that a user can switch on.
pub(super) fn every_filter() -> Vec<HttpFilter> {
    vec![
        HttpFilter::HealthCheck { path: "/healthz".to_owned() },
        HttpFilter::GrpcHttp1Bridge,
        HttpFilter::GrpcWeb,
        HttpFilter::GrpcStats {
            all_methods: false,
            services: vec![("shop.Cart".to_owned(), vec!["Add".to_owned()])],
            upstream_stats: true,
        },
        HttpFilter::Lua("function envoy_on_request(handle) end".to_owned()),
        HttpFilter::Lua("function envoy_on_response(handle) end".to_owned()),
        HttpFilter::Gzip(Gzip {
            memory_level: Some(5),
            min_content_length: Some(100),
            level: 9,
            strategy: GzipStrategy::Filtered,
            window_bits: Some(12),
            content_type: vec!["text/html".to_owned()],
            disable_on_etag_header: true,
            remove_accept_encoding_header: true,
        }),
        HttpFilter::Buffer { max_request_bytes: 1 << 20 },
        HttpFilter::IpAccess {
            allow: true,
            rules: vec![
                IpRule { source: IpSource::Peer, address: [127, 0, 0, 0].into(), prefix_len: 8 },
                IpRule { source: IpSource::Remote, address: "fd00::".parse().unwrap(), prefix_len: 8 },
            ],
        },
    ]
}

pub(super) fn of_previews(trust: PreviewTrust) -> PreviewEntry {
    PreviewEntry {
        domain: Some("preview.example".into()),
        hosts: vec!["shop.example".to_owned()],
        headers: vec!["x-branch".to_owned()],
        trust,
        by_cookie: None,
        probes: None,
    }
}

/// Says something about everything.
pub(super) fn every_setting() -> HttpSettings {
    HttpSettings {
        class: "internal".into(),
        chain: "100%".into(),
        trusted_hops: 1,
        accept_http10: true,
        allow_chunked_length: true,
        proper_case: true,
        merge_slashes: true,
        escaped_slashes: EscapedSlashes::Reject,
        underscores: UnderscoreHeaders::DropHeader,
        max_request_headers_kib: Some(96),
        max_concurrent_streams: Some(10),
        idle_timeout: Some(Duration::from_secs(9)),
        request_timeout: Some(Duration::ZERO),
        preserve_request_id: true,
        suppress_envoy_headers: true,
        client_cert: ClientCertHeader {
            forward: ForwardClientCert::SanitizeSet,
            subject: true,
            cert: true,
            chain: true,
            dns: true,
            uri: true,
        },
        identity_headers: vec!["x-user".to_owned()],
        previews: of_previews(PreviewTrust::Public { by_header: true }),
        filters: every_filter(),
        access_log: AccessLog { path: "/dev/null".to_owned(), format: AccessLogFormat::DefaultJson },
        ..http()
    }
}

/// TLS with every setting and a client that must show a certificate.
pub(super) fn mutual(name: &str, server_names: &[&str], settings: HttpSettings) -> FilterChain {
    let chain = tls_chain(name, server_names, "ns/shop", http_chain(name, settings).handler);
    FilterChain {
        tls: Some(DownstreamTls {
            certificate: secret_name("ns/shop"),
            settings: TlsSettings {
                min_version: Some(TlsVersion::V1_2),
                max_version: Some(TlsVersion::V1_3),
                cipher_suites: vec!["ECDHE-ECDSA-AES128-GCM-SHA256".to_owned()],
                ecdh_curves: vec!["P-256".to_owned()],
                alpn: vec!["h2".to_owned(), "http/1.1".to_owned()],
            },
            client: Some(ClientValidation { authorities: secret_name("ns/shop~ca"), required: true }),
        }),
        ..chain
    }
}

/// Takes out what is long and shown elsewhere.
fn blot(json: &mut Value, pointer: &str) {
    *json.pointer_mut(pointer).unwrap() = Value::from("…");
}

/// The scripts of our own filters.
fn blot_scripts(json: &mut Value, filters: &str) {
    for filter in json.pointer_mut(filters).unwrap().as_array_mut().unwrap() {
        if filter["name"].as_str().unwrap().starts_with("nuncio.")
            && filter["typedConfig"].get("defaultSourceCode").is_some()
        {
            blot(filter, "/typedConfig/defaultSourceCode");
        }
        if let Some(script) = filter.pointer_mut("/typedConfig/sourceCodes/hide_logins") {
            *script = Value::from("…");
        }
    }
}

#[test]
fn clear_text() {
    let resource = resource(&listener("http-8080", 8080, vec![http_chain("clear", http())]));
    assert!(resource.needs.is_empty());
    let mut json = json(&resource);
    blot_scripts(&mut json, "/filterChains/0/filters/0/typedConfig/httpFilters");
    insta::assert_json_snapshot!(json);
}

#[test]
fn all_settings() {
    let mut json = manager(every_setting());
    blot_scripts(&mut json, "/httpFilters");
    insta::assert_json_snapshot!(json);
}

#[test]
fn tls_and_tcp() {
    let l = Listener {
        proxy_protocol: true,
        buffer_limit: Some(1 << 20),
        chains: vec![
            mutual("strict", &["strict.example"], http()),
            tls_chain("tcp", &["db.example"], "ns/db", tcp(&[("db-a", 1), ("db-b", 3)])),
            FilterChain {
                matches: ChainMatch { transport: Transport::Clear, ..Default::default() },
                ..chain("rest", tcp(&[("db-a", 1)]))
            },
        ],
        ..listener("https-8443", 8443, Vec::new())
    };
    let resource = resource(&l);
    let clusters: Vec<_> = resource.needs.iter().map(|(kind, name)| (*kind, &**name)).collect();
    assert_eq!(clusters, [(ResourceType::Cluster, "db-a"), (ResourceType::Cluster, "db-b")]);
    let mut json = json(&resource);
    blot(&mut json, "/filterChains/0/filters");
    insta::assert_json_snapshot!(json);
}

#[test]
fn a_client_certificate_may_be_optional() {
    let mut chain = mutual("a", &[], http());
    chain.tls.as_mut().unwrap().client.as_mut().unwrap().required = false;
    let json = json(&resource(&listener("l", 1, vec![chain])));
    let context = &json["filterChains"][0]["transportSocket"]["typedConfig"];
    assert_eq!(context["requireClientCertificate"], json!(false));
    assert_eq!(
        context["commonTlsContext"]["validationContextSdsSecretConfig"]["name"],
        json!("ns/shop~ca"),
        "a certificate that is shown is verified"
    );
}

#[test]
fn a_closed_name_is_closed_before_the_handshake() {
    let json = json(&resource(&listener("l", 1, vec![closing("closed", &["a.example"])])));
    let chain = &json["filterChains"][0];
    assert_eq!(chain["filterChainMatch"], json!({"serverNames": ["a.example"], "transportProtocol": "tls"}));
    assert!(chain.get("transportSocket").is_none());
    assert_eq!(chain["filters"][0]["name"], json!("envoy.filters.network.direct_response"));
}

#[test]
fn the_inspector_is_there_where_tls_is_looked_at() {
    let names = |chain| {
        let json = json(&resource(&listener("l", 1, vec![chain])));
        json["listenerFilters"].as_array().map_or(0, Vec::len)
    };
    let matching = |transport, server_names: &[&str]| FilterChain {
        matches: ChainMatch { transport, server_names: server_names.iter().map(ToString::to_string).collect() },
        ..http_chain("c", http())
    };
    assert_eq!(names(matching(Transport::Any, &[])), 0);
    assert_eq!(names(matching(Transport::Any, &["a.example"])), 1);
    assert_eq!(names(matching(Transport::Clear, &[])), 1);
    assert_eq!(names(matching(Transport::Tls, &[])), 1);
}

#[test]
fn scope_keys() {
    const SAID: &str = "%REQ(x-nuncio-select):1%%REQ(x-nuncio-baggage):1%";
    let mutations = |class: &str, chain: &str| {
        let settings = HttpSettings { class: class.into(), chain: chain.into(), ..http() };
        let mutations = &manager(settings)["earlyHeaderMutationExtensions"][0]["typedConfig"]["mutations"];
        mutations.as_array().unwrap().clone()
    };
    let plain = mutations("", "");
    // What clients may not say goes first, but for what is kept of it.
    let removed: Vec<_> = plain.iter().filter_map(|mutation| mutation["remove"].as_str()).collect();
    let expected = ["x-nuncio-select", "x-nuncio-baggage", "x-nuncio-preview", "baggage", "x-nuncio-assertion"];
    assert_eq!(removed[..5], expected);
    let kept = json!({"key": "x-nuncio-baggage", "value": "%REQ(baggage)%"});
    assert_eq!(plain[2]["append"]["header"], kept);
    let [.., scope, chain] = &plain[..] else { panic!() };
    assert_eq!(
        scope["append"],
        json!({
            "header": {"key": "x-nuncio-scope", "value": format!("%REQ(:authority)%|{SAID}")},
            "appendAction": "OVERWRITE_IF_EXISTS_OR_ADD",
        })
    );
    assert_eq!(*chain, json!({"remove": "x-nuncio-chain"}));

    let classed = mutations("internal", "a%b");
    let [.., scope, chain] = &classed[..] else { panic!() };
    assert_eq!(scope["append"]["header"]["value"], json!(format!("%REQ(:authority)%|{SAID}|internal")));
    assert_eq!(chain["append"]["header"], json!({"key": "x-nuncio-chain", "value": "a%%b"}));
}

#[test]
fn filters_stand_in_order() {
    let json = manager(HttpSettings { filters: every_filter(), ..http() });
    let names: Vec<_> =
        json["httpFilters"].as_array().unwrap().iter().map(|filter| filter["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "nuncio.on_miss",
            "envoy.filters.http.health_check",
            "envoy.filters.http.grpc_http1_bridge",
            "envoy.filters.http.grpc_web",
            "envoy.filters.http.grpc_stats",
            "envoy.filters.http.lua",
            "envoy.filters.http.lua.2",
            "envoy.filters.http.compressor",
            "envoy.filters.http.buffer",
            "envoy.filters.http.rbac",
            "envoy.filters.http.cors",
            "envoy.filters.http.local_ratelimit",
            "nuncio.auth",
            "nuncio.filters",
            "envoy.filters.http.ratelimit",
            "envoy.filters.http.router",
        ]
    );
}

#[test]
fn an_empty_list_of_addresses_names_nobody() {
    for (allow, expected) in [(true, json!({})), (false, json!({"action": "DENY"}))] {
        let filters = vec![HttpFilter::IpAccess { allow, rules: Vec::new() }];
        let json = manager(HttpSettings { filters, ..http() });
        assert_eq!(json["httpFilters"][1]["typedConfig"]["rules"], expected);
    }
}

#[test]
fn access_logs() {
    let format = |format| {
        let access_log = AccessLog { path: "/dev/stdout".to_owned(), format };
        manager(HttpSettings { access_log, ..http() })["accessLog"][0]["typedConfig"]["logFormat"].clone()
    };
    for given in ["%PROTOCOL%", "%PROTOCOL%\n"] {
        assert_eq!(
            format(AccessLogFormat::Text(given.to_owned())),
            json!({"textFormatSource": {"inlineString": "%PROTOCOL%\n"}})
        );
    }
    let text = |text: &str| JsonLogValue::Text(text.to_owned());
    let fields = vec![
        ("code".to_owned(), text("%RESPONSE_CODE%")),
        ("peer".to_owned(), JsonLogValue::Object(vec![("id".to_owned(), text("%REQ(x-id)%"))])),
    ];
    assert_eq!(
        format(AccessLogFormat::Json { fields }),
        json!({"jsonFormat": {"code": "%RESPONSE_CODE%", "peer": {"id": "%REQ(x-id)%"}}})
    );
}

#[test]
fn who_asked_for_it_is_not_part_of_the_version() {
    let one = listener("l", 1, vec![http_chain("c", http())]);
    let id = ObjectId::new(Kind::Listener, "default", "l");
    let other = Listener { origins: vec![id], ..one.clone() };
    assert_eq!(resource(&one).version, resource(&other).version);
    let moved = Listener { proxy_protocol: true, ..one.clone() };
    assert_ne!(resource(&one).version, resource(&moved).version);
}
