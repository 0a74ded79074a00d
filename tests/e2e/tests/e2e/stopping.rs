//! `nuncio up` ends well, and so does its Envoy.

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, mapping, object, plain};
use nuncio_e2e::{Client, Failure, Gateway, Reply, Site, eventually, get};
use rustix::process::Signal;
use serde_json::json;
use tokio::task::JoinHandle;

/// A request that has come to the backend, which holds its answer back.
async fn in_flight(client: &Client, backend: &Backend) -> JoinHandle<Result<Reply, Failure>> {
    let client = client.clone();
    let slow = tokio::spawn(async move { client.send(&get("a.example", "/x/").with("x-echo-hold", "1")).await });
    eventually("the request is in flight", async || if backend.requests() == 1 { Ok(()) } else { Err("not yet") })
        .await;
    slow
}

#[tokio::test]
async fn sigterm_lets_requests_in_flight_finish() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let mut patient = mapping("x", "/x/", a.address());
    patient["spec"]["timeout_ms"] = json!(60_000);
    site.write("all.yaml", plain(&site) + &documents(&[patient]));
    let mut gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let slow = in_flight(&client, &a).await;

    gateway.signal(Signal::TERM);
    let reason = eventually("it is not ready any more", async || match gateway.admin.ready().await {
        Err(reason) if reason.contains("draining") => Ok(reason),
        other => Err(format!("{other:?}")),
    })
    .await;
    assert!(reason.contains("draining"), "{reason}");
    assert!(!slow.is_finished(), "the request is still in flight");
    a.release();
    let reply = slow.await.unwrap().unwrap();
    assert_eq!((reply.status, reply.by()), (200, "a".to_owned()));
    gateway.stopped().await;
}

/// What a change of a Listener ends may last for longer than what stopping ends.
#[tokio::test]
async fn a_changed_listener_lets_requests_in_flight_go_on() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let mut patient = mapping("x", "/x/", a.address());
    patient["spec"]["timeout_ms"] = json!(60_000);
    site.write("all.yaml", plain(&site) + &documents(&[patient]));
    let gateway = Gateway::start_with(&site, |command| {
        command.args(["--drain-time", "1"]);
    })
    .await;
    let client = Client::http(site.http());
    let slow = in_flight(&client, &a).await;
    site.write(
        "module.yaml",
        documents(&[object("Module", "ambassador", json!({"config": {"server_name": "other"}}))]),
    );
    eventually("new connections meet the new listener", async || {
        let reply = client.ask(&get("a.example", "/x/")).await;
        if reply.header("server") == Some("other") { Ok(()) } else { Err(format!("{:?}", reply.header("server"))) }
    })
    .await;
    // What stopping would leave to it is over.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert!(!slow.is_finished(), "the request is still in flight");
    a.release();
    assert_eq!(slow.await.unwrap().unwrap().by(), "a");
    gateway.stop().await;
}

