//! What CI jobs run (`deploy/ci`): their shell, with a real curl, against a real gateway.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use nuncio_e2e::nuncio;
use nuncio_test_support::tool;
use tokio::net::TcpListener;

use super::*;

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/ci").join(path)
}

/// The lines of a block `key: |` of a YAML file, without what they are indented by; the `number`th of them, from 0.
fn block(file: &str, key: &str, number: usize) -> String {
    let text = std::fs::read_to_string(deploy(file)).unwrap();
    let begin = text.match_indices(&format!("{key}: |\n")).nth(number).unwrap().0;
    let lines = text[begin..].lines().skip(1);
    let indent = lines.clone().next().map_or(0, |line| line.len() - line.trim_start().len());
    let own = lines.take_while(|line| line.is_empty() || line.starts_with(&" ".repeat(indent)));
    own.map(|line| format!("{}\n", line.get(indent..).unwrap_or_default())).collect()
}

/// Runs a script in a directory, as a runner does.
async fn run(script: &str, directory: &Path, variables: &BTreeMap<&str, String>) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(directory).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.envs(variables);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What gives a job its token, as GitHub's runner does it.
async fn tokens(site: &Site, token: String) -> String {
    let listener = TcpListener::bind((site.ip(), 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = json!({ "count": 1, "value": token }).to_string();
            let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let is_asked_so = request.headers().get("authorization").is_some_and(|it| it == "Bearer runner")
                    && request.uri().query() == Some("api-version=2.0&audience=nuncio-previews");
                let status = if is_asked_so { 200 } else { 401 };
                let body = http_body_util::Full::new(hyper::body::Bytes::from(answer.clone()));
                async move { http::Response::builder().status(status).body(body) }
            });
            let io = hyper_util::rt::TokioIo::new(stream);
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
        }
    });
    format!("http://{address}/token?api-version=2.0")
}

/// The portal's name leads to the gateway.
fn curl_config(team: &Team, directory: &Path) {
    let address = team.site.http();
    let line = format!("connect-to = \"{PORTAL}:80:{}:{}\"\n", address.ip(), address.port());
    std::fs::write(directory.join(".curlrc"), line).unwrap();
}

/// A Preview at a host that the policy does not give to previews.
fn unseen(team: &Team, name: &str) -> Value {
    let mut manifest = team.manifest(name);
    manifest["spec"]["entrypoints"][0]["host"] = json!("elsewhere.example");
    manifest
}

#[tokio::test]
async fn the_github_action_makes_a_preview_and_takes_it_away() {
    let team = Team::new().await;
    let gateway = team.gateway().await;
    let directory = tempfile::tempdir().unwrap();
    curl_config(&team, directory.path());
    std::fs::write(directory.path().join("manifest.yaml"), team.manifest("tax").to_string()).unwrap();
    let output = directory.path().join("output");
    let token = team.job("acme/cart").strip_prefix("Bearer ").unwrap().to_owned();
    let mut variables = BTreeMap::from([
        ("HOME", directory.path().display().to_string()),
        ("SERVER", format!("http://{PORTAL}")),
        ("NAMESPACE", "default".to_owned()),
        ("NAME", "tax".to_owned()),
        ("MANIFEST", "manifest.yaml".to_owned()),
        ("AUDIENCE", "nuncio-previews".to_owned()),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", tokens(&team.site, token).await),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "runner".to_owned()),
        ("GITHUB_OUTPUT", output.display().to_string()),
    ]);
    let script = block("github/action.yml", "run", 0);
    for _ in 0..2 {
        let done = run(&script, directory.path(), &variables).await;
        assert!(done.status.success(), "{}", text(&done));
    }
    let told = std::fs::read_to_string(&output).unwrap();
    let url = told.lines().next().and_then(|line| line.strip_prefix("url=")).unwrap();
    team.at(url, "/cart/", "branch").await;

    variables.insert("NAME", "other".to_owned());
    let wrong = run(&script, directory.path(), &variables).await;
    assert!(!wrong.status.success() && text(&wrong).contains("status 422"), "{}", text(&wrong));
    // What nobody can see is no success either.
    std::fs::write(directory.path().join("manifest.yaml"), unseen(&team, "hidden").to_string()).unwrap();
    variables.insert("NAME", "hidden".to_owned());
    let wrong = run(&script, directory.path(), &variables).await;
    assert!(!wrong.status.success() && text(&wrong).contains("elsewhere.example"), "{}", text(&wrong));
    variables.insert("NAME", "tax".to_owned());
    variables.insert("MANIFEST", String::new());
    for _ in 0..2 {
        let done = run(&script, directory.path(), &variables).await;
        assert!(done.status.success(), "{}", text(&done));
    }
    team.at(url, "/cart/", "410").await;
    gateway.stop().await;
}

