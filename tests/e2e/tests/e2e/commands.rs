//! `nuncio check`, `routes`, `version`, `completions`: what they print, and how they end.

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, listener, mapping, mapping_on, object, plain, tls_secret};
use nuncio_e2e::{Authority, Gateway, Site, envoy};
use serde_json::Value;

/// Runs a command to its end: exit code, standard output, standard error.
fn run(site: &Site, args: &[&str]) -> (Option<i32>, String, String) {
    let output = site.nuncio(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

const BAD: &str = "apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata:
  name: bad
spec:
  hostname: '*'
  prefix: /bad/
  service: a
  timeout_ms: soon
";

const UNKNOWN: &str = "apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata:
  name: unknown
spec:
  hostname: '*'
  prefix: /unknown/
  service: 127.0.0.1:9
  timout_ms: 5
";

/// What is none of ours.
const FOREIGN: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n";

#[tokio::test]
async fn check_finds_nothing_wrong_where_nothing_is() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("all.yaml", plain(&site) + &documents(&[mapping("x", "/x/", a.address())]));
    let (code, stdout, stderr) = run(&site, &["check", "manifests"]);
    assert_eq!((code, &*stdout, &*stderr), (Some(0), "3 objects, 0 errors, 0 warnings\n", ""));
    let (code, stdout, _) = run(&site, &["check", "manifests", "-o", "json"]);
    let page: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, page.to_string()), (Some(0), r#"{"items":[],"total":0}"#.to_owned()));
}

#[tokio::test]
async fn check_takes_a_file_and_what_comes_in_and_says_of_nothing_that_it_is_nothing() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let good = plain(&site) + &documents(&[mapping("x", "/x/", a.address())]);
    site.write("all.yaml", good.clone());
    let (code, stdout, stderr) = run(&site, &["check", "manifests/all.yaml"]);
    assert_eq!((code, &*stdout, &*stderr), (Some(0), "3 objects, 0 errors, 0 warnings\n", ""));

    let mut command = site.nuncio(&["check", "-"]);
    let piped = std::process::Stdio::piped;
    let mut child = command.stdin(piped()).stdout(piped()).stderr(piped()).spawn().unwrap();
    let text = good + &UNKNOWN.replace("name: unknown", "name: Bad_Name!");
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    for part in ["4 objects, 0 errors, 2 warnings", "stdin:", "metadata.name: \"Bad_Name!\"", "spec.timout_ms"] {
        assert!(told.contains(part), "{part}: {told}");
    }

    for (text, expected) in
        [("", Some(1)), ("Error: helm failed\n", Some(1)), ("helm failed\n", Some(1)), (FOREIGN, Some(0))]
    {
        let mut child = site.nuncio(&["check", "-"]).stdin(piped()).stdout(piped()).stderr(piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), expected, "{text}: {told}");
        assert_eq!(told.contains("there is no object in what came in"), expected == Some(1), "{text}: {told}");
    }

    let (code, stdout, _) = run(&Site::new(), &["check", "manifests"]);
    assert_eq!(code, Some(0), "{stdout}");
    assert!(
        stdout.contains("there are no objects in manifests") && stdout.contains("0 objects, 0 errors, 1 warning"),
        "{stdout}"
    );
}

/// What the doctor says of each thing that it looked at.
fn doctor(site: &Site, args: &[&str]) -> (Option<i32>, Vec<(String, String)>) {
    let ip = site.ip().to_string();
    let envoy = envoy();
    let args =
        [&["doctor", "manifests", "-o", "json", "--bind", &ip, "--envoy", envoy.to_str().unwrap()], args].concat();
    let output = site.nuncio(&args).env("NUNCIO_ADMIN", site.admin().to_string()).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap().iter();
    let text = |check: &Value, field: &str| check[field].as_str().unwrap().to_owned();
    (output.status.code(), checks.map(|check| (text(check, "check"), text(check, "outcome"))).collect())
}

fn outcome<'c>(checks: &'c [(String, String)], words: &str) -> &'c str {
    &checks.iter().find(|(check, _)| check.contains(words)).unwrap_or_else(|| panic!("{words}: {checks:?}")).1
}