/// A Listener's port is open at the beginning, for load balancers that have not noticed, and closed before the end.
#[tokio::test]
async fn new_connections_are_refused_before_the_drain_time_ends_and_requests_in_flight_finish() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let mut patient = mapping("x", "/x/", a.address());
    patient["spec"]["timeout_ms"] = json!(60_000);
    site.write("all.yaml", plain(&site) + &documents(&[patient]));
    let mut gateway = Gateway::start_with(&site, |command| {
        command.args(["--drain-time", "12"]);
    })
    .await;
    let client = Client::http(site.http());
    let slow = in_flight(&client, &a).await;
    gateway.signal(Signal::TERM);
    eventually("it drains", async || match gateway.admin.ready().await {
        Err(reason) if reason.contains("draining") => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    // Envoy is told a moment after the probes are.
    eventually("connections are asked to close", async || {
        let reply = client.ask(&get("a.example", "/x/")).await;
        assert_eq!(reply.by(), "a", "each is served");
        if reply.header("connection") == Some("close") { Ok(()) } else { Err("it stays open") }
    })
    .await;
    eventually("new connections are refused", async || match client.connect().await {
        Ok(_) => Err("it is open"),
        Err(_) => Ok(()),
    })
    .await;
    assert!(!slow.is_finished() && gateway.envoy().is_some(), "the request is still in flight");
    a.release();
    assert_eq!(slow.await.unwrap().unwrap().by(), "a");
    gateway.stopped().await;
}

#[tokio::test]
async fn the_drain_time_bounds_the_wait() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let mut patient = mapping("x", "/x/", a.address());
    patient["spec"]["timeout_ms"] = json!(60_000);
    site.write("all.yaml", plain(&site) + &documents(&[patient]));
    let mut gateway = Gateway::start_with(&site, |command| {
        command.args(["--drain-time", "1"]);
    })
    .await;
    let client = Client::http(site.http());
    let slow = tokio::spawn(async move { client.send(&get("a.example", "/x/").with("x-echo-hold", "1")).await });
    eventually("the request is in flight", async || if a.requests() == 1 { Ok(()) } else { Err("not yet") }).await;
    gateway.signal(Signal::TERM);
    gateway.stopped().await;
    assert!(slow.await.unwrap().is_err(), "it was cut off");
}

#[tokio::test]
async fn ctrl_c_ends_it_as_sigterm_does() {
    let site = Site::new();
    site.write("listener.yaml", plain(&site));
    let mut gateway = Gateway::start(&site).await;
    gateway.signal(Signal::INT);
    gateway.stopped().await;
}

#[tokio::test]
async fn nobody_complains_of_services_that_end_with_it() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let mut limited = mapping("x", "/x/", a.address());
    limited["spec"]["labels"] = json!({"ambassador": [{"group": [{"generic_key": {"value": "x"}}]}]});
    let limits = json!({"limits": [{"pattern": [{"generic_key": "x"}], "rate": 1, "unit": "day"}]});
    let rule = json!({"host": "guarded.example", "path": "*", "filters": []});
    let policy = object("FilterPolicy", "policy", json!({"rules": [rule]}));
    site.write("all.yaml", plain(&site) + &documents(&[limited, object("RateLimit", "limits", limits), policy]));
    let mut gateway = Gateway::start(&site).await;
    for (kind, name) in [("RateLimit", "limits"), ("FilterPolicy", "policy")] {
        gateway.admin.state(kind, name, "acked").await;
    }
    let before = gateway.stderr().len();
    gateway.signal(Signal::TERM);
    gateway.stopped().await;
    let after = gateway.stderr().into_iter().skip(before);
    let complaints: Vec<_> = after.filter(|line| line.contains("WARN") || line.contains("ERROR")).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[tokio::test]
async fn an_envoy_that_dies_is_started_again() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("all.yaml", plain(&site) + &documents(&[mapping("x", "/x/", a.address())]));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    for _ in 0..2 {
        let killed = gateway.kill_envoy();
        eventually("another Envoy serves", async || {
            if gateway.envoy().is_none_or(|id| id == killed) {
                return Err("no other Envoy".to_owned());
            }
            let reply = client.send(&get("a.example", "/x/")).await.map_err(|failure| failure.to_string())?;
            if reply.by() == "a" { Ok(()) } else { Err(reply.by()) }
        })
        .await;
        eventually("ready", async || gateway.admin.ready().await).await;
    }
    gateway.stop().await;
}

#[tokio::test]
async fn an_envoy_does_not_outlive_a_gateway_that_is_killed() {
    let site = Site::new();
    site.write("listener.yaml", plain(&site));
    let mut gateway = Gateway::start(&site).await;
    assert!(gateway.envoy().is_some());
    gateway.kill().await;
    eventually("Envoy has gone too", async || {
        let left = nuncio_e2e::processes_of(site.root());
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
    // What the killed one left behind is swept up by the next.
    Gateway::start(&site).await.stop().await;
}
