//! A Filter for which another service decides: what it is shown, what becomes of its answer, and what where there is none.

mod shown;

use std::net::{SocketAddr, TcpListener};

use envoy_types::pb::envoy::config::core::v3::{HeaderValue, HeaderValueOption, QueryParameter};
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{CheckRequest, CheckResponse, DeniedHttpResponse, OkHttpResponse};
use envoy_types::pb::envoy::r#type::v3::HttpStatus;
use envoy_types::pb::google::protobuf::{BoolValue, Struct, Value, value::Kind};
use envoy_types::pb::google::rpc::Status;
use nuncio_e2e::backend::{Authorizer, Backend};
use nuncio_e2e::yaml::{documents, mapping, object, plain, service, text_secret};
use nuncio_e2e::{Client, Gateway, Site, eventually, get};
use serde_json::json;

const PERMISSION_DENIED: i32 = 7;

#[expect(deprecated, reason = "the field that Envoy 1.40 obeys")]
pub(crate) fn header(name: &str, value: &str, append: bool) -> HeaderValueOption {
    let header = HeaderValue { key: name.to_owned(), value: value.to_owned(), ..HeaderValue::default() };
    HeaderValueOption {
        header: Some(header),
        append: Some(BoolValue { value: append }),
        ..HeaderValueOption::default()
    }
}

fn text(text: &str) -> Value {
    Value { kind: Some(Kind::StringValue(text.to_owned())) }
}

/// Lets in as bob, unless the request says that it should not.
fn decide(request: CheckRequest) -> CheckResponse {
    let http = request.attributes.unwrap().request.unwrap().http.unwrap();
    if http.headers.contains_key("x-refuse") {
        let denied = DeniedHttpResponse {
            status: Some(HttpStatus { code: 402 }),
            headers: vec![header("x-price", "7", false)],
            body: "pay first".to_owned(),
        };
        let status = Some(Status { code: PERMISSION_DENIED, ..Status::default() });
        return CheckResponse {
            status,
            http_response: Some(HttpResponse::DeniedResponse(denied)),
            dynamic_metadata: None,
        };
    }
    let ok = OkHttpResponse {
        headers: vec![header("x-ext-user", "bob", false), header("x-groups", "staff", true)],
        headers_to_remove: vec!["x-secret".to_owned()],
        response_headers_to_add: vec![header("x-decided", "yes", false)],
        query_parameters_to_set: vec![QueryParameter { key: "plan".to_owned(), value: "gold".to_owned() }],
        query_parameters_to_remove: vec!["debug".to_owned()],
        ..OkHttpResponse::default()
    };
    let fields = [("plan".to_owned(), text("gold")), ("rule".to_owned(), text("another"))];
    CheckResponse {
        status: Some(Status::default()),
        http_response: Some(HttpResponse::OkResponse(ok)),
        dynamic_metadata: Some(Struct { fields: fields.into() }),
    }
}