/// The gateway that runs serves the manifests of the site, and somebody asks of others.
fn another_is_said_to_be_another(site: &Site) {
    let others = site.root().join("others");
    std::fs::create_dir_all(&others).unwrap();
    std::fs::write(others.join("none.yaml"), "").unwrap();
    let mut command = site.nuncio(&["doctor", "others", "--envoy", envoy().to_str().unwrap()]);
    let output = command.env("NUNCIO_ADMIN", site.admin().to_string()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let begin =
        format!("Gateway\n‼ the gateway at {} reads what is looked at\n    it reads the directory ", site.admin());
    assert!(text.starts_with(&begin), "{text}");
    let there = [site.manifests(), others].map(|path| path.canonicalize().unwrap().display().to_string());
    assert!(there.iter().all(|path| text.contains(path.as_str())), "{there:?}: {text}");
}

#[tokio::test]
async fn the_doctor_looks_at_a_directory_before_and_while_it_is_served() {
    let (site, a, authority) = (Site::new(), Backend::start("a").await, Authority::new("test"));
    site.write("all.yaml", plain(&site) + &documents(&[mapping("x", "/x/", a.address())]));
    let (code, checks) = doctor(&site, &[]);
    assert_eq!(code, Some(0), "{checks:?}");
    assert!(checks.iter().all(|(_, outcome)| outcome == "ok"), "{checks:?}");
    assert_eq!(checks.len(), 5, "{checks:?}");

    let gateway = Gateway::start(&site).await;
    let (code, checks) = doctor(&site, &[]);
    assert_eq!((code, outcome(&checks, "Envoy is connected")), (Some(0), "ok"));
    assert_eq!(outcome(&checks, "ports of the Listeners"), "ok", "it serves them");
    assert_eq!(outcome(&checks, "only while it runs"), "ok");
    assert_eq!(checks[0].0, format!("the gateway at {} reads what is looked at", site.admin()));
    assert_eq!(checks[0].1, "ok");
    another_is_said_to_be_another(&site);
    let taken = std::net::TcpListener::bind(site.https()).unwrap();
    site.write("more.yaml", documents(&[listener("https", site.https().port(), "HTTPS")]));
    gateway.admin.problem(&["PortConflict"]).await;
    let (_, checks) = doctor(&site, &[]);
    assert_eq!(outcome(&checks, "ports of the Listeners"), "failed", "it does not have that one");
    assert_eq!(outcome(&checks, "only while it runs"), "failed", "the gateway says so itself");
    site.remove("more.yaml");
    drop(taken);
    gateway.stop().await;

    let taken = std::net::TcpListener::bind(site.http()).unwrap();
    site.write("bad.yaml", BAD);
    let expired = tls_secret("old", &authority.issue_expired(&["old.example"]));
    let host = object("Host", "old", serde_json::json!({"hostname": "old.example", "tlsSecret": {"name": "old"}}));
    site.write("tls.yaml", documents(&[expired, host, listener("https", site.https().port(), "HTTPS")]));
    let admin = site.admin().to_string();
    let (code, checks) = doctor(&site, &["--admin", &admin]);
    assert_eq!(code, Some(1));
    for words in ["objects are valid", "the Secret default/old", "answers and takes traffic"] {
        assert_eq!(outcome(&checks, words), "failed", "{checks:?}");
    }
    let (_, checks) = doctor(&site, &[]);
    assert_eq!(outcome(&checks, "ports of the Listeners"), "failed", "{checks:?}");
    drop(taken);
    let output = site.nuncio(&["doctor", "manifests", "--envoy", "/nowhere/envoy"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.code() == Some(1) && text.contains("× there is an Envoy") && text.contains("→"), "{text}");
}

#[tokio::test]
async fn check_names_the_place_of_each_problem() {
    let site = Site::new();
    site.write("all.yaml", plain(&site));
    site.write("unknown.yaml", UNKNOWN);
    let (code, stdout, _) = run(&site, &["check", "manifests"]);
    assert_eq!(code, Some(0), "warnings are no failure: {stdout}");
    assert!(stdout.contains("unknown.yaml:9:3") && stdout.contains("did you mean \"timeout_ms\"?"), "{stdout}");
    assert!(stdout.ends_with("3 objects, 0 errors, 1 warnings\n") || stdout.ends_with("1 warning\n"), "{stdout}");

    site.write("sub/bad.yaml", BAD);
    let (code, stdout, stderr) = run(&site, &["check", "manifests"]);
    assert_eq!((code, &*stderr), (Some(1), ""), "{stdout}");
    let line = stdout.lines().find(|line| line.contains("sub/bad.yaml:9:15")).unwrap_or_else(|| panic!("{stdout}"));
    assert!(
        line.starts_with("error") && line.contains("Mapping default/bad") && line.contains("spec.timeout_ms"),
        "{line}"
    );

    let (code, stdout, _) = run(&site, &["check", "manifests", "-o", "json"]);
    let page: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &page["total"]), (Some(1), &Value::from(2)), "{page}");
    let problem = &page["items"][0];
    assert_eq!((&problem["severity"], &problem["reason"]), (&"error".into(), &"InvalidValue".into()), "{problem}");
    assert_eq!((&problem["location"]["line"], &problem["location"]["column"]), (&9.into(), &15.into()), "{problem}");

    // Of a kind that is not read, too, it is said which object it is.
    let later = "apiVersion: getambassador.io/v3alpha1\nkind: LogService\nmetadata: {name: logs, namespace: shop}\n";
    site.write("later.yaml", later);
    let (_, stdout, _) = run(&site, &["check", "manifests"]);
    let line = stdout.lines().find(|line| line.contains("later.yaml:2:7")).unwrap_or_else(|| panic!("{stdout}"));
    assert!(line.contains("  LogService shop/logs  "), "{line}");
    let (_, stdout, _) = run(&site, &["check", "manifests", "-o", "json"]);
    let page: Value = serde_json::from_str(&stdout).unwrap();
    let called: Vec<_> = page["items"].as_array().unwrap().iter().filter_map(|item| item["called"].as_str()).collect();
    assert_eq!(called, ["LogService shop/logs"]);
}

