//! Services that call each other: a preview of one that is three calls away from the visitor.

use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, host, listener, mapping_on};
use nuncio_e2e::{Client, Gateway, Process, Site, eventually, get, nuncio};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use super::context::{INTERNAL, internal_listener};
use super::{SHOP, own, policy};

/// Longer than Envoy takes to write down what it has seen.
const FLUSHED: Duration = Duration::from_secs(2);

/// The shop's own program, each service in a process of its own. They find each other by the gateway.
pub(crate) async fn start(site: &Site, service: &str, version: &str, port: u16) -> Process {
    let peers = format!("http://{}", site.at(INTERNAL));
    let mut command = Command::new(nuncio().with_file_name("nuncio-shop"));
    command.args(["--service", service, "--version", version, "--listen", &site.at(port).to_string()]);
    let process = Process::spawn(command.args(["--catalog", &peers, "--cart", &peers]));
    let client = Client::http(site.at(port));
    eventually(service, async || client.send(&get(service, "/healthz")).await).await;
    process
}

/// What the front page tells: the price of a bell in the list of the catalog, and that in the cart.
async fn prices(client: &Client, host: &str) -> [u64; 2] {
    let reply = client.ask(&get(host, "/?user=ann")).await;
    let page: Value = serde_json::from_str(&reply.text()).unwrap_or_else(|_| panic!("{}", reply.text()));
    let price = |of: &Value| of["price_cents"].as_u64().unwrap_or_else(|| panic!("{page}"));
    [price(&page["products"][0]), price(&page["cart"]["lines"][0])]
}

#[tokio::test]
async fn a_preview_three_calls_deep_shows_in_the_shop_and_the_shop_stays_as_it_was() {
    let site = Site::new();
    let _services = (
        start(&site, "web", "v1", 9101).await,
        start(&site, "catalog", "v1", 9102).await,
        start(&site, "cart", "v1", 9103).await,
        start(&site, "catalog", "v2", 9105).await,
    );
    let inside = site.ip().to_string();
    let objects = [
        listener("http", site.http().port(), "HTTP"),
        internal_listener(&site),
        host("any", "*"),
        mapping_on(SHOP, "web", "/", site.at(9101)),
        mapping_on(&inside, "catalog", "/products", site.at(9102)),
        mapping_on(&inside, "cart", "/carts/", site.at(9103)),
        policy(),
    ];
    let objects = objects.map(|mut object| {
        if object["kind"] == "Mapping" {
            object["spec"]["rewrite"] = json!("");
        }
        object
    });
    site.write("shop.yaml", documents(&objects));
    let services = json!([{"baseline": site.at(9102).to_string(), "backend": site.at(9105).to_string()}]);
    let spec = json!({
        "services": services, "entrypoints": [{"name": "web", "host": SHOP}], "access": {"mode": "Public"},
    });
    site.write("preview.yaml", documents(&[own("Preview", "sale", &spec)]));
    let gateway = diagnosed(&site).await;
    gateway.admin.state("Preview", "sale", "acked").await;
    let urls = gateway.admin.list("previews").await[0]["urls"].clone();
    let url = urls[0]["url"].as_str().unwrap().to_owned();
    let preview = url.trim_start_matches("http://").trim_end_matches('/');
    let client = Client::http(site.http());

    let line = get("cart", "/carts/ann/lines/bell").method("PUT").with("content-type", "application/json");
    let put = Client::http(site.at(9103)).ask(&line.body(r#"{"quantity": 1}"#)).await;
    assert_eq!(put.status, 200, "{}", put.text());
    // In the shop's own words: from the page to the catalog, and from the page to the cart to the catalog.
    assert_eq!(prices(&client, SHOP).await, [1_250, 1_250]);
    assert_eq!(prices(&client, preview).await, [1_125, 1_125]);
    assert_eq!(prices(&client, SHOP).await, [1_250, 1_250]);

    let (told, found) = doctor(&site, "sale", "/?user=ann").await;
    assert!(found && told["status"] == 200 && told["services"][0]["key"] == "carried", "{told:#}");
    let to = |place: SocketAddr| {
        let calls = told["calls"].as_array().unwrap().iter();
        calls.filter(|call| call["service"] == place.to_string() && call["carried"] == true).count()
    };
    // The page, the catalog of the preview for it and for the cart, and the cart, which is the baseline's.
    assert_eq!([9101, 9105, 9103, 9102].map(|port| to(site.at(port))), [1, 2, 1, 0], "{told:#}");
    gateway.stop().await;
}

async fn diagnosed(site: &Site) -> Gateway<'_> {
    Gateway::start_with(site, |command| {
        command.arg("--allow-previews");
    })
    .await
}

/// What the doctor tells, and whether the key arrived everywhere.
pub(super) async fn doctor(site: &Site, preview: &str, path: &str) -> (Value, bool) {
    let admin = site.admin().to_string();
    let mut command = site.nuncio(&["preview", "doctor", preview, "--path", path, "--admin", &admin, "-o", "json"]);
    let output: Output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(!told.contains("npk"), "no key: {told}");
    let told = serde_json::from_str(&told).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (told, output.status.success())
}

/// A service that asks another by a gateway for each of its requests, and hands on these of their headers.
pub(crate) async fn caller(
    gateway: SocketAddr,
    handed: &'static [&'static str],
) -> (SocketAddr, AbortOnDropHandle<()>) {
    let listener = TcpListener::bind((gateway.ip(), 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = move |request: Request<Incoming>| async move {
        let ask = {
            let value = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            handed.iter().fold(get("cart.internal", "/inner"), |ask, &name| ask.with(name, value(name)))
        };
        // A gateway that is gone is what its test is about.
        _ = Client::http(gateway).send(&ask).await;
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"{}"))))
    };
    let serve = async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)));
        }
    };
    (address, AbortOnDropHandle::new(tokio::spawn(serve)))
}

