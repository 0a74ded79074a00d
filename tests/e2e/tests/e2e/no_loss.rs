//! Nothing is lost while anything changes: clients ask without a pause, and every request has its reply.

mod pods;

use std::net::SocketAddr;
use std::time::Duration;

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{self, documents, host, listener, mapping, plain};
use nuncio_e2e::{Ask, Authority, Client, Controller, Envoy, Gateway, Load, Reply, Site, Tls, eventually, get};
use rustix::process::Signal;
use serde_json::json;

fn good(reply: &Reply) -> bool {
    reply.status == 200
}

fn asks(path: &str, count: usize) -> Vec<Ask> {
    vec![get("a.example", path); count]
}

/// Waits until a change is live: until its own route answers.
async fn live(client: &Client, path: &str, status: u16) {
    client.until_status(&get("a.example", path), status).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_route_goes_to_and_fro_between_services_500_times() {
    let (site, a, b) = (Site::new(), Backend::start("a").await, Backend::start("b").await);
    site.write("listener.yaml", plain(&site));
    site.write("x.yaml", documents(&[mapping("x", "/x/", a.address())]));
    let gateway = Gateway::start(&site).await;
    let load = Load::kept(&Client::http(site.http()), asks("/x/", 4), good);
    let before = gateway.admin.revision().await;
    for round in 0..500 {
        let service = if round % 2 == 0 { &b } else { &a };
        site.write("x.yaml", documents(&[mapping("x", "/x/", service.address())]));
        load.more(3).await;
    }
    gateway.admin.state("Mapping", "x", "acked").await;
    let revisions = gateway.admin.revision().await - before;
    load.stop().await.assert_nothing_lost(1500);
    assert!(
        revisions > 100,
        "only {revisions} changes were sent: files that change quickly are taken together, but not for long"
    );
    assert!(a.requests() > 0 && b.requests() > 0);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_200_mappings_with_clusters_come_and_go() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("listener.yaml", plain(&site));
    site.write("x.yaml", documents(&[mapping("x", "/x/", a.address())]));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let load = Load::kept(&client, asks("/x/", 2), good);
    let one = |n: usize| {
        let mut mapping = mapping(&format!("m{n}"), &format!("/x/m{n}/"), a.address());
        // A tag makes a cluster of its own.
        mapping["spec"]["cluster_tag"] = json!(format!("tag{n}"));
        documents(&[mapping])
    };
    // A request for a path under /x/ is answered before, while and after it has a Mapping of its own.
    let others = (0..200).step_by(40).map(|n| get("a.example", &format!("/x/m{n}/")));
    let others = Load::kept(&client, others.collect(), good);
    for n in 0..200 {
        site.write(&format!("m{n}.yaml"), one(n));
        if n % 10 == 0 {
            load.more(10).await;
        }
    }
    gateway.admin.state("Mapping", "m199", "acked").await;
    others.more(200).await;
    for n in 0..200 {
        site.remove(&format!("m{n}.yaml"));
        if n % 10 == 0 {
            load.more(10).await;
        }
    }
    eventually("clusters are removed", async || match gateway.admin.list("clusters").await.len() {
        1 => Ok(()),
        more => Err(more),
    })
    .await;
    others.more(200).await;
    others.stop().await.assert_nothing_lost(400);
    load.stop().await.assert_nothing_lost(400);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_certificates_are_renewed() {
    let (site, a, authority) = (Site::new(), Backend::start("a").await, Authority::new("ca"));
    let first = authority.issue(&["a.example"]);
    site.write("listener.yaml", yaml::listeners(&site));
    site.write("host.yaml", documents(&[yaml::tls_host("a", "a.example"), mapping("x", "/x/", a.address())]));
    site.write("secret.yaml", documents(&[yaml::tls_secret("a", &first)]));
    let gateway = Gateway::start(&site).await;
    let client = Client::https(site.https(), Tls::to("a.example", &authority));
    let kept = Load::kept(&client, asks("/x/", 2), good);
    let fresh = Load::fresh(&client, asks("/x/", 2), good);
    let mut old = client.connect().await.unwrap();
    assert_eq!(old.serial(), first.serial);
    for _ in 0..20 {
        let next = authority.issue(&["a.example"]);
        site.write("secret.yaml", documents(&[yaml::tls_secret("a", &next)]));
        eventually("the new certificate is shown", async || {
            let serial = client.connect().await.map_err(|failure| failure.to_string())?.serial();
            if serial == next.serial { Ok(()) } else { Err(serial) }
        })
        .await;
        fresh.more(5).await;
    }
    assert_eq!(old.send(&get("a.example", "/x/")).await.unwrap().status, 200, "connections outlive their certificate");
    fresh.stop().await.assert_nothing_lost(100);
    kept.stop().await.assert_nothing_lost(100);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_controller_is_killed_and_started_again() {
    let (site, a, b) = (Site::new(), Backend::start("a").await, Backend::start("b").await);
    site.write("listener.yaml", plain(&site));
    site.write("x.yaml", documents(&[mapping("x", "/x/", a.address())]));
    let controller = Controller::start(&site).await;
    let envoy = Envoy::start(&site, "one");
    eventually("ready", async || controller.admin.ready().await).await;
    let client = Client::http(site.http());
    let load = Load::kept(&client, asks("/x/", 2), good);
    let fresh = Load::fresh(&client, asks("/x/", 1), good);
    load.more(50).await;
    controller.kill().await;
    load.more(200).await;
    // What changes meanwhile is live when there is a controller again.
    site.write("y.yaml", documents(&[mapping("y", "/y/", b.address())]));
    let controller = Controller::start(&site).await;
    live(&client, "/y/", 200).await;
    eventually("ready", async || controller.admin.ready().await).await;
    load.more(50).await;
    let envoys = controller.admin.list("envoys").await;
    assert_eq!(envoys[0]["nacks"], 0, "{envoys:#?}");
    fresh.stop().await.assert_nothing_lost(20);
    load.stop().await.assert_nothing_lost(300);
    controller.signal(Signal::TERM);
    drop(envoy);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_bad_objects_come_and_go() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("listener.yaml", plain(&site));
    site.write("x.yaml", documents(&[mapping("x", "/x/", a.address())]));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let load = Load::kept(&client, asks("/x/", 2), good);
    let bad = [
        "kind: Mapping\n  {",
        "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: bad}\nspec: {prefix: 7, service: []}\n",
        "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: bad}\n\
         spec: {hostname: '*', prefix: '/x/(', prefix_regex: true, service: a}\n",
        "apiVersion: getambassador.io/v3alpha1\nkind: Listener\nmetadata: {name: bad}\nspec: {port: 99999}\n",
        "apiVersion: getambassador.io/v3alpha1\nkind: Module\nmetadata: {name: ambassador}\n\
         spec: {config: {lua_scripts: 'function ('}}\n",
        "apiVersion: getambassador.io/v3alpha1\nkind: Host\nmetadata: {name: bad}\n\
         spec: {hostname: bad.example, tlsSecret: {name: nowhere}}\n",
    ];
    for (round, text) in bad.iter().enumerate() {
        site.write("bad.yaml", text);
        gateway.admin.problem(&["bad.yaml"]).await;
        let path = format!("/good{round}/");
        site.write(&format!("good{round}.yaml"), documents(&[mapping(&format!("good{round}"), &path, a.address())]));
        live(&client, &path, 200).await;
        load.more(20).await;
    }
    site.remove("bad.yaml");
    gateway.admin.no_problem(&["bad.yaml"]).await;
    load.stop().await.assert_nothing_lost(100);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_listeners_and_hosts_are_added_beside() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("listener.yaml", plain(&site));
    site.write("x.yaml", documents(&[mapping("x", "/x/", a.address())]));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let load = Load::kept(&client, asks("/x/", 2), good);
    for n in 0..10_u16 {
        let port = 7200 + n;
        let name = format!("h{n}");
        let beside = [listener(&name, port, "HTTP"), host(&name, &format!("{name}.example"))];
        site.write(&format!("{name}.yaml"), documents(&beside));
        eventually("the new Listener serves", async || {
            Client::http(site.at(port))
                .send(&get("a.example", "/x/"))
                .await
                .map(|_| ())
                .map_err(|failure| failure.to_string())
        })
        .await;
        load.more(10).await;
    }
    load.stop().await.assert_nothing_lost(100);
    gateway.stop().await;
}

/// A Mapping for everything of a Host that goes to a cluster of its own.
fn moving(hostname: &str, round: usize, service: SocketAddr) -> String {
    let mut moving = yaml::mapping_on(hostname, "moving", "/x/", service);
    moving["spec"]["cluster_tag"] = json!(format!("round{round}"));
    documents(&[moving])
}

/// Requests go on while a Mapping moves from all names to one and back, beside what `others` makes for the backend.
async fn while_a_mapping_moves(others: impl FnOnce(SocketAddr) -> String) {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("edge.yaml", plain(&site));
    site.write("hosts.yaml", others(a.address()));
    site.write("moving.yaml", moving("*", 0, a.address()));
    let gateway = Gateway::start(&site).await;
    let load = Load::kept(&Client::http(site.http()), asks("/x/", 4), good);
    for round in 1..60 {
        site.write("moving.yaml", moving(if round % 2 == 0 { "*" } else { "a.example" }, round, a.address()));
        load.more(30).await;
    }
    gateway.admin.state("Mapping", "moving", "acked").await;
    load.stop().await.assert_nothing_lost(1000);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_mapping_moves_between_a_name_and_all_names() {
    while_a_mapping_moves(|backend| {
        let named = yaml::mapping_on("a.example", "named", "/named/", backend);
        documents(&[host("a", "a.example"), named, yaml::mapping_on("*", "any", "/any/", backend)])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_table_of_a_name_comes_and_goes_with_its_mapping() {
    while_a_mapping_moves(|_| String::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_listener_changes_its_security_model() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let mut redirecting = host("redirecting", "redirecting.example");
    redirecting["spec"]["requestPolicy"] = json!({"insecure": {"action": "Redirect"}});
    let x = yaml::mapping_on("*", "x", "/x/", a.address());
    let hosts = [host("any", "*"), host("a", "a.example"), redirecting, x];
    site.write("hosts.yaml", documents(&hosts));
    let edge = |model: &str| {
        let mut edge = listener("edge", site.http().port(), "HTTP");
        edge["spec"]["securityModel"] = json!(model);
        documents(&[edge])
    };
    site.write("edge.yaml", edge("XFP"));
    let gateway = Gateway::start(&site).await;
    let client = Client::http(site.http());
    let served = Load::kept(&client, asks("/x/", 4), good);
    let clear = Load::fresh(&client, vec![get("redirecting.example", "/x/"); 2], |reply| reply.status == 301);
    for round in 0..8 {
        site.write("edge.yaml", edge(if round % 2 == 0 { "INSECURE" } else { "XFP" }));
        gateway.admin.state("Listener", "edge", "acked").await;
        served.more(100).await;
        clear.more(50).await;
    }
    // Connections of the last listener end meanwhile, and then its tables go.
    tokio::time::sleep(Duration::from_secs(12)).await;
    clear.stop().await.assert_nothing_lost(400);
    served.stop().await.assert_nothing_lost(800);
    gateway.stop().await;
}