#[tokio::test]
async fn the_gitlab_template_makes_a_preview_and_takes_it_away() {
    let team = Team::new().await;
    let gateway = team.gateway().await;
    let directory = tempfile::tempdir().unwrap();
    curl_config(&team, directory.path());
    std::fs::write(directory.path().join("preview.yaml"), team.manifest("cart-pr-{number}").to_string()).unwrap();
    let token = team.token(&json!({"iss": CI, "sub": "project_path:acme/cart:ref_type:branch:ref:fix"}));
    let variables = BTreeMap::from([
        ("HOME", directory.path().display().to_string()),
        ("NUNCIO_SERVER", format!("http://{PORTAL}")),
        ("NUNCIO_NAMESPACE", "default".to_owned()),
        ("NUNCIO_NAME", "cart-pr-7".to_owned()),
        ("NUNCIO_TOKEN", token.strip_prefix("Bearer ").unwrap().to_owned()),
        ("CI_MERGE_REQUEST_IID", "7".to_owned()),
        ("PREVIEW_MANIFEST", "preview.yaml".to_owned()),
    ]);
    let done = run(&block("gitlab/preview.yml", "script", 0), directory.path(), &variables).await;
    assert!(done.status.success(), "{}", text(&done));
    let told = std::fs::read_to_string(directory.path().join("preview.env")).unwrap();
    let url = told.strip_prefix("PREVIEW_URL=").unwrap().trim_end();
    team.at(url, "/cart/", "branch").await;
    let done = run(&block("gitlab/preview.yml", "script", 1), directory.path(), &variables).await;
    assert!(done.status.success(), "{}", text(&done));
    team.at(url, "/cart/", "410").await;
    std::fs::write(directory.path().join("preview.yaml"), unseen(&team, "cart-pr-{number}").to_string()).unwrap();
    let wrong = run(&block("gitlab/preview.yml", "script", 0), directory.path(), &variables).await;
    assert!(!wrong.status.success() && text(&wrong).contains("elsewhere.example"), "{}", text(&wrong));
    gateway.stop().await;
}

#[test]
fn the_chart_of_argo_cds_example_is_a_preview_that_the_gateway_takes() {
    let site = Site::new();
    let mut helm = Command::new(tool("helm", "helm"));
    helm.args(["template", "cart", "--namespace", "shop", "--set-string", "number=42,branch=fix/tax,commit=9f3c"]);
    let made = helm.arg(deploy("argo-cd/preview")).output().unwrap();
    assert!(made.status.success(), "{}", text(&made));
    site.write("made.yaml", &made.stdout);
    let policy = json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": "PreviewPolicy", "metadata": {"name": "previews"}, "spec": {
        "domain": "preview.example", "namespaces": ["*"], "hosts": ["shop.example.com"], "access": ["Authenticated"],
        "filters": [{"name": "token"}]}});
    let shop = json!({"hostname": "shop.example.com", "prefix": "/cart/", "service": "cart"});
    site.write(
        "shop.yaml",
        documents(&[
            listener("http", 8080, "HTTP"),
            host("any", "*"),
            object("Mapping", "cart", shop),
            object("Filter", "token", json!({"JWT": {"jwksURI": "https://id.example/keys"}})),
            policy,
        ]),
    );
    let mut list = Command::new(nuncio());
    let listed = list.args(["preview", "list", "-o", "json"]).arg(site.manifests()).output().unwrap();
    let told: Value = serde_json::from_slice(&listed.stdout).unwrap_or_else(|_| panic!("{}", text(&listed)));
    let [preview] = &told["items"].as_array().unwrap()[..] else { panic!("{told}") };
    assert_eq!(preview["urls"][0]["baseline"], "shop.example.com", "{preview}");
    assert_eq!((&preview["services"][0]["baseline"], &preview["access"]), (&json!("cart"), &json!("Authenticated")));
    let source = json!({"provider": "GitHub", "repository": "acme/cart", "pull_request": 42, "branch": "fix/tax", "commit": "9f3c",
        "author": null, "author_issuer": null});
    assert_eq!(preview["source"], source);
    // Of a directory nobody knows which pods there are.
    let reasons: Vec<_> = preview["problems"].as_array().unwrap().iter().map(|problem| &problem["reason"]).collect();
    assert!(reasons.iter().all(|reason| **reason == "NoEndpoints"), "{preview}");
    let backend = preview["services"][0]["backend"].as_str().unwrap().to_owned();
    let made = String::from_utf8_lossy(&made.stdout).into_owned();
    let service = services_of(&made).into_iter().find(|name| backend.starts_with(&format!("{name}:"))).unwrap();
    assert!(made.contains("fork: true") && service == "cart-pr-42", "{made}");
}

/// The names of the Services in what a chart makes.
fn services_of(made: &str) -> Vec<String> {
    let documents = made.split("\n---").filter(|document| document.contains("kind: Service\n"));
    let name = |document: &str| Some(document.split("name: ").nth(1)?.lines().next()?.trim().to_owned());
    documents.filter_map(name).collect()
}
