//! What only Envoy finds wrong: the object at fault is found, named and taken out, and the rest goes on.

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, mapping, object, plain};
use nuncio_e2e::{Client, Controller, Envoy, Gateway, Load, Site, eventually, get};
use serde_json::{Value, json};

/// An expression whose syntax only Envoy knows, in a format string that is well-formed.
const REFUSED: &str = "%CEL(request.path +)%";
const ENVOYS_WORDS: &str = "Not able to parse expression";

fn refused(mut mapping: Value) -> Value {
    mapping["spec"]["add_request_headers"] = json!({"x-cel": {"value": REFUSED}});
    mapping
}

fn accepted(mut mapping: Value) -> Value {
    mapping["spec"]["add_request_headers"] = json!({"x-cel": {"value": "%CEL(request.path)%"}});
    mapping
}

async fn answered(client: &Client, path: &str, wanted: &str) {
    eventually(&format!("{path} is answered by {wanted}"), async || {
        let by = client.send(&get("a.example", path)).await.map(|reply| reply.by());
        by.map_err(|failure| failure.to_string()).and_then(|by| if by == wanted { Ok(()) } else { Err(by) })
    })
    .await;
}

#[tokio::test]
async fn a_mapping_that_envoy_refuses_is_named_and_the_rest_goes_on() {
    let (site, a, b) = (Site::new(), Backend::start("a").await, Backend::start("b").await);
    site.write("listener.yaml", plain(&site));
    site.write("good.yaml", documents(&[mapping("good", "/good/", a.address())]));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());

    site.write("bad.yaml", documents(&[refused(mapping("bad", "/bad/", a.address()))]));
    let problem = gateway.admin.problem(&["RefusedByProxy"]).await;
    assert_eq!(
        (&problem["object"]["kind"], &problem["object"]["name"]),
        (&json!("Mapping"), &json!("bad")),
        "{problem}"
    );
    assert!(problem["message"].as_str().is_some_and(|message| message.contains(ENVOYS_WORDS)), "{problem}");
    assert_eq!(problem["location"]["file"], "bad.yaml", "{problem}");
    gateway.line(&["Envoy refused", ENVOYS_WORDS]).await;
    gateway.line(&["taken out", "Mapping default/bad"]).await;
    assert_eq!(client.ask(&get("a.example", "/good/")).await.by(), "a");

    // Later changes of the very table go out.
    site.write("good.yaml", documents(&[mapping("good", "/good/", b.address())]));
    site.write("new.yaml", documents(&[mapping("new", "/new/", a.address())]));
    answered(&client, "/good/", "b").await;
    answered(&client, "/new/", "a").await;
    let bad = gateway.admin.object("Mapping", "bad").await.unwrap();
    assert_eq!(bad["state"], "parsed", "{bad}");
    gateway.admin.state("Mapping", "good", "acked").await;

    site.write("bad.yaml", documents(&[accepted(mapping("bad", "/bad/", a.address()))]));
    answered(&client, "/bad/", "a").await;
    gateway.admin.no_problem(&["RefusedByProxy"]).await;
    gateway.admin.state("Mapping", "bad", "acked").await;
    gateway.stop().await;
}

#[tokio::test]
async fn of_several_that_came_together_only_the_guilty_stay_out() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("listener.yaml", plain(&site));
    let gateway = Gateway::start(&site).await;
    let all: Vec<Value> = (0..10)
        .map(|n| {
            let mapping = mapping(&format!("m{n}"), &format!("/m{n}/"), a.address());
            if n == 3 || n == 7 { refused(mapping) } else { mapping }
        })
        .collect();
    site.write("all.yaml", documents(&all));
    let client = Client::http(site.http());
    for n in (0..10).filter(|n| ![3, 7].contains(n)) {
        answered(&client, &format!("/m{n}/"), "a").await;
    }
    for name in ["m3", "m7"] {
        gateway.admin.problem(&["RefusedByProxy", &format!("\"{name}\"")]).await;
    }
    eventually("only they are left", async || {
        let problems = gateway.admin.list("problems").await;
        if problems.len() == 2 { Ok(()) } else { Err(format!("{problems:#?}")) }
    })
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_mapping_that_envoy_refuses_from_the_start_keeps_no_other_from_serving() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("listener.yaml", plain(&site));
    site.write("bad.yaml", documents(&[refused(mapping("bad", "/bad/", a.address()))]));
    site.write(
        "good.yaml",
        documents(&[mapping("good", "/good/", a.address()), mapping("more", "/more/", a.address())]),
    );
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    answered(&client, "/good/", "a").await;
    answered(&client, "/more/", "a").await;
    gateway.admin.problem(&["RefusedByProxy", "bad"]).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_refused_loses_no_request_when_the_controller_starts_again() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("listener.yaml", plain(&site));
    site.write(
        "good.yaml",
        documents(&[mapping("good", "/good/", a.address()), mapping("more", "/more/", a.address())]),
    );
    let controller = Controller::start(&site).await;
    let envoy = Envoy::start(&site, "one");
    let client = Client::http(site.http());
    answered(&client, "/good/", "a").await;
    site.write("bad.yaml", documents(&[refused(mapping("bad", "/bad/", a.address()))]));
    controller.admin.problem(&["RefusedByProxy", "bad"]).await;

    let load =
        Load::kept(&client, vec![get("a.example", "/good/"), get("a.example", "/more/")], |reply| reply.status == 200);
    load.more(20).await;
    controller.kill().await;
    load.more(20).await;
    let controller = Controller::start(&site).await;
    controller.admin.problem(&["RefusedByProxy", "bad"]).await;
    load.more(200).await;
    load.stop().await.assert_nothing_lost(200);
    drop(envoy);
}

#[tokio::test]
async fn a_script_that_fails_when_envoy_loads_it_is_the_modules_fault() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("all.yaml", plain(&site) + &documents(&[mapping("x", "/x/", a.address())]));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let module =
        |script: &str| documents(&[object("Module", "ambassador", json!({"config": {"lua_scripts": script}}))]);

    site.write("module.yaml", module("error('no, thank you')"));
    let problem = gateway.admin.problem(&["RefusedByProxy", "no, thank you"]).await;
    assert_eq!(problem["object"]["kind"], "Module", "{problem}");
    answered(&client, "/x/", "a").await;
    site.write("y.yaml", documents(&[mapping("y", "/y/", a.address())]));
    answered(&client, "/y/", "a").await;

    site.write("module.yaml", module("function envoy_on_response(h) h:headers():add('x-lua', 'yes') end"));
    gateway.admin.no_problem(&["RefusedByProxy"]).await;
    eventually("the script runs", async || {
        let reply = client.send(&get("a.example", "/x/")).await.map_err(|failure| failure.to_string())?;
        if reply.header("x-lua") == Some("yes") { Ok(()) } else { Err(format!("{:?}", reply.headers)) }
    })
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_script_that_fails_from_the_start_leaves_the_gateway_serving() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("all.yaml", plain(&site) + &documents(&[mapping("x", "/x/", a.address())]));
    let module = object("Module", "ambassador", json!({"config": {"lua_scripts": "error('no, thank you')"}}));
    site.write("module.yaml", documents(&[module]));
    let gateway = Gateway::start(&site).await;
    gateway.admin.problem(&["RefusedByProxy", "no, thank you", "\"Module\""]).await;
    gateway.admin.no_problem(&["RefusedByProxy", "\"Listener\""]).await;
    answered(&Client::http(site.http()), "/x/", "a").await;
    gateway.stop().await;
}
