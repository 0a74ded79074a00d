//! What cannot be used or read opens nothing: where it would have served or shut somebody out, requests are
//! refused until it is mended.

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, mapping, object, plain};
use nuncio_e2e::{Client, Gateway, Site, eventually, get};
use serde_json::{Value, json};

/// What Envoy alone finds wrong.
const REFUSED: &str = "%CEL(request.path +)%";

async fn becomes(client: &Client, path: &str, status: u16) {
    client.until_status(&get("a.example", path), status).await;
}

async fn status(client: &Client, path: &str) -> u16 {
    client.ask(&get("a.example", path)).await.status
}

fn module(config: &Value) -> String {
    documents(&[object("Module", "ambassador", json!({"config": config}))])
}

#[tokio::test]
async fn an_invalid_mapping_leaves_its_requests_to_no_wider_one() {
    let (site, wide, good) = (Site::new(), Backend::start("wide").await, Backend::start("good").await);
    let mut broken = mapping("broken", "/admin/", wide.address());
    broken["spec"]["weight"] = json!("many");
    let mut beside = mapping("beside", "/both/", wide.address());
    beside["spec"]["timeout_ms"] = json!(-1);
    let mut elsewhere = mapping("elsewhere", "/foreign/", wide.address());
    elsewhere["spec"]["weight"] = json!("many");
    elsewhere["spec"]["ambassador_id"] = json!(["other"]);
    let all =
        [mapping("wide", "/", wide.address()), broken, beside, mapping("good", "/both/", good.address()), elsewhere];
    site.write("all.yaml", plain(&site) + &documents(&all));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    assert_eq!(status(&client, "/admin/x").await, 503);
    assert_eq!(client.ask(&get("a.example", "/x")).await.by(), "wide");
    assert_eq!(client.ask(&get("a.example", "/foreign/x")).await.by(), "wide");
    for _ in 0..20 {
        assert_eq!(client.ask(&get("a.example", "/both/x")).await.by(), "good", "the good one serves all");
    }
    gateway.admin.problem(&["spec.weight", "\"broken\""]).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_refused_mapping_leaves_its_requests_to_no_wider_one() {
    let (site, wide) = (Site::new(), Backend::start("wide").await);
    site.write("wide.yaml", plain(&site) + &documents(&[mapping("wide", "/", wide.address())]));
    let mut refused = mapping("refused", "/admin/", wide.address());
    refused["spec"]["add_request_headers"] = json!({"x-cel": {"value": REFUSED}});
    site.write("refused.yaml", documents(&[refused]));
    let gateway = Gateway::start(&site).await;
    gateway.admin.problem(&["RefusedByProxy", "\"refused\""]).await;
    let client = Client::http(site.http());
    becomes(&client, "/admin/x", 503).await;
    becomes(&client, "/x", 200).await;
    site.write("refused.yaml", documents(&[mapping("refused", "/admin/", wide.address())]));
    becomes(&client, "/admin/x", 200).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_module_that_cannot_be_read_from_the_start_lets_nobody_past_its_access_list() {
    let unreadable = [
        "apiVersion: getambassador.io/v3alpha1\nkind: Module\nmetadata: {name: ambassador, labels: [x]}\n\
         spec: {config: {ip_allow: [{peer: 127.0.0.0/8}]}}\n",
        "apiVersion: getambassador.io/v3alpha1\nkind: Module\nmetadata: {name: ambassador}\n\
         spec: {config: {ip_deny: [{peer: 10.0.0.0/8}\n",
    ];
    for text in unreadable {
        let (site, a) = (Site::new(), Backend::start("a").await);
        site.write("all.yaml", plain(&site) + &documents(&[mapping("a", "/", a.address())]));
        site.write("module.yaml", text);
        let gateway = Gateway::start(&site).await;
        let client = Client::http(site.http());
        assert_eq!(status(&client, "/x").await, 403, "{text}");
        gateway.admin.problem(&["UnreadableAccessList"]).await;
        // Still not readable, and it speaks of no list any more.
        site.write("module.yaml", "kind: Module\nmetadata: {name: ambassador}\nspec: [\n");
        gateway.admin.problem(&["InvalidYaml"]).await;
        gateway.taken().await;
        assert_eq!(status(&client, "/x").await, 403, "{text}");
        site.write("module.yaml", module(&json!({"ip_allow": [{"peer": "127.0.0.0/8"}]})));
        becomes(&client, "/x", 200).await;
        gateway.admin.no_problem(&["UnreadableAccessList"]).await;
        gateway.stop().await;
    }
}

#[tokio::test]
async fn an_auth_service_that_cannot_be_read_from_the_start_lets_nobody_in() {
    let (site, a, asked) = (Site::new(), Backend::start("a").await, Backend::start("asked").await);
    site.write("all.yaml", plain(&site) + &documents(&[mapping("a", "/", a.address())]));
    let good = format!(
        "apiVersion: getambassador.io/v3alpha1\nkind: AuthService\nmetadata: {{name: auth}}\n\
         spec:\n  auth_service: {}\n  proto: http\n",
        asked.address()
    );
    let slips = [
        ("proto: http", "proto: 'http"),
        ("kind: AuthService", "kind: AuthServce"),
        ("getambassador.io", "getambasador.io"),
        ("getambassador.io/", ""),
        ("{name: auth}", "{labels: {a: b}}"),
        ("kind: AuthService\n", ""),
        ("kind: AuthService", "kind AuthService"),
    ];
    for (right, wrong) in slips {
        let broken = good.replace(right, wrong);
        site.write("auth.yaml", &broken);
        let gateway = Gateway::start(&site).await;
        let client = Client::http(site.http());
        assert_eq!(status(&client, "/x").await, 500, "{broken}");
        let problem = gateway.admin.problem(&["UnreadableGuard", "AuthService"]).await;
        assert!(problem["location"]["line"].as_u64() > Some(0), "{problem}");
        gateway.line(&["error: auth.yaml:", "cannot be read", "refused until it can be"]).await;
        site.write("auth.yaml", &good);
        becomes(&client, "/x", 200).await;
        assert!(asked.requests() > 0, "it is asked now");
        gateway.admin.no_problem(&["UnreadableGuard"]).await;
        gateway.stop().await;
    }
    assert_eq!(usize::try_from(a.requests()).unwrap(), slips.len(), "nothing got past");
}

#[tokio::test]
async fn a_module_that_cannot_be_read_changes_nothing_while_running() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("all.yaml", plain(&site) + &documents(&[mapping("a", "/", a.address())]));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    site.write("module.yaml", "kind: Module\nmetadata: {name: ambassador}\nspec: {config: {ip_allow: [\n");
    gateway.admin.problem(&["InvalidYaml"]).await;
    gateway.taken().await;
    assert_eq!(status(&client, "/x").await, 200);
    site.write("module.yaml", module(&json!({"lua_scripts": "function ("})));
    gateway.admin.problem(&["InvalidLua", "what ran before stays"]).await;
    gateway.taken().await;
    assert_eq!(status(&client, "/x").await, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn a_module_with_a_misspelt_level_stays_as_it_was() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("all.yaml", plain(&site) + &documents(&[mapping("a", "/", a.address())]));
    let good = module(&json!({"server_name": "edge"}));
    site.write("module.yaml", &good);
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    assert_eq!(client.ask(&get("a.example", "/x")).await.header("server"), Some("edge"));
    site.write("module.yaml", good.replace("\"config\"", "\"confg\""));
    gateway.admin.problem(&["LostSettings", "spec.confg", "module.yaml", "what was last good stays in force"]).await;
    gateway.taken().await;
    assert_eq!(client.ask(&get("a.example", "/x")).await.header("server"), Some("edge"));
    gateway.stop().await;
}

#[tokio::test]
async fn a_setting_of_the_module_that_cannot_be_read_stays_as_it_was_last_good() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("all.yaml", plain(&site) + &documents(&[mapping("a", "/", a.address())]));
    site.write("module.yaml", module(&json!({
        "headers_with_underscores_action": "ALLOW", "ip_deny": [{"peer": "203.0.113.0/24"}], "cluster_request_timeout_ms": 9000,
    })));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let request = || get("a.example", "/x").with("x_with", "underscores");
    assert_eq!(client.ask(&request()).await.status, 200);
    site.write(
        "module.yaml",
        module(&json!({
            "headers_with_underscores_action": "ALOW", "ip_deny": [{"peer": "203.0.113.0/244"}],
            "cluster_request_timeout_ms": "9s", "server_name": "edge",
        })),
    );
    for field in ["headers_with_underscores_action", "ip_deny", "cluster_request_timeout_ms"] {
        gateway.admin.problem(&[&format!("spec.config.{field}"), "what was last good stays in force"]).await;
    }
    eventually("the rest of the Module holds", async || {
        let reply = client.send(&request()).await.map_err(|failure| failure.to_string())?;
        if reply.header("server") == Some("edge") { Ok(()) } else { Err(format!("{:?}", reply.headers)) }
    })
    .await;
    assert_eq!(client.ask(&request()).await.status, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn a_script_that_does_not_compile_fails_closed_until_there_was_a_good_one() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("all.yaml", plain(&site) + &documents(&[mapping("a", "/", a.address())]));
    site.write("module.yaml", module(&json!({"lua_scripts": "function ("})));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    assert_eq!(status(&client, "/x").await, 500);
    assert_eq!(status(&client, "/ambassador/v0/check_ready").await, 200, "probes are answered");
    gateway.admin.problem(&["InvalidLua", "every request is answered with 500"]).await;

    let guard = "function envoy_on_request(h) if h:headers():get(':path') == '/no' then \
                 h:respond({[':status'] = '401'}, '') end end";
    site.write("module.yaml", module(&json!({"lua_scripts": guard})));
    becomes(&client, "/x", 200).await;
    assert_eq!(status(&client, "/no").await, 401);

    site.write("module.yaml", module(&json!({"lua_scripts": "function (", "server_name": "edge"})));
    gateway.admin.problem(&["InvalidLua", "what ran before stays"]).await;
    eventually("the rest of the Module holds", async || {
        let reply = client.send(&get("a.example", "/x")).await.map_err(|failure| failure.to_string())?;
        if reply.header("server") == Some("edge") { Ok(()) } else { Err(format!("{:?}", reply.headers)) }
    })
    .await;
    assert_eq!(status(&client, "/no").await, 401, "the guard stays");
    gateway.stop().await;
}
