//! `nuncio up` starts, ends, and fails well.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{self, documents, mapping, mapping_on, plain};
use nuncio_e2e::{Admin, Client, Gateway, Process, Site, eventually, get};
use rustix::process::Signal;
use serde_json::{Value, json};

#[tokio::test]
async fn without_an_envoy_it_says_where_it_looked() {
    let site = Site::new();
    let binary = site.root().join("nuncio");
    fs::copy(nuncio_e2e::nuncio(), &binary).unwrap();
    let mut command = Command::new(&binary);
    command.arg("up").arg(site.manifests()).env("PATH", site.root()).current_dir(site.root());
    let output = command.env_remove("NUNCIO_ENVOY").stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.lines().count() == 1 && text.contains("no Envoy found") && text.contains("--envoy"), "{text}");
}

#[tokio::test]
async fn what_is_no_envoy_is_refused() {
    let site = Site::new();
    let mut command = site.nuncio(&["up", "--envoy", "/nowhere/envoy"]);
    let output = command.arg(site.manifests()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && text.contains("cannot run Envoy /nowhere/envoy"), "{text}");

    let mut command = site.nuncio(&["up", "--envoy", "/bin/true"]);
    let output = command.arg(site.manifests()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && text.contains("/bin/true does not seem to be an Envoy"), "{text}");
}

