//! Requests without a pause while things change: how many of them fail.

use std::net::SocketAddr;

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, listeners, mapping, plain, tls_host, tls_secret};
use nuncio_e2e::{
    Ask, Authority, Client, Controller, Envoy, Gateway, Load, Outcome, Reply, Site, Tls, eventually, get,
};
use nuncio_test_support::Goal;
use serde_json::json;

use crate::table::Table;

const FLIPS: usize = 500;
const CLUSTERS: usize = 200;
const CERTIFICATES: usize = 20;
const HOST: &str = "a.example";

pub(crate) async fn measure(table: &mut Table) {
    let add = |table: &mut Table, what: &str, outcome: Outcome| {
        #[allow(clippy::cast_precision_loss)]
        let failed = outcome.failed as f64;
        let beside = format!(
            "of {} requests{}",
            outcome.sent,
            outcome.failures.first().map(|one| format!("; {one}")).unwrap_or_default()
        );
        table.targeted(format!("requests failed: {what}"), failed, "", Goal::AtMost(0.0), beside);
    };
    let backends = [Backend::start("a").await, Backend::start("b").await];
    let [a, b] = [backends[0].address(), backends[1].address()];
    add(table, &format!("{FLIPS} route flips"), flips(a, b).await);
    add(table, &format!("{CLUSTERS} clusters added and removed"), clusters(a).await);
    add(table, &format!("{CERTIFICATES} certificates in turn, new connections"), certificates(a).await);
    add(table, "controller killed and started again", restart(a, b).await);
    add(table, "bad objects and broken files added", bad_objects(a).await);
}

fn good(reply: &Reply) -> bool {
    reply.status == 200
}

fn asks(count: usize) -> Vec<Ask> {
    vec![get(HOST, "/x/"); count]
}

fn route(service: SocketAddr) -> String {
    documents(&[mapping("x", "/x/", service)])
}

/// A route goes to and fro between two services, whose clusters come and go with it.
async fn flips(a: SocketAddr, b: SocketAddr) -> Outcome {
    let site = Site::new();
    site.write("edge.yaml", plain(&site));
    site.write("x.yaml", route(a));
    let gateway = Gateway::start(&site).await;
    let load = Load::kept(&Client::http(site.http()), asks(4), good);
    for flip in 0..FLIPS {
        site.write("x.yaml", route([b, a][flip % 2]));
        load.more(10).await;
    }
    settled(&gateway).await;
    let outcome = load.stop().await;
    gateway.stop().await;
    outcome
}

/// Waits until the route is where its newest text says.
async fn settled(gateway: &Gateway<'_>) {
    gateway.admin.state("Mapping", "x", "acked").await;
}

async fn clusters(a: SocketAddr) -> Outcome {
    let site = Site::new();
    site.write("edge.yaml", plain(&site));
    site.write("x.yaml", route(a));
    let gateway = Gateway::start(&site).await;
    // These paths are answered before, while and after they have a Mapping of their own.
    let paths = (0..CLUSTERS).step_by(50).map(|number| get(HOST, &format!("/x/{number}/")));
    let load = Load::kept(&Client::http(site.http()), paths.collect(), good);
    let own = |number: usize| {
        let mut mapping = mapping(&format!("m{number}"), &format!("/x/{number}/"), a);
        mapping["spec"]["cluster_tag"] = json!(format!("tag{number}"));
        documents(&[mapping])
    };
    for number in 0..CLUSTERS {
        site.write(&format!("m{number}.yaml"), own(number));
        load.more(5).await;
    }
    gateway.admin.state("Mapping", &format!("m{}", CLUSTERS - 1), "acked").await;
    for number in 0..CLUSTERS {
        site.remove(&format!("m{number}.yaml"));
        load.more(5).await;
    }
    // Clusters go when what was in flight may be over.
    load.more(2_000).await;
    let outcome = load.stop().await;
    gateway.stop().await;
    outcome
}

async fn certificates(a: SocketAddr) -> Outcome {
    let (site, authority) = (Site::new(), Authority::new("bench"));
    let secret = || documents(&[tls_secret("shop", &authority.issue(&[HOST]))]);
    site.write("edge.yaml", listeners(&site));
    site.write("host.yaml", documents(&[tls_host("shop", HOST)]));
    site.write("x.yaml", route(a));
    site.write("secret.yaml", secret());
    let gateway = Gateway::start(&site).await;
    let client = Client::https(site.https(), Tls::to(HOST, &authority));
    eventually("TLS is served", async || client.send(&get(HOST, "/x/")).await).await;
    let load = Load::fresh(&client, asks(2), good);
    for _ in 0..CERTIFICATES {
        site.write("secret.yaml", secret());
        load.more(25).await;
    }
    let outcome = load.stop().await;
    gateway.stop().await;
    outcome
}

async fn restart(a: SocketAddr, b: SocketAddr) -> Outcome {
    let site = Site::new();
    site.write("edge.yaml", plain(&site));
    site.write("x.yaml", route(a));
    let controller = Controller::start(&site).await;
    let _envoy = Envoy::start(&site, "envoy");
    let client = Client::http(site.http());
    eventually("it is served", async || client.send(&get(HOST, "/x/")).await).await;
    let load = Load::kept(&client, asks(4), good);
    load.more(500).await;
    controller.kill().await;
    // What changes meanwhile counts when it is back.
    site.write("x.yaml", route(b));
    load.more(500).await;
    let controller = Controller::start(&site).await;
    controller.admin.state("Mapping", "x", "acked").await;
    load.more(500).await;
    let outcome = load.stop().await;
    controller.kill().await;
    outcome
}

async fn bad_objects(a: SocketAddr) -> Outcome {
    let site = Site::new();
    site.write("edge.yaml", plain(&site));
    site.write("x.yaml", route(a));
    let gateway = Gateway::start(&site).await;
    let load = Load::kept(&Client::http(site.http()), asks(4), good);
    let bad = [
        "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: regex}\nspec: {hostname: '*', prefix: '/x/(', prefix_regex: true, service: a}\n",
        "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: port}\nspec: {hostname: '*', prefix: /x/y/, service: 'a:99999'}\n",
        "apiVersion: getambassador.io/v3alpha1\nkind: Host\nmetadata: {name: stars}\nspec: {hostname: '*.*.example'}\n",
        "apiVersion: getambassador.io/v3alpha1\nkind: Module\nmetadata: {name: ambassador}\nspec: {config: {lua_scripts: 'function ('}}\n",
        "a: [\n",
    ];
    for (number, text) in bad.iter().enumerate() {
        site.write(&format!("bad{number}.yaml"), text);
        load.more(200).await;
    }
    // The route itself breaks: what was good stays.
    site.write(
        "x.yaml",
        "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: x}\nspec: {prefix: [}\n",
    );
    load.more(500).await;
    let outcome = load.stop().await;
    gateway.stop().await;
    outcome
}
