//! The server as a client sees it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::IntoResponse;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tower::ServiceExt;

use super::*;

mod access;

/// What opens the router to other machines.
const TOKEN: &str = "0123456789abcdef-of-the-portal";

/// A gateway with three objects and no Envoy.
#[derive(Default)]
struct Fake {
    draining: bool,
    envoy: Option<PathBuf>,
}

fn object(name: &str) -> ObjectView {
    ObjectView {
        id: ObjectRef { kind: "Mapping".into(), namespace: "shop".into(), name: name.into() },
        location: LocationView { file: "shop.yaml".into(), line: 1, column: 1 },
        state: ObjectState::Acked,
        acked_by: 1,
        envoys: 1,
        is_editable: true,
        purpose: None,
        problems: Vec::new(),
    }
}

fn none<T>(query: &ListQuery) -> Page<T> {
    Page::of(query, std::iter::empty::<T>(), |item| item)
}

impl View for Fake {
    fn key_use(&self, id: &str) -> Option<KeyUseView> {
        (id == "ann").then_some(KeyUseView { count: 3, last: 7 })
    }

    fn ready(&self) -> Result<(), String> {
        if self.draining { Err("draining".into()) } else { Ok(()) }
    }

    fn metrics(&self) -> String {
        "# TYPE nuncio_builds counter\nnuncio_builds_total 3\n# EOF\n".into()
    }

    fn limiter_metrics(&self) -> String {
        "# TYPE limiter counter\nlimiter 4\n".into()
    }

    fn gateway(&self) -> GatewayView {
        GatewayView { machine: "laptop".into(), source: GatewaySource::Directory("/srv/shop".into()) }
    }

    fn envoy_admin(&self) -> Option<PathBuf> {
        self.envoy.clone()
    }

    fn objects(&self, query: &ListQuery) -> Page<ObjectView> {
        let wanted = |name: &&str| query.wants_object("Mapping", "shop", name);
        Page::of(query, ["cart", "orders", "web"].into_iter().filter(wanted), object)
    }

    fn hosts(&self, query: &ListQuery) -> Page<HostView> {
        none(query)
    }

    fn routes(&self, query: &ListQuery) -> Page<RouteView> {
        none(query)
    }

    fn apis(&self, query: &ListQuery) -> Page<ApiView> {
        none(query)
    }

    fn authorities(&self, name: &str) -> Option<AuthoritiesView> {
        (name == "a/b#ca").then(|| AuthoritiesView { ca: "PEM".into(), crl: None })
    }

    fn portal(&self) -> PortalView {
        PortalView::default()
    }

    fn seen_previews(&self, _wanted: &SeePreviews) -> Page<PreviewView> {
        Page { items: Vec::new(), total: 0 }
    }

    fn preview_rights(&self, _wanted: &SeePreviewRights) -> PreviewRightsView {
        PreviewRightsView::default()
    }

    fn previews(&self, query: &ListQuery) -> Page<PreviewView> {
        none(query)
    }

    fn preview_details(&self, query: &ListQuery) -> Page<PreviewDetailView> {
        none(query)
    }

    fn preview_sightings(&self, _query: &SightingsQuery) -> SightingsView {
        SightingsView { gateway: String::new(), now: 0, previews: Vec::new() }
    }

    fn preview_meshes(&self, query: &ListQuery) -> Page<PreviewMeshView> {
        none(query)
    }

    fn edition(&self) -> String {
        "7".into()
    }

    fn clusters(&self, query: &ListQuery) -> Page<ClusterView> {
        none(query)
    }

    fn limits(&self, query: &ListQuery) -> Page<LimitView> {
        none(query)
    }

    fn limited(&self, query: &ListQuery) -> Page<LimitedView> {
        none(query)
    }

    fn envoys(&self, query: &ListQuery) -> Page<EnvoyView> {
        none(query)
    }

    fn problems(&self, query: &ListQuery) -> Page<ProblemView> {
        none(query)
    }

    fn topology(&self, query: &TopologyQuery) -> TopologyView {
        TopologyView { total: query.limit(), ..TopologyView::default() }
    }

    fn certificates(&self, query: &ListQuery) -> Page<CertificateView> {
        none(query)
    }

    fn counted(&self) -> BTreeMap<String, Counted> {
        BTreeMap::new()
    }

    fn counts_routes(&self) -> bool {
        false
    }

    fn counted_routes(&self, _names: &[String], _limit: usize) -> (Vec<WayView>, usize) {
        (Vec::new(), 0)
    }

