//! What only Envoy finds wrong: the object at fault is found, named and taken out, and the rest goes on.

mod listeners;

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{self, documents, host, listener, mapping, mapping_on, object, plain};
use nuncio_e2e::{Admin, Client, Controller, Envoy, Gateway, Load, Site, eventually, get};
use rustix::process::Signal;
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
    client.until_by(&get("a.example", path), wanted).await;
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

fn module_with(config: &Value) -> String {
    documents(&[object("Module", "ambassador", json!({"config": config}))])
}

/// A script may be a guard.
#[tokio::test]
async fn a_script_that_fails_from_the_start_lets_nobody_in() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("all.yaml", plain(&site) + &documents(&[mapping("x", "/x/", a.address())]));
    site.write("module.yaml", module_with(&json!({"lua_scripts": "error('no, thank you')"})));
    let gateway = Gateway::start(&site).await;
    gateway.admin.problem(&["RefusedByProxy", "no, thank you", "\"Module\""]).await;
    gateway.admin.no_problem(&["RefusedByProxy", "\"Listener\""]).await;
    let client = Client::http(site.http());
    eventually("nobody gets in", async || {
        let reply = client.send(&get("a.example", "/x/")).await.map_err(|failure| failure.to_string())?;
        if reply.status == 500 { Ok(()) } else { Err(reply.status.to_string()) }
    })
    .await;
    assert_eq!(a.requests(), 0);
    gateway.stop().await;
}

/// Whatever it is that Envoy refuses a Module for, and whether or not the script is another.
#[tokio::test]
async fn a_script_that_guards_stays_while_the_module_is_refused() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("all.yaml", plain(&site) + &documents(&[mapping("x", "/x/", a.address())]));
    let guard = "function envoy_on_request(h) h:respond({[':status'] = '403'}, 'no') end";
    site.write("module.yaml", module_with(&json!({"lua_scripts": guard})));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let load = Load::kept(&client, vec![get("a.example", "/x/")], |reply| reply.status == 403);
    load.more(20).await;
    let changed = format!("error('no, thank you')\n{guard}");
    for (config, reason) in [
        (json!({"lua_scripts": guard, "envoy_log_path": "/nonexistent/directory/access.log"}), "unable to open file"),
        (json!({"lua_scripts": changed}), "no, thank you"),
    ] {
        site.write("module.yaml", module_with(&config));
        gateway.admin.problem(&["RefusedByProxy", reason, "\"Module\""]).await;
        // What is changed beside it arrives.
        let name = format!("y-{}", reason.len());
        site.write("y.yaml", documents(&[mapping(&name, "/y/", a.address())]));
        gateway.admin.state("Mapping", &name, "acked").await;
        load.more(50).await;
    }
    load.stop().await.assert_nothing_lost(100);
    assert_eq!(a.requests(), 0);
    gateway.stop().await;
}

/// The objects that Envoy refused, by name.
async fn refused_objects(admin: &Admin) -> Vec<String> {
    let problems = admin.list("problems").await;
    let refused = problems.iter().filter(|problem| problem["reason"] == "RefusedByProxy");
    refused.map(|problem| problem["object"]["name"].as_str().unwrap_or("nobody").to_owned()).collect()
}

async fn only_refused(admin: &Admin, names: &[&str]) {
    eventually(&format!("{names:?} are refused"), async || {
        let refused = refused_objects(admin).await;
        if refused == names { Ok(()) } else { Err(format!("{refused:?}")) }
    })
    .await;
}

#[tokio::test]
async fn what_other_envoys_said_of_an_older_version_accuses_nobody() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("gateway.yaml", plain(&site) + &documents(&[host("a", "a.example")]));
    let good = ["root", "two", "three"].map(|name| mapping_on("a.example", name, &format!("/{name}/"), a.address()));
    site.write("good.yaml", documents(&good));
    let controller = Controller::start(&site).await;
    let _envoys = ["one", "two", "three"].map(|name| Envoy::start(&site, name));
    eventually("three Envoys have everything", async || {
        let root = controller.admin.object("Mapping", "root").await;
        root.filter(|root| root["acked_by"] == 3).map(drop).ok_or("not yet")
    })
    .await;

    for (file, name) in [("bad.yaml", "bad"), ("worse.yaml", "worse")] {
        site.write(file, documents(&[refused(mapping_on("a.example", name, &format!("/{name}/"), a.address()))]));
        controller.admin.problem(&["RefusedByProxy", &format!("\"{name}\"")]).await;
    }
    // Whoever is accused wrongly is accused now, while the others answer.
    for name in ["root", "two", "three"] {
        controller.admin.state("Mapping", name, "acked").await;
    }
    only_refused(&controller.admin, &["bad", "worse"]).await;
    let client = Client::http(site.http());
    for _ in 0..20 {
        for path in ["/root/", "/two/", "/three/"] {
            assert_eq!(client.ask(&get("a.example", path)).await.by(), "a", "{path}");
        }
    }
    only_refused(&controller.admin, &["bad", "worse"]).await;
}

#[tokio::test]
async fn an_envoy_that_hangs_does_not_hold_up_the_search() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("gateway.yaml", plain(&site));
    site.write("good.yaml", documents(&[mapping("good", "/good/", a.address())]));
    let controller = Controller::start(&site).await;
    let [_works, hangs] = ["works", "hangs"].map(|name| Envoy::start(&site, name));
    eventually("both have everything", async || {
        let good = controller.admin.object("Mapping", "good").await;
        good.filter(|good| good["acked_by"] == 2).map(drop).ok_or("not yet")
    })
    .await;
    hangs.signal(Signal::STOP);
    let all = ["x", "y", "z"].map(|name| mapping(name, &format!("/{name}/"), a.address()));
    site.write("more.yaml", documents(&[&all[..], &[refused(mapping("bad", "/bad/", a.address()))]].concat()));
    only_refused(&controller.admin, &["bad"]).await;
    hangs.signal(Signal::CONT);
    controller.admin.state("Mapping", "x", "acked").await;
    only_refused(&controller.admin, &["bad"]).await;
}
