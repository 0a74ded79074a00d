//! What a service that decides is shown of a request, by HTTP and by gRPC, and what of it is not its to change.

use std::sync::{Arc, Mutex};

use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{CheckRequest, CheckResponse, OkHttpResponse};
use envoy_types::pb::google::rpc::Status;
use http::StatusCode;
use nuncio_authz_tests::{Browser, Provider, Upstream};
use nuncio_e2e::backend::{Authorizer, Backend};
use nuncio_e2e::yaml::{documents, mapping, object, plain, text_secret};
use nuncio_e2e::{Client, Gateway, Site, get};
use serde_json::{Value, json};

use super::header;

/// How much of a body can be looked at.
const MOST: usize = 4 << 20;

/// The cookie of a session.
const SESSION: &str = "ambassador_session.login.default";

/// What was noted of requests, for the test to read.
type Noted<T> = Arc<Mutex<Vec<T>>>;

fn allow(ok: OkHttpResponse) -> CheckResponse {
    CheckResponse {
        status: Some(Status::default()),
        http_response: Some(HttpResponse::OkResponse(ok)),
        dynamic_metadata: None,
    }
}

/// Lets in, with whatever it was shown of cookies, one more, and two under names that are not its own: the session last planted.
fn meddle(shown: &Noted<String>, planted: &Noted<String>) -> impl Fn(CheckRequest) -> CheckResponse + use<> {
    let (shown, planted) = (shown.clone(), planted.clone());
    move |request| {
        let headers = request.attributes.unwrap().request.unwrap().http.unwrap().headers;
        let cookies = headers.get("cookie").cloned().unwrap_or_default();
        let planted = planted.lock().unwrap().last().cloned().unwrap_or_default();
        let more = format!("added=1; {SESSION}={planted}; nuncio_login.1=planted");
        shown.lock().unwrap().push(format!("{headers:?}"));
        allow(OkHttpResponse {
            headers: vec![header("cookie", &format!("{cookies}; {more}"), false)],
            ..Default::default()
        })
    }
}

fn external(address: &str, more: &Value) -> Value {
    let mut external = json!({"auth_service": address});
    external.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"External": external})
}