    fn manifest(&self, _query: &ManifestQuery) -> Result<ManifestView, ChangeError> {
        Err(ChangeError::Missing)
    }

    fn dry_run(&self, _change: &ChangeRequest) -> Result<DryRunView, ChangeError> {
        Err(ChangeError::Missing)
    }

    fn compare(&self, _change: &ChangeRequest) -> Result<ConflictView, ChangeError> {
        Err(ChangeError::Missing)
    }

    fn apply(&self, _change: &ChangeRequest) -> Result<DryRunView, ChangeError> {
        Err(ChangeError::NotAllowed)
    }

    fn put_preview(&self, _wanted: &PutPreview) -> Result<PreviewChanged, PreviewError> {
        Err(PreviewError::Forbidden("no".into()))
    }

    fn delete_preview(&self, wanted: &DeletePreview) -> Result<PreviewChanged, PreviewError> {
        Err(PreviewError::Missing(wanted.name.clone()))
    }

    fn share_preview(&self, _wanted: &SharePreview) -> Result<PreviewShared, PreviewError> {
        Err(PreviewError::Conflict("no".into()))
    }

    fn preview_shareable(&self, _wanted: &SharePreview) -> Result<PreviewShareView, PreviewError> {
        Err(PreviewError::Conflict("no".into()))
    }

    fn withdraw_links(&self, _wanted: &WithdrawLinks) -> Result<PreviewChanged, PreviewError> {
        Err(PreviewError::Conflict("no".into()))
    }

    fn preview_manifest(&self, wanted: &ReadPreview) -> Result<PreviewManifestView, PreviewError> {
        Err(PreviewError::Missing(wanted.name.clone()))
    }

    fn probe_preview(&self, wanted: &ProbePreview) -> Result<ProbeView, PreviewError> {
        Err(PreviewError::Missing(wanted.name.clone()))
    }

    fn watch_preview(&self, wanted: &WatchedPreview) -> Result<WatchView, PreviewError> {
        Err(PreviewError::Missing(wanted.name.clone()))
    }

    fn watched_preview(&self, wanted: &WatchedPreview) -> Result<Vec<PlacedCallView>, PreviewError> {
        Err(PreviewError::Missing(wanted.name.clone()))
    }

    fn extend_preview(&self, wanted: &ExtendPreview) -> Result<PreviewChanged, PreviewError> {
        Err(PreviewError::Conflict(wanted.name.clone()))
    }

    fn hook(&self, _delivery: &Delivery) -> Result<PreviewChanged, PreviewError> {
        Err(PreviewError::Unauthorized("no".into()))
    }

    fn open_tunnel(&self, wanted: &OpenTunnel) -> Result<Carry, PreviewError> {
        Err(PreviewError::Missing(wanted.name.clone()))
    }

    fn operations(&self, request: &OperationsRequest) -> OperationsView {
        let operations = request.operations.iter().map(|_| OperationView::default()).collect();
        OperationsView { operations, upstreams: BTreeMap::new() }
    }

    fn explain(&self, request: &ExplainRequest) -> Explanation {
        let request = format!("{} {} {}", request.method, request.url, request.headers.len());
        Explanation {
            request,
            path: None,
            listener: None,
            elsewhere: Vec::new(),
            protection: Vec::new(),
            rule_set: None,
            limits: Vec::new(),
            failures: Vec::new(),
            host: None,
            route: None,
            tcp: None,
            outcome: "404".into(),
            lost: Vec::new(),
        }
    }
}

async fn send(fake: Fake, request: Request<Body>) -> (StatusCode, String) {
    send_from([127, 0, 0, 1], fake, request).await
}

async fn send_from(from: [u8; 4], fake: Fake, request: Request<Body>) -> (StatusCode, String) {
    let (status, _, body) = answer_to(from, fake, request).await;
    (status, body)
}

async fn answer_to(from: [u8; 4], fake: Fake, mut request: Request<Body>) -> (StatusCode, HeaderMap, String) {
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from((from, 1))));
    let names = vec!["gateway.example".into()];
    let guards = Guards { names, tokens: vec![SharedToken::Own(TOKEN.into())], callers: Callers::default() };
    let response = router(Arc::new(fake), guards).oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status, head.headers, String::from_utf8(body.to_vec()).unwrap())
}

