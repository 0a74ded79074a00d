//! A service whose document is another with each release.

use std::fs;
use std::net::SocketAddr;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use nuncio_e2e::{Gateway, Site, eventually};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::{HOST, api, ask, ask_json, shop};

/// A service that answers with its document, at `/echo` with what it was asked for, at `/said` with all of that as JSON, and
/// to whoever posts something with that. A release is another document, by whoever changes it here or puts one there. One with
/// `x-path` is at that path alone.
pub(crate) async fn service(at: SocketAddr, release: &watch::Sender<Value>) -> AbortOnDropHandle<()> {
    let (listener, release) = (TcpListener::bind(at).await.unwrap(), release.clone());
    AbortOnDropHandle::new(tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let release = release.clone();
            let answer = service_fn(move |request: Request<Incoming>| {
                let release = release.clone();
                async move {
                    if request.uri().path().starts_with("/echo") {
                        let secret = request.headers().get("x-secret").and_then(|secret| secret.to_str().ok());
                        let told = format!("{} {}", request.uri(), secret.unwrap_or_default());
                        return Ok(Response::new(Full::new(Bytes::from(told))));
                    }
                    if request.uri().path().starts_with("/said") {
                        let mut answer = Response::new(Full::new(Bytes::from(said(request).await?.to_string())));
                        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                        return Ok(answer);
                    }
                    if release.borrow()["x-path"].as_str().is_some_and(|path| path != request.uri().path()) {
                        let mut missing = Response::new(Full::new(Bytes::new()));
                        *missing.status_mut() = StatusCode::NOT_FOUND;
                        return Ok(missing);
                    }
                    if request.method() == Method::POST {
                        let body = request.into_body().collect().await?.to_bytes();
                        return Ok(Response::new(Full::new(body)));
                    }
                    if request.method() == Method::PUT {
                        let body = request.into_body().collect().await?.to_bytes();
                        release.send_replace(serde_json::from_slice(&body).unwrap());
                    }
                    let text = release.borrow().to_string();
                    Ok::<_, hyper::Error>(Response::new(Full::new(Bytes::from(text))))
                }
            });
            let connection = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), answer);
            // Whoever asked may have gone away.
            let _ = connection.await;
        }
    }))
}

/// All of a request.
pub(super) async fn said(request: Request<Incoming>) -> Result<Value, hyper::Error> {
    let (head, body) = request.into_parts();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers: serde_json::Map<_, _> =
        head.headers.iter().map(|(name, value)| (name.to_string(), json!(text(value.as_bytes())))).collect();
    let body = body.collect().await?.to_bytes();
    Ok(
        json!({ "method": head.method.as_str(), "target": head.uri.to_string(), "headers": headers, "body": text(&body) }),
    )
}

/// The document of a stock whose items have these fields.
pub(crate) fn stock(version: &str, fields: &[&str]) -> Value {
    let fields: serde_json::Map<_, _> =
        fields.iter().map(|field| ((*field).to_owned(), json!({ "type": "string" }))).collect();
    let required: Vec<_> = fields.keys().collect();
    let item = json!({ "type": "object", "required": required, "properties": fields });
    json!({ "openapi": "3.1.0", "info": { "title": "Stock", "version": version }, "paths": { "/items": { "get": {
        "operationId": "items", "responses": { "200": { "description": "All", "content": { "application/json": { "schema": item } } } } } } } })
}

/// Its Mapping, but for the address.
pub(super) const STOCK: &str = "apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: stock}
spec:
  hostname: shop.localhost
  prefix: /stock/
  service: http://ADDRESS
  docs: {path: /openapi.json}
";

#[tokio::test]
async fn a_release_that_breaks_clients_is_told_and_remembered() {
    let site = Site::new();
    let _shop = shop(&site).await;
    let release = watch::Sender::new(stock("1", &["name", "price"]));
    let _stock = service(site.at(9300), &release).await;
    site.write("stock.yaml", STOCK.replace("ADDRESS", &site.at(9300).to_string()));
    let history = site.root().join("history");
    let start = async || {
        Gateway::start_with(&site, |command| {
            command.arg(format!("--portal={}", site.at(8088))).args(["--portal-poll", "1"]);
            command.arg("--portal-history").arg(&history);
        })
        .await
    };
    let gateway = start().await;
    api(&site, "stock", "current").await;
    let page = ask(&site, "/docs/doc/default/stock/changes").await.text();
    assert!(page.contains("the first that was seen") && !page.contains("breaking"), "{page}");

    release.send_replace(stock("2", &["name", "weight"]));
    eventually("the change", async || {
        let page = ask(&site, "/docs/doc/default/stock").await.text();
        if page.contains("badge breaking") { Ok(()) } else { Err(page) }
    })
    .await;
    let told = async || {
        let page = ask(&site, "/docs/doc/default/stock/changes").await.text();
        for part in
            ["1 breaking, 2 compatible", "response 200 › price", "required-property-removed", "GET /stock/items"]
        {
            assert!(page.contains(part), "{part}: {page}");
        }
        let versions = ask_json(&site, "/docs/api/v1/apis/default/stock/changes").await;
        assert_eq!((&versions[0]["version"], &versions[0]["severity"]), (&json!("2"), &json!("breaking")));
        let before = ask_json(&site, "/openapi/services/default/stock/versions/1").await;
        assert_eq!(before["info"]["version"], "1");
    };
    told().await;
    let feed = ask(&site, "/docs/changes/feed.atom").await.text();
    let link = format!("http://{HOST}/docs/doc/default/stock/changes#v2");
    assert!(feed.contains("Stock: 1 breaking, 2 compatible") && feed.contains(&link), "{feed}");
    gateway.stop().await;

    let gateway = start().await;
    api(&site, "stock", "current").await;
    told().await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_pipeline_learns_from_the_exit_code_whether_clients_break() {
    let site = Site::new();
    let write = |name: &str, document: &Value| fs::write(site.root().join(name), document.to_string()).unwrap();
    write("old.json", &stock("1", &["name", "price"]));
    write("new.json", &stock("1", &["name"]));
    write("newer.json", &stock("2", &["name"]));
    fs::write(site.root().join("bad.yaml"), "a: [").unwrap();
    let run = |args: &[&str]| {
        let output = site.nuncio(&[&["portal", "diff"], args].concat()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, stdout, stderr) = run(&["old.json", "new.json"]);
    assert_eq!((code, &*stderr), (Some(1), ""), "{stdout}");
    assert!(
        stdout.contains("response 200 › price") && stdout.ends_with("1 breaking, 0 warning, 0 compatible\n"),
        "{stdout}"
    );
    let (code, stdout, _) = run(&["old.json", "new.json", "-o", "json"]);
    let printed: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &printed["breaking"]), (Some(1), &json!(1)));
    assert_eq!(printed["changes"][0]["operations"], json!(["GET /items"]));
    for (args, expected) in [
        (&["new.json", "newer.json"][..], Some(0)),
        (&["new.json", "newer.json", "--fail-on", "warning"], Some(0)),
        (&["new.json", "newer.json", "--fail-on", "any"], Some(1)),
        (&["new.json", "new.json", "--fail-on", "any"], Some(0)),
        (&["old.json", "bad.yaml"], Some(2)),
        (&["old.json", "nothing.json"], Some(2)),
        (&["-", "-"], Some(2)),
    ] {
        let (code, stdout, stderr) = run(args);
        assert_eq!(code, expected, "{args:?}: {stdout}{stderr}");
        assert_eq!(stderr.is_empty(), expected != Some(2), "{args:?}: {stderr}");
    }
}