const DOCS: &str = "apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata:
  name: docs
spec:
  hostname: '*'
  prefix: /docs/
  service: 127.0.0.1:9
  docs:
    path: /openapi.json
    urll: http://127.0.0.1:9/openapi.json
---
apiVersion: getambassador.io/v3alpha1
kind: DevPortal
metadata:
  name: main
spec:
  docs:
  - service: Partners
    urll: https://docs.example/openapi.json
";

#[tokio::test]
async fn check_names_the_field_of_docs_and_the_one_that_was_meant() {
    let site = Site::new();
    site.write("all.yaml", plain(&site));
    site.write("docs.yaml", DOCS);
    let (code, stdout, _) = run(&site, &["check", "manifests"]);
    assert_eq!(code, Some(1), "an API without a url is none: {stdout}");
    for (place, field) in [("docs.yaml:11:11", "spec.docs.urll"), ("docs.yaml:20:5", "spec.docs[0].urll")] {
        let line = stdout.lines().find(|line| line.contains(place)).unwrap_or_else(|| panic!("{place}: {stdout}"));
        assert!(line.contains(field) && line.contains("did you mean \"url\"?"), "{line}");
    }
    assert!(stdout.contains("spec.docs[0].url ") || stdout.contains("spec.docs[0].url:"), "{stdout}");
}

#[test]
fn a_portal_says_what_is_no_address_of_a_controller() {
    let site = Site::new();
    for wrong in ["nonsense", "127.0.0.1", "https://127.0.0.1:8877"] {
        let (code, _, stderr) = run(&site, &["portal", "--admin", wrong]);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains("--admin") && stderr.contains("as in 127.0.0.1:8877"), "{stderr}");
    }
}

#[tokio::test]
async fn check_and_a_running_gateway_find_the_same() {
    let site = Site::new();
    site.write("all.yaml", plain(&site));
    site.write("bad.yaml", BAD);
    site.write("unknown.yaml", UNKNOWN);
    site.write("broken.yaml", "a: [");
    let gateway = Gateway::start(&site).await;
    let (_, stdout, _) = run(&site, &["check", "manifests", "-o", "json"]);
    let checked: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(checked, gateway.admin.json("/api/v1/problems").await);
    gateway.stop().await;
}

#[tokio::test]
async fn routes_are_listed_in_the_order_in_which_they_are_tried() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let objects = [
        mapping("short", "/x/", a.address()),
        mapping("long", "/x/long/", a.address()),
        mapping_on("a.example", "named", "/x/", a.address()),
    ];
    site.write("all.yaml", plain(&site) + &documents(&objects));
    let gateway = Gateway::start(&site).await;
    let admin = site.admin().to_string();
    for origin in [&["manifests"][..], &["--admin", &admin]] {
        let (code, stdout, stderr) = run(&site, &[&["routes"], origin].concat());
        assert_eq!((code, &*stderr), (Some(0), ""));
        let at =
            |name: &str| stdout.find(&format!("Mapping default/{name}")).unwrap_or_else(|| panic!("{name}: {stdout}"));
        assert!(at("long") < at("short"), "{stdout}");
        at("named");

        let (_, stdout, _) = run(&site, &[&["routes", "-o", "json", "--host", "*"], origin].concat());
        let page: Value = serde_json::from_str(&stdout).unwrap();
        let items = page["items"].as_array().unwrap();
        assert!(!items.is_empty() && items.iter().all(|route| route["host"] == "*"), "{page}");
    }
    gateway.stop().await;
    let (code, _, stderr) = run(&site, &["routes", "--admin", &admin]);
    assert!(code == Some(1) && stderr.lines().count() == 1 && stderr.contains(&admin), "{code:?} {stderr}");
}

#[test]
fn help_version_and_completions() {
    let site = Site::new();
    for args in
        [&["--help"][..], &["up", "--help"], &["check", "--help"], &["explain", "--help"], &["routes", "--help"]]
    {
        let (code, stdout, stderr) = run(&site, args);
        assert_eq!((code, &*stderr), (Some(0), ""), "{args:?}");
        assert!(stdout.contains("Examples:"), "{args:?} teaches by examples: {stdout}");
    }
    let (code, stdout, _) = run(&site, &["version"]);
    assert!(code == Some(0) && stdout.contains(env!("CARGO_PKG_VERSION")), "{stdout}");
    for shell in ["bash", "zsh", "fish"] {
        let (code, stdout, _) = run(&site, &["completions", shell]);
        assert!(code == Some(0) && stdout.contains("nuncio"), "{shell}");
    }
}