/// By the next filter, by the upstream, by the client and by the access log.
#[tokio::test]
async fn all_that_a_service_says_by_grpc_is_seen() {
    let (site, upstream, asked) = (Site::new(), Backend::start("up").await, Authorizer::start(decide).await);
    let external = json!({"External": {
        "auth_service": asked.address().to_string(), "proto": "grpc", "protocol_version": "v3"}});
    let keys = json!({"APIKey": {"keys": [{"secretName": "api-keys"}]}});
    let unless_bob = json!({"name": "X-Ext-User", "value": "bob", "negate": true});
    let filters = json!([{"name": "other"}, {"name": "keys", "ifRequestHeader": unless_bob}]);
    let log = "told %DYNAMIC_METADATA(envoy.filters.http.ext_authz:plan)% %DYNAMIC_METADATA(envoy.filters.http.ext_authz:rule)%";
    let objects = [
        object("Module", "ambassador", json!({"config": {"envoy_log_format": log}})),
        object("Filter", "other", external),
        object("Filter", "keys", keys),
        text_secret("api-keys", "ann", "of-nobody-here"),
        object("FilterPolicy", "policy", json!({"rules": [{"host": "*", "path": "*", "filters": filters}]})),
        mapping("all", "/", upstream.address()),
    ];
    site.write("all.yaml", plain(&site) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let ask = get("a.example", "/x?debug=1&y=2").with("x-ext-user", "root").with("x-groups", "dev");
    let reply = client.ask(&ask.with("x-secret", "s")).await;
    let echo = reply.echo().unwrap();
    assert_eq!(echo.header("x-ext-user"), Some("bob"), "as the next filter saw: {echo:#?}");
    assert_eq!((echo.header("x-groups"), echo.header("x-secret")), (Some("dev,staff"), None), "{echo:#?}");
    assert_eq!(echo.path, "/x?plan=gold&y=2");
    assert_eq!(reply.header("x-decided"), Some("yes"));
    gateway.line(&["told gold policy.default#0"]).await;

    let refused = client.ask(&get("a.example", "/x").with("x-refuse", "1")).await;
    assert_eq!((refused.status, refused.header("x-price"), refused.text()), (402, Some("7"), "pay first".to_owned()));
    assert_eq!(upstream.requests(), 1);
    gateway.stop().await;
}

/// As a Mapping's service is: no DNS knows these names.
#[tokio::test]
async fn a_service_of_the_directory_is_asked_at_its_endpoints() {
    let (site, upstream) = (Site::new(), Backend::start("up").await);
    let (by_grpc, by_http) = (Authorizer::start(decide).await, Backend::start("asked").await);
    let rule = |name: &str| json!({"host": "*", "path": format!("/{name}/*"), "filters": [{"name": name}]});
    let objects = [
        object("Filter", "grpc", json!({"External": {"auth_service": "grpc-asked", "proto": "grpc"}})),
        object("Filter", "http", json!({"External": {"auth_service": "http-asked.default"}})),
        object("FilterPolicy", "policy", json!({"rules": [rule("grpc"), rule("http")]})),
        mapping("all", "/", upstream.address()),
    ];
    let services = |of_grpc: Option<SocketAddr>, of_http: Option<SocketAddr>| {
        documents(&[service("grpc-asked", of_grpc), service("http-asked", of_http)].concat())
    };
    site.write("all.yaml", plain(&site) + &documents(&objects));
    site.write("services.yaml", services(Some(by_grpc.address()), Some(by_http.address())));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let reply = client.ask(&get("a.example", "/grpc/x")).await;
    assert_eq!((reply.status, reply.header("x-decided")), (200, Some("yes")), "{}", reply.text());
    assert_eq!(client.ask(&get("a.example", "/grpc/x").with("x-refuse", "1")).await.status, 402);
    assert_eq!((client.ask(&get("a.example", "/http/x")).await.status, by_http.requests()), (200, 1));

    site.write("services.yaml", services(None, None));
    for name in ["grpc-asked", "http-asked"] {
        gateway.admin.problem(&["NoEndpoints", "spec.External.auth_service", name]).await;
    }
    for path in ["/grpc/x", "/http/x"] {
        eventually(&format!("{path} is refused"), async || match client.ask(&get("a.example", path)).await.status {
            403 => Ok(()),
            status => Err(status.to_string()),
        })
        .await;
    }
    gateway.stop().await;
}

/// It needs no request, nor a time in which there is none.
#[tokio::test]
async fn one_that_is_there_again_is_told_of_without_a_request() {
    let (site, upstream) = (Site::new(), Backend::start("up").await);
    let place = TcpListener::bind((site.ip(), 0)).unwrap().local_addr().unwrap();
    let rules = json!({"rules": [{"host": "*", "path": "*", "filters": [{"name": "asks"}]}]});
    let objects = [
        object("Filter", "asks", json!({"External": {"auth_service": place.to_string()}})),
        object("FilterPolicy", "policy", rules),
        mapping("all", "/", upstream.address()),
    ];
    site.write("all.yaml", plain(&site) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    assert_eq!(Client::http(site.http()).ask(&get("a.example", "/")).await.status, 403);
    gateway.admin.problem(&["ProviderUnavailable", "\"asks\"", "spec.External.auth_service"]).await;
    let _there = TcpListener::bind(place).unwrap();
    gateway.admin.no_problem(&["ProviderUnavailable"]).await;
    gateway.line(&["Filter default/asks: nothing is wrong any more"]).await;
    gateway.stop().await;
}

/// Case 4: whoever is gone says nothing of who a request is from, and neither does the client.
#[tokio::test]
async fn one_that_is_gone_lets_in_only_where_it_is_to_and_nobody_s_word_with_it() {
    let (site, upstream) = (Site::new(), Backend::start("up").await);
    // Nobody else comes to its place when it is gone.
    let asked = Backend::start_at("asked", site.ip()).await;
    let filter = |name: &str, open: bool| {
        let external = json!({
            "auth_service": asked.address().to_string(), "failure_mode_allow": open,
            "allowed_request_headers": ["x-echo-header"], "allowed_authorization_headers": ["x-ext-user"],
        });
        object("Filter", name, json!({"External": external}))
    };
    let rule = |name: &str| json!({"host": "*", "path": format!("/{name}/*"), "filters": [{"name": name}]});
    let policy = object("FilterPolicy", "policy", json!({"rules": [rule("open"), rule("closed")]}));
    let module = object("Module", "ambassador", json!({"config": {"headers_with_underscores_action": "ALLOW"}}));
    let objects =
        [filter("open", true), filter("closed", false), policy, module, mapping("all", "/", upstream.address())];
    site.write("all.yaml", plain(&site) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let ask = |path: &str| {
        let said = get("a.example", path).with("x-ext-user", "root").with("x-ext_user", "root");
        said.with("x-envoy-auth-failure-mode-allowed", "false").with("x-echo-header", "x-ext-user=bob")
    };
    let told = ["x-ext-user", "x-ext_user", "x-envoy-auth-failure-mode-allowed"];
    for path in ["/open/x", "/closed/x"] {
        let echo = client.ask(&ask(path)).await.echo().unwrap();
        assert_eq!(told.map(|name| echo.header(name))[..2], [Some("bob"), None], "{echo:#?}");
    }
    drop(asked);
    let reply = client.ask(&ask("/open/x")).await;
    let echo = reply.echo().unwrap_or_else(|| panic!("{}", reply.status));
    assert_eq!(told.map(|name| echo.header(name)), [None, None, Some("true")], "{echo:#?}");
    let before = upstream.requests();
    assert_eq!((client.ask(&ask("/closed/x")).await.status, upstream.requests()), (403, before));
    gateway.stop().await;
}

/// It is there: with a long body, nobody makes it one that is gone.
#[tokio::test]
async fn what_a_service_does_not_take_lets_nobody_in_where_one_that_is_gone_does() {
    const MOST: usize = 4 << 20;
    let (site, upstream, asked) = (Site::new(), Backend::start("up").await, Authorizer::that_takes(MOST, decide).await);
    let gone = site.at(9);
    let filter = |name: &str, address: std::net::SocketAddr| {
        let external = json!({
            "auth_service": address.to_string(), "proto": "grpc", "protocol_version": "v3", "failure_mode_allow": true,
            "status_on_error": {"code": 502}, "include_body": {"max_bytes": MOST, "allow_partial": true},
        });
        object("Filter", name, json!({"External": external}))
    };
    let rule = |name: &str| json!({"path": format!("/{name}/*"), "filters": [{"name": name}]});
    let objects = [
        filter("asks", asked.address()),
        filter("gone", gone),
        object("FilterPolicy", "policy", json!({"rules": [rule("asks"), rule("gone")]})),
        mapping("all", "/", upstream.address()),
    ];
    site.write("all.yaml", plain(&site) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let ask = |path: &str, length: usize| get("a.example", path).method("POST").body(vec![b'a'; length]);
    let half = ask("/asks/x", MOST / 2);
    assert_eq!((client.ask(&half).await.status, upstream.requests()), (200, 1));
    let whole = client.ask(&ask("/asks/x", MOST)).await;
    assert_eq!((whole.status, upstream.requests()), (502, 1), "a message is more than its body");
    assert_eq!(client.ask(&half.with("x-refuse", "1")).await.status, 402, "it decides on");
    assert_eq!((client.ask(&ask("/gone/x", MOST)).await.status, upstream.requests()), (200, 2));
    gateway.stop().await;
}

/// Takes out what says that a proxy has sent the request on.
fn disguise(_: CheckRequest) -> CheckResponse {
    let removed = ["x-forwarded-for", "x-forwarded-proto", "x-request-id"].map(str::to_owned).into();
    let ok = OkHttpResponse { headers_to_remove: removed, ..OkHttpResponse::default() };
    CheckResponse {
        status: Some(Status::default()),
        http_response: Some(HttpResponse::OkResponse(ok)),
        dynamic_metadata: None,
    }
}

/// Diagnostics believe whoever is on the gateway's machine, where its own services are.
#[tokio::test]
async fn filters_do_not_speak_for_this_machine() {
    let (site, upstream, asked) = (Site::new(), Backend::start("up").await, Authorizer::start(disguise).await);
    let disguise = json!({"auth_service": asked.address().to_string(), "proto": "grpc", "protocol_version": "v3"});
    let diagnostics = json!({"auth_service": site.admin().to_string(), "path_prefix": ""});
    let filters = ["disguise", "diagnostics"].map(|name| json!({"name": name}));
    let objects = [
        object("Filter", "disguise", json!({"External": disguise})),
        object("Filter", "diagnostics", json!({"External": diagnostics})),
        object("FilterPolicy", "policy", json!({"rules": [{"path": "*", "filters": filters}]})),
        mapping("all", "/", upstream.address()),
    ];
    site.write("all.yaml", plain(&site) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let ask = async |path: &str| client.ask(&get("localhost", path)).await.status;
    let all = ask("/api/v1/openapi.json").await;
    assert_eq!(all, 404, "who answers everybody lets it through; it says no scheme any more, and so has no route");
    assert_eq!(ask("/api/v1/routes").await, 401, "what is for this machine alone");
    assert_eq!(upstream.requests(), 0);
    gateway.stop().await;
}

/// Who would answer for them could be anybody to the portal: also where requests get identities without a login.
#[tokio::test]
async fn no_mapping_answers_for_the_keys_of_identities() {
    let (site, upstream, asked) = (Site::new(), Backend::start("up").await, Authorizer::start(decide).await);
    let external = json!({"auth_service": asked.address().to_string(), "proto": "grpc", "protocol_version": "v3"});
    let mut taker = mapping("taker", "/.nuncio/jwks", upstream.address());
    taker["spec"]["bypass_auth"] = json!(true);
    let objects = [
        object("Filter", "asks", json!({"External": external})),
        object("FilterPolicy", "policy", json!({"rules": [{"path": "/account", "filters": [{"name": "asks"}]}]})),
        mapping("all", "/", upstream.address()),
        taker,
    ];
    site.write("all.yaml", plain(&site) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    let reply = Client::http(site.http()).ask(&get("a.example", "/.nuncio/jwks")).await;
    assert_eq!((reply.status, upstream.requests()), (200, 0), "{}", reply.text());
    assert!(reply.text().contains("\"keys\""), "{}", reply.text());
    gateway.stop().await;
}