#[test]
fn bad_arguments_are_told_in_one_line() {
    let site = Site::new();
    let table: &[(&[&str], &str)] = &[
        (&["up"], "<DIR>"),
        (&["up", "/nowhere/at/all"], "/nowhere/at/all"),
        (&["up", "/etc/passwd"], "not a directory"),
        (&["up", ".", "--concurrency", "0"], "--concurrency"),
        (&["up", ".", "--concurrency", "many"], "--concurrency"),
        (&["up", ".", "--admin", "here"], "--admin"),
        (&["up", ".", "--bind", "localhost"], "--bind"),
        (&["up", ".", "--log-format", "xml"], "--log-format"),
        (&["up", ".", "--log-level", "=="], "log"),
        (&["up", ".", "--nope"], "--nope"),
        (&["controller", ".", "--xds", "unix:"], "--xds"),
        (&["check"], "<DIR>"),
        (&["check", "/nowhere/at/all"], "/nowhere/at/all"),
        (&["explain", "ftp://a/", "."], "ftp://a/"),
        (&["explain", "http://a/"], "<DIR>"),
        (&["routes", ".", "-o", "xml"], "xml"),
        (&["frobnicate"], "frobnicate"),
    ];
    for (args, part) in table {
        let output = site.nuncio(args).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
        assert!(text.lines().count() == 1 && text.contains(part), "{args:?}: {text}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
    assert_eq!(site.leftovers(), [""; 0]);
}

#[tokio::test]
async fn it_says_what_is_served_where() {
    let site = Site::new();
    site.write("listener.yaml", plain(&site));
    let gateway = Gateway::start(&site).await;
    gateway.line(&["Serving", "manifests", "1 host"]).await;
    gateway.line(&[&format!("http://{}", site.http())]).await;
    gateway.line(&[&format!("http://{}", site.admin()), "diagnostics"]).await;
    gateway.line(&["Live on 1 Envoy"]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_problem_is_one_json_record_of_its_severity() {
    let site = Site::new();
    site.write("listener.yaml", plain(&site));
    let broken = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: m}\n\
                  spec: {prefix: /, service: w, weight: heavy}\n";
    site.write("m.yaml", broken);
    let gateway = Gateway::start_with(&site, |command| {
        command.args(["--log-format", "json"]);
    })
    .await;
    let record = async |level: &str, reason: &str| {
        eventually(&format!("a record with {reason}"), async || {
            let lines = gateway.stderr();
            let records: Vec<Value> = lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
            let found = records.iter().find(|record| record["level"] == level && record["reason"] == reason).cloned();
            found.ok_or_else(|| format!("{lines:#?}"))
        })
        .await
    };
    let error = record("ERROR", "InvalidValue").await;
    let place = (&error["file"], &error["line"], &error["column"]);
    assert_eq!(place, (&json!("m.yaml"), &json!(4), &json!(39)), "{error}");
    assert_eq!((&error["object"], &error["field"]), (&json!("Mapping default/m"), &json!("spec.weight")));
    assert!(
        error["excerpt"].as_str().unwrap().contains("weight: heavy")
            && error["message"].as_str().unwrap().contains("heavy")
    );
    assert_eq!(record("WARN", "NoMatchingHost").await["field"], "spec.hostname");
    let alone = gateway.stderr().into_iter().find(|line| line.contains("heavy") && !line.contains("\"reason\""));
    assert_eq!(alone, None, "an excerpt is no record of its own");
    gateway.stop().await;
}

#[tokio::test]
async fn it_is_not_ready_before_envoy_has_the_configuration() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("all.yaml", plain(&site) + &documents(&[mapping("x", "/x/", a.address())]));
    // An Envoy that starts when the test says so.
    let gate = site.root().join("gate");
    assert!(Command::new("mkfifo").arg(&gate).status().unwrap().success());
    let slow = site.root().join("envoy");
    let envoy = nuncio_e2e::envoy();
    let wait = format!("[ \"$1\" = --version ] || read go < {}", gate.display());
    fs::write(&slow, format!("#!/bin/sh\n{wait}\nexec {} \"$@\"\n", envoy.display())).unwrap();
    fs::set_permissions(&slow, fs::Permissions::from_mode(0o755)).unwrap();

    let mut gateway = Gateway::launch_on(&site, &slow);
    let (mut asked, mut answered) = (0, 0);
    while answered < 30 {
        asked += 1;
        assert!(asked < 100_000, "it never answers");
        match gateway.admin.status("/ambassador/v0/check_ready").await {
            Ok(status) => {
                assert_eq!(status, 503, "answer {answered}");
                answered += 1;
            }
            // Not bound yet.
            Err(_) => tokio::task::yield_now().await,
        }
    }
    fs::write(&gate, "go\n").unwrap();
    gateway.ready().await;
    assert_eq!(Client::http(site.http()).ask(&get("a.example", "/x/")).await.by(), "a", "ready is ready");
    gateway.stop().await;
}

#[tokio::test]
async fn a_port_0_for_diagnostics_is_picked_and_printed() {
    let site = Site::new();
    site.write("listener.yaml", plain(&site));
    let mut command = site.nuncio(&["up", "--bind", &site.ip().to_string(), "--admin", "127.0.0.1:0"]);
    let mut process = Process::spawn(command.arg(site.manifests()).arg("--envoy").arg(nuncio_e2e::envoy()));
    let line = process.line(&["http://127.0.0.1:", "(diagnostics)"]).await;
    let address = line.trim().trim_start_matches("http://").split(' ').next().unwrap().parse().unwrap();
    let admin = Admin::new(address);
    eventually("ready", async || admin.ready().await).await;
    process.signal(Signal::TERM);
    assert!(process.exit().await.success());
}

#[tokio::test]
async fn an_empty_directory_is_served_until_there_is_something() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let gateway = Gateway::start(&site).await;
    gateway.line(&["nowhere"]).await;
    site.write("all.yaml", plain(&site) + &documents(&[mapping("x", "/x/", a.address())]));
    let client = Client::http(site.http());
    eventually("it is served", async || {
        let reply = client.send(&get("a.example", "/x/")).await.map_err(|failure| failure.to_string())?;
        if reply.by() == "a" { Ok(()) } else { Err(reply.by()) }
    })
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn two_run_side_by_side() {
    let (one, two, a, b) = (Site::new(), Site::new(), Backend::start("a").await, Backend::start("b").await);
    one.write("all.yaml", plain(&one) + &documents(&[mapping("x", "/x/", a.address())]));
    two.write("all.yaml", plain(&two) + &documents(&[mapping("x", "/x/", b.address())]));
    let first = Gateway::start(&one).await;
    // In the same runtime directory, as two of one user are.
    let second = Gateway::start_with(&two, |command| {
        command.env("XDG_RUNTIME_DIR", one.run());
    })
    .await;
    let ask = get("a.example", "/x/");
    assert_eq!(Client::http(one.http()).ask(&ask).await.by(), "a");
    assert_eq!(Client::http(two.http()).ask(&ask).await.by(), "b");
    second.signal(Signal::TERM);
    drop(second);
    assert_eq!(Client::http(one.http()).ask(&ask).await.by(), "a", "the other goes on");
    first.stop().await;
}

#[tokio::test]
async fn sigterm_lets_requests_in_flight_finish() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("all.yaml", plain(&site) + &documents(&[mapping("x", "/x/", a.address())]));
    let mut gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let slow = tokio::spawn({
        let client = client.clone();
        async move { client.send(&get("a.example", "/x/").with("x-echo-hold", "1")).await }
    });
    eventually("the request is in flight", async || if a.requests() == 1 { Ok(()) } else { Err("not yet") }).await;

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
    let slow = tokio::spawn({
        let client = client.clone();
        async move { client.send(&get("a.example", "/x/").with("x-echo-hold", "1")).await }
    });
    eventually("the request is in flight", async || if a.requests() == 1 { Ok(()) } else { Err("not yet") }).await;
    gateway.signal(Signal::TERM);
    eventually("it drains", async || match gateway.admin.ready().await {
        Err(reason) if reason.contains("draining") => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    let reply = client.ask(&get("a.example", "/x/")).await;
    assert_eq!((reply.by().as_str(), reply.header("connection")), ("a", Some("close")));
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
    site.write("all.yaml", plain(&site) + &documents(&[mapping("x", "/x/", a.address())]));
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

#[tokio::test]
async fn only_what_became_live_is_told_to_be_live() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("gateway.yaml", plain(&site));
    let gateway = Gateway::start(&site).await;
    let with = |name: &str, field: &str, value: Value| {
        let mut mapping = mapping(name, &format!("/{name}/"), a.address());
        mapping["spec"][field] = value;
        mapping
    };
    let good = |name: &str| mapping(name, &format!("/{name}/"), a.address());
    let foreign = |name: &str| with(name, "ambassador_id", json!(["other"]));
    let refused = with("refused", "add_request_headers", json!({"x": {"value": "%CEL(request.path +)%"}}));
    let invalid = with("invalid", "prefix_regex", json!("perhaps"));
    site.write("all.yaml", documents(&[good("good"), foreign("foreign"), refused, invalid]));
    gateway.line(&["Mapping default/good added → live on 1 Envoy"]).await;
    gateway.line(&["Mapping default/foreign added → nothing that is served changes"]).await;
    gateway.line(&["taken out", "Mapping default/refused"]).await;
    gateway.line(&["error: ", "Mapping default/invalid"]).await;

    site.write("alone.yaml", documents(&[foreign("alone")]));
    gateway.line(&["Mapping default/alone added → nothing that is served changes"]).await;
    site.write("alone.yaml", documents(&[good("alone")]));
    gateway.line(&["Mapping default/alone changed → live"]).await;
    site.write("alone.yaml", documents(&[foreign("alone")]));
    eventually("it is not ours any more", async || {
        gateway.admin.object("Mapping", "alone").await.map_or(Ok(()), |object| Err(object.to_string()))
    })
    .await;
    site.remove("alone.yaml");
    gateway.line(&["Mapping default/alone removed → nothing that is served changes"]).await;
    for line in gateway.stdout().iter().filter(|line| line.contains("live")) {
        assert!(["refused", "invalid", "foreign"].iter().all(|name| !line.contains(name)), "{line}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_mapping_says_why_its_host_cannot_be_used() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let objects = [yaml::tls_host("broken", "a.example"), mapping_on("a.example", "m", "/m/", a.address())];
    site.write("all.yaml", plain(&site) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    let problem = gateway.admin.problem(&["\"m\"", "HostNotUsable"]).await;
    let message = problem["message"].as_str().unwrap();
    assert!(message.starts_with("Host default/broken is not usable: ") && message.contains("no Secret"), "{problem}");
    gateway.stop().await;
}

#[tokio::test]
async fn diagnostics_are_served_as_names_that_no_stranger_has() {
    let site = Site::new();
    site.write("gateway.yaml", plain(&site));
    let gateway = Gateway::start_with(&site, |command| {
        command.args(["--admin-host", "gateway.example"]);
    })
    .await;
    let client = Client::http(site.admin());
    for (host, status) in [("127.0.0.1", 200), ("localhost", 200), ("gateway.example", 200), ("evil.example", 421)] {
        let reply = client.ask(&get(host, "/api/v1/objects")).await;
        assert_eq!(reply.status, status, "{host}: {}", reply.text());
    }
    assert!(client.ask(&get("localhost", "/")).await.text().contains("/api/v1/problems"));
    gateway.stop().await;
}