async fn get(fake: Fake, path: &str) -> (StatusCode, String) {
    send(fake, Request::get(path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn probes_tell_the_reason() {
    let ready = "/ambassador/v0/check_ready";
    assert_eq!(get(Fake::default(), "/ambassador/v0/check_alive").await.0, StatusCode::OK);
    assert_eq!(get(Fake::default(), ready).await, (StatusCode::OK, "ready\n".into()));
    let draining = Fake { draining: true, ..Fake::default() };
    assert_eq!(get(draining, ready).await, (StatusCode::SERVICE_UNAVAILABLE, "not ready: draining\n".into()));
}

#[tokio::test]
async fn lists_are_filtered_and_bounded() {
    let (status, body) = get(Fake::default(), "/api/v1/objects?kind=mapping&limit=1&offset=1").await;
    assert_eq!(status, StatusCode::OK);
    let page: Page<ObjectView> = serde_json::from_str(&body).unwrap();
    assert_eq!((page.total, page.items[0].id.name.as_str(), page.items.len()), (3, "orders", 1));
    let json: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(json["items"][0]["file"], "shop.yaml");
    assert_eq!(json["items"][0]["kind"], "Mapping");
    assert_eq!(get(Fake::default(), "/api/v1/objects?nmae=x").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn apis_are_told_once() {
    let ask = |known: &str| {
        let request = Request::get("/api/v1/apis").header("if-none-match", known).body(Body::empty()).unwrap();
        send(Fake::default(), request)
    };
    assert_eq!(ask("\"6\"").await, (StatusCode::OK, r#"{"items":[],"total":0}"#.into()));
    assert_eq!(ask("\"7\"").await, (StatusCode::NOT_MODIFIED, String::new()));
}

#[tokio::test]
async fn authorities_are_told_by_name() {
    let (_, body) = get(Fake::default(), "/api/v1/authorities?name=a%2Fb%23ca").await;
    assert_eq!(body, r#"{"ca":"PEM","crl":null}"#);
    let (status, body) = get(Fake::default(), "/api/v1/authorities?name=a%2Fb").await;
    assert!(status == StatusCode::NOT_FOUND && body.contains("a/b"), "{body}");
}

#[tokio::test]
async fn requests_are_explained_by_query_and_by_body() {
    let path = "/api/v1/explain?url=http%3A%2F%2Fa%2Fb&method=PUT&header=x:+1&header=y:+2";
    let (_, body) = get(Fake::default(), path).await;
    assert!(body.contains("PUT http://a/b 2"), "{body}");
    let post = |body: &'static str| {
        let request = Request::post("/api/v1/explain").header("content-type", "application/json");
        send(Fake::default(), request.body(Body::from(body)).unwrap())
    };
    let (status, body) = post(r#"{"url":"http://a/b","headers":[{"name":"x","value":"1"}]}"#).await;
    assert!(status == StatusCode::OK && body.contains("GET http://a/b 1"), "{body}");
    let (status, body) = post(r#"{"url":"nothing"}"#).await;
    assert!(status == StatusCode::BAD_REQUEST && body.contains("is not a URL"), "{body}");
}

#[tokio::test]
async fn what_is_refused_of_previews_is_told_as_a_problem() {
    let post = |path: &str, body: &'static str| {
        let request = Request::post(path).header("content-type", "application/json");
        send(Fake::default(), request.body(Body::from(body)).unwrap())
    };
    let (status, body) = post("/api/v1/preview-delete", r#"{"namespace":"shop","name":"x"}"#).await;
    let told: ProblemDetails = serde_json::from_str(&body).unwrap();
    assert_eq!((status, told.status, &*told.title), (StatusCode::NOT_FOUND, 404, "Not Found"));
    assert_eq!(told.detail, "there is no Preview x");
    let delivery = r#"{"provider":"github","event":"","signature":"","body":""}"#;
    assert_eq!(post("/api/v1/preview-hook", delivery).await.0, StatusCode::UNAUTHORIZED);
    let busy = PreviewError::Busy("later".to_owned()).into_response();
    assert_eq!(busy.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(busy.headers()["retry-after"], "5");
    let pod = Request::post("/api/v1/preview-delete").header("content-type", "application/json");
    let pod = pod.body(Body::from(r#"{"namespace":"shop","name":"x"}"#)).unwrap();
    let (status, body) = send_from([10, 0, 0, 1], Fake::default(), pod).await;
    assert!(status == StatusCode::UNAUTHORIZED && body.contains("unauthenticated"), "{status} {body}");
    let unknown = r#"{"namespace":"shop","name":"x","as":"root"}"#;
    assert_eq!(post("/api/v1/preview-delete", unknown).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_document_describes_every_path() {
    let (_, body) = get(Fake::default(), "/api/v1/openapi.json").await;
    let document: serde_json::Value = serde_json::from_str(&body).unwrap();
    let paths = document["paths"].as_object().unwrap();
    for path in ["objects", "hosts", "routes", "clusters", "envoys", "problems", "explain"] {
        assert!(paths.contains_key(&format!("/api/v1/{path}")), "{path}");
    }
    assert!(document["components"]["schemas"]["Page_ObjectView"].is_object(), "{body}");
    assert!(document["components"]["schemas"]["Lost"].is_object(), "{body}");
}

#[tokio::test]
async fn the_document_describes_what_is_answered_to_bad_requests() {
    let (_, body) = get(Fake::default(), "/api/v1/openapi.json").await;
    let document: serde_json::Value = serde_json::from_str(&body).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let responses = &operation["responses"];
            assert!(responses["421"].is_object(), "{method} {path}: {responses}");
            let takes_a_query = operation["parameters"].is_array();
            assert!(!takes_a_query || responses["400"].is_object(), "{method} {path}: {responses}");
        }
    }
    let (status, _) = get(Fake::default(), "/api/v1/routes?limit=many").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_first_page_lists_the_others() {
    let (status, page) = get(Fake::default(), "/").await;
    assert_eq!(status, StatusCode::OK);
    for path in ["/metrics", "/api/v1/routes", "/ambassador/v0/check_ready", "/api/v1/openapi.json"] {
        assert!(page.contains(&format!("href=\"{path}\"")), "{path}: {page}");
    }
}

#[tokio::test]
async fn names_of_strangers_are_refused() {
    for (host, expected) in [
        ("localhost:8877", StatusCode::OK),
        ("gateway.example", StatusCode::OK),
        ("evil.example:8877", StatusCode::MISDIRECTED_REQUEST),
    ] {
        for path in ["/", "/api/v1/objects", "/nothing"] {
            let request = Request::get(path).header("host", host).body(Body::empty()).unwrap();
            let (status, body) = send(Fake::default(), request).await;
            let expected =
                if path == "/nothing" && expected == StatusCode::OK { StatusCode::NOT_FOUND } else { expected };
            assert_eq!(status, expected, "{host}{path}: {body}");
            assert_eq!(
                body.contains("--admin-host evil.example\n"),
                status == StatusCode::MISDIRECTED_REQUEST,
                "{body}"
            );
        }
    }
    let in_target =
        Request::get("http://evil.example/metrics").header("host", "localhost").body(Body::empty()).unwrap();
    assert_eq!(send(Fake::default(), in_target).await.0, StatusCode::MISDIRECTED_REQUEST);
}

/// Answers one request as an Envoy would.
fn fake_envoy(socket: &std::path::Path) -> tokio::task::JoinHandle<String> {
    let listener = UnixListener::bind(socket).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap();
        let reply = "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nenvoy_server_live 1\n";
        stream.write_all(reply.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    })
}

#[tokio::test]
async fn metrics_hold_those_of_envoy() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("admin.sock");
    let envoy = fake_envoy(&socket);
    let (_, body) = get(Fake { envoy: Some(socket), ..Fake::default() }, "/metrics").await;
    assert!(body.contains("nuncio_builds_total 3\n") && body.contains("nuncio_envoy_stats_up 1\n"), "{body}");
    assert!(body.contains("envoy_server_live 1") && !body.contains("# EOF"), "{body}");
    assert!(envoy.await.unwrap().starts_with("GET /stats/prometheus?usedonly HTTP/1.1\r\n"));
}

#[tokio::test]
async fn metrics_are_those_of_the_controller_alone_where_envoys_are_not_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("admin.sock");
    let envoy = fake_envoy(&socket);
    let fake = Fake { envoy: Some(socket), ..Fake::default() };
    let (_, body) = get(fake, "/metrics?envoy=false").await;
    assert!(body.contains("nuncio_builds_total 3\n") && !body.contains("envoy"), "{body}");
    assert!(!envoy.is_finished(), "it was asked");
}

#[tokio::test]
async fn metrics_do_not_need_envoy() {
    let envoy = Some(PathBuf::from("/nowhere/admin.sock"));
    let (status, body) = get(Fake { envoy, ..Fake::default() }, "/metrics").await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        body.contains("nuncio_builds_total 3\n# TYPE limiter counter\nlimiter 4\n")
            && body.ends_with("nuncio_envoy_stats_up 0\n"),
        "{body}"
    );
}
