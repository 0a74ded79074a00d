//! `nuncio up` starts well, or fails well.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, mapping, plain};
use nuncio_e2e::{Admin, Client, DEADLINE, Gateway, Process, Site, eventually, get};
use rustix::process::Signal;

/// Copies a program by a process of its own: what this one has open to write, a child that another test is just
/// starting has open too, and as long as it is nobody can run it.
fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").args([from, to]).status().unwrap().success());
}

#[tokio::test]
async fn without_an_envoy_it_says_where_it_looked() {
    let site = Site::new();
    let binary = site.root().join("nuncio");
    copy(&nuncio_e2e::nuncio(), &binary);
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
        (&["up"], "<DIR|--kubernetes>"),
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
        (&["check"], "<DIR|--kubernetes>"),
        (&["check", "/nowhere/at/all"], "/nowhere/at/all"),
        (&["explain", "ftp://a/", "."], "ftp://a/"),
        (&["explain", "http://a/"], "<DIR|--admin <ADDR>|--kubernetes>"),
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
async fn it_is_not_ready_before_envoy_has_the_configuration() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("all.yaml", plain(&site) + &documents(&[mapping("x", "/x/", a.address())]));
    // An Envoy that starts when the test says so.
    let gate = site.root().join("gate");
    assert!(Command::new("mkfifo").arg(&gate).status().unwrap().success());
    let (script, slow) = (site.root().join("script"), site.root().join("envoy"));
    let envoy = nuncio_e2e::envoy();
    let wait = format!("[ \"$1\" = --version ] || read go < {}", gate.display());
    fs::write(&script, format!("#!/bin/sh\n{wait}\nexec {} \"$@\"\n", envoy.display())).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    copy(&script, &slow);

    let mut gateway = Gateway::launch_on(&site, &slow);
    let (begun, mut answered) = (Instant::now(), 0);
    while answered < 30 {
        assert!(begun.elapsed() < DEADLINE, "it never answers");
        match gateway.admin.status("/ambassador/v0/check_ready").await {
            Ok(status) => {
                assert_eq!(status, 503, "answer {answered}");
                answered += 1;
            }
            // Not bound yet.
            Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
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
    second.stop().await;
    assert_eq!(Client::http(one.http()).ask(&ask).await.by(), "a", "the other goes on");
    first.stop().await;
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