/// Asked before the login and after it, by gRPC and by HTTP.
#[tokio::test]
async fn who_is_asked_sees_no_session_and_changes_none() {
    let (shown, planted) = (Noted::default(), Noted::default());
    let (site, upstream) = (Site::new(), Upstream::start().await);
    let (asked, by_http) = (Authorizer::start(meddle(&shown, &planted)).await, Backend::start("asked").await);
    let origin = format!("http://{}", site.http());
    let callback = format!("{origin}/.ambassador/oauth2/redirection-endpoint");
    let provider = Provider::start(&[callback], &json!({})).await;
    let login = json!({"OAuth2": {
        "authorizationURL": provider.issuer, "clientID": "edge", "secretName": "login", "protectedOrigins": [{"origin": origin}],
        "injectRequestHeaders": [{"name": "X-User", "value": "{{ .idToken.Claims.sub }}"}],
    }});
    let grpc = external(&asked.address().to_string(), &json!({"proto": "grpc", "protocol_version": "v3"}));
    let http = json!({"allowed_request_headers": ["x-echo-header", "x-echo-status"], "allowed_authorization_headers": ["cookie"]});
    let rule = |path: &str, names: [&str; 2]| json!({"host": "*", "path": path, "filters": names.map(|name| json!({"name": name}))});
    let rules =
        [rule("/before/*", ["grpc", "login"]), rule("/after/*", ["login", "grpc"]), rule("/http/*", ["http", "login"])];
    let objects = [
        object("Filter", "login", login),
        object("Filter", "grpc", grpc),
        object("Filter", "http", external(&by_http.address().to_string(), &http)),
        text_secret("login", "oauth2-client-secret", "edge-secret"),
        object("FilterPolicy", "policy", json!({"rules": rules})),
        mapping("all", "/", upstream.address.parse().unwrap()),
    ];
    site.write("all.yaml", plain(&site) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    let url = |path: &str| format!("{origin}{path}");
    let mut browser = Browser::default();
    let page = browser.log_in(&url("/before/x"), "ann").await;
    assert_eq!(page.status, StatusCode::OK, "{page:#?}");
    let jar = browser.cookies.get_mut(&site.ip().to_string()).unwrap();
    jar.insert("basket".to_owned(), "7".to_owned());
    let session = jar[SESSION].clone();
    // Somebody else's, which is as good as her own.
    let mut other = Browser::default();
    other.log_in(&url("/before/x"), "bob").await;
    let others = other.cookies[&site.ip().to_string()][SESSION].clone();
    planted.lock().unwrap().push(others.clone());

    for path in ["/before/x", "/after/x"] {
        let page = browser.get(&url(path)).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {page:#?}");
        assert_eq!(page.sent("x-user").as_deref(), Some("ann"), "{path}: {page:#?}");
        let sent = page.sent("cookie").unwrap();
        assert!(
            sent.contains("basket=7") && sent.contains("added=1") && sent.contains("ambassador_xsrf."),
            "{path}: {sent}"
        );
        assert!(!sent.contains("ambassador_session.") && !sent.contains("nuncio_login."), "{path}: {sent}");
    }
    let page = Browser::default().get(&url("/before/x")).await;
    assert!(page.status.is_redirection(), "who has no session is given none: {page:#?}");
    let taken: Vec<String> = std::mem::take(&mut shown.lock().unwrap());
    assert!(taken.len() >= 3 && taken.iter().any(|headers| headers.contains("basket=7")), "{taken:#?}");
    for headers in &taken {
        assert!(
            ![session.as_str(), &others, "ambassador_session."].iter().any(|text| headers.contains(text)),
            "{headers}"
        );
        assert!(!headers.contains("nuncio_login."), "{headers}");
    }

    // By HTTP it may say what cookies go on, where the Filter lets it: none of a login among them.
    let said = format!("cookie=basket=8; {SESSION}={others}");
    let page = browser.clone().with("x-echo-header", &said).get(&url("/http/x")).await;
    assert_eq!((page.status, page.sent("cookie").as_deref()), (StatusCode::OK, Some("basket=8")), "{page:#?}");
    assert_eq!(page.sent("x-user").as_deref(), Some("ann"));
    let refused = browser.with("x-echo-status", "403").get(&url("/http/x")).await;
    let seen = &refused.json()["headers"].to_string();
    assert!(seen.contains("basket=7") && !seen.contains("ambassador_session."), "{seen}");
    gateway.stop().await;
}

/// Up to what a Filter may ask for, which Envoy's own limits do not touch; the upstream gets all of it.
#[tokio::test]
async fn a_body_is_shown_up_to_what_a_filter_may_ask_for() {
    let lengths = Noted::default();
    let (site, upstream, by_http) = (Site::new(), Backend::start("up").await, Backend::start("asked").await);
    let noted = lengths.clone();
    let asked = Authorizer::start(move |request: CheckRequest| {
        let http = request.attributes.unwrap().request.unwrap().http.unwrap();
        noted.lock().unwrap().push(http.raw_body.len());
        allow(OkHttpResponse::default())
    })
    .await;
    let of = |proto: &str, partial: bool| {
        let address = if proto == "grpc" { asked.address() } else { by_http.address() };
        let body = json!({"max_bytes": MOST, "allow_partial": partial});
        let mut spec = json!({"proto": proto, "include_body": body, "allowed_authorization_headers": ["x-shown"]});
        match proto {
            "grpc" => spec["protocol_version"] = json!("v3"),
            _ => spec["allowed_request_headers"] = json!(["x-echo-length"]),
        }
        external(&address.to_string(), &spec)
    };
    let kinds = [("grpc", false), ("grpc", true), ("http", false), ("http", true)];
    let name = |(proto, partial): (&str, bool)| format!("{proto}-{}", if partial { "part" } else { "whole" });
    let filters = kinds.map(|kind| object("Filter", &name(kind), of(kind.0, kind.1)));
    let rule = |kind| json!({"host": "*", "path": format!("/{}/*", name(kind)), "filters": [{"name": name(kind)}]});
    let policy = object("FilterPolicy", "policy", json!({"rules": kinds.map(rule)}));
    let objects = [&filters[..], &[policy, mapping("all", "/", upstream.address())]].concat();
    site.write("all.yaml", plain(&site) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    for kind in kinds {
        for length in [MOST - 1, MOST, MOST + 1, MOST + (1 << 20)] {
            let what = format!("{} of {length}", name(kind));
            let ask = get("a.example", &format!("/{}/x", name(kind))).method("POST").body(vec![b'a'; length]);
            let before = (upstream.requests(), by_http.requests());
            let reply = client.ask(&ask.with("x-echo-length", "x-shown")).await;
            let shown = match kind.0 {
                "grpc" => lengths.lock().unwrap().pop(),
                _ if by_http.requests() == before.1 => None,
                _ => reply.echo().and_then(|echo| echo.header("x-shown")?.parse().ok()),
            };
            if length > MOST && !kind.1 {
                assert_eq!((reply.status, shown, upstream.requests()), (413, None, before.0), "{what}");
                continue;
            }
            assert_eq!((reply.status, shown), (200, Some(length.min(MOST))), "{what}");
            assert_eq!(reply.header("x-shown"), Some(&*length.to_string()), "{what}: the upstream gets all");
        }
    }
    gateway.stop().await;
}