#[tokio::test]
async fn the_doctor_tells_where_the_context_is_lost() {
    let (site, cart, branch) = (Site::new(), Backend::start("cart").await, Backend::start("branch").await);
    let (web, _serving) = caller(site.at(INTERNAL), &["traceparent"]).await;
    let objects = [
        listener("http", site.http().port(), "HTTP"),
        internal_listener(&site),
        host("any", "*"),
        mapping_on(SHOP, "web", "/", web),
        mapping_on("cart.internal", "cart", "/", cart.address()),
        policy(),
    ];
    site.write("shop.yaml", documents(&objects));
    let services = json!([{"baseline": cart.address().to_string(), "backend": branch.address().to_string()}]);
    let spec =
        json!({"services": services, "entrypoints": [{"name": "web", "host": SHOP}], "access": {"mode": "Public"}});
    site.write("preview.yaml", documents(&[own("Preview", "lost", &spec)]));
    let gateway = diagnosed(&site).await;
    gateway.admin.state("Preview", "lost", "acked").await;
    let (told, found) = doctor(&site, "lost", "/").await;
    assert!(!found && told["services"][0]["key"] == "lost", "{told:#}");
    let calls = told["calls"].as_array().unwrap();
    let said = |call: &Value| (call["path"].clone(), call["carried"].clone(), call["served_by"].clone());
    assert_eq!(
        calls.iter().map(said).collect::<Vec<_>>(),
        [(json!("/"), json!(true), json!("baseline")), (json!("/inner"), json!(false), json!("baseline")),]
    );
    assert_eq!(branch.requests(), 0);
    // Who has seen its trace has nothing written down any more when it is over.
    let written = || fs::metadata(probes_log(&site)).unwrap().len();
    let (before, trace) = (written(), format!("00-{}-b7ad6b7169203331-01", told["trace"].as_str().unwrap()));
    let client = Client::http(site.http());
    assert_eq!(client.ask(&get(SHOP, "/").with("traceparent", &trace)).await.status, 200);
    sleep(FLUSHED).await;
    assert_eq!(written(), before);
    // Of two at once one is told to wait. On a busy machine the first may be over before the second begins.
    eventually("one is told to wait", async || {
        let (one, other) = tokio::join!(refusal(&site, "lost"), refusal(&site, "lost"));
        let told = [one, other].concat();
        if told.matches("another probe is under way").count() == 1 { Ok(()) } else { Err(told) }
    })
    .await;
    gateway.stop().await;

    let internal = site.manifests().join("shop.yaml");
    let without: Vec<_> = objects.into_iter().filter(|object| object["metadata"]["name"] != "internal").collect();
    std::fs::write(internal, documents(&without)).unwrap();
    let gateway = diagnosed(&site).await;
    gateway.admin.state("Preview", "lost", "acked").await;
    let why = refusal(&site, "lost").await;
    assert!(why.contains("no internal Listener"), "{why}");
    gateway.stop().await;
}

/// What a doctor complains of.
pub(super) async fn refusal(site: &Site, preview: &str) -> String {
    let mut command = site.nuncio(&["preview", "doctor", preview, "--admin", &site.admin().to_string()]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// Where the Envoy of a gateway writes down what it sees of probes.
fn probes_log(site: &Site) -> PathBuf {
    let directories = fs::read_dir(site.run()).unwrap().map(|entry| entry.unwrap().path());
    directories.map(|directory| directory.join("probes.log")).find(|log| log.exists()).expect("a log")
}
