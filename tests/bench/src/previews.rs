//! Previews: what a thousand of them cost the baseline, how soon one is there, and how much memory each takes.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use nuncio_e2e::yaml::{documents, host, listener, mapping_on};
use nuncio_e2e::{Ask, Client, Connection, Gateway, Reply, Site, get};
use nuncio_test_support::Goal;
use nuncio_test_support::usage::resident;
use serde_json::{Value, json};

use crate::loading::loaded;
use crate::statistics::Sample;
use crate::table::Table;
use crate::throughput::contender::{Contender, ratio};
use crate::throughput::wrk::answers;
use crate::upstream;

/// Of the host that is previewed.
const ROUTES: usize = 100;

/// Previews of one file: after each it is told how far it is.
const BATCH: u32 = 100;

/// Runs of the load generator, in turn: many, since one may differ from the next by a seventh.
const ROUNDS: usize = 24;
const CONNECTIONS: u32 = 32;
/// Previews that come and go, to be timed.
const CREATED: usize = 10;
/// Changes of a route of the baseline, likewise.
const CHANGES: usize = 20;
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(60);

const HOST: &str = "shop.bench.example";

/// Where the host's services are: the one that previews replace, and the rest.
#[derive(Clone, Copy)]
struct Services {
    cart: SocketAddr,
    rest: SocketAddr,
}

pub(crate) async fn measure(table: &mut Table, seconds: u32, previews: u32) {
    let services = Services { cart: upstream::start(), rest: upstream::start() };
    let sites = [Site::new(), Site::new(), Site::new()];
    let without = start(&sites[0], services, 0).await;
    let again = start(&sites[1], services, 0).await;
    let with = start(&sites[2], services, previews).await;
    let envoy = with.envoy().expect("an Envoy");
    let before = (resident(with.id()), resident(envoy));
    let begun = Instant::now();
    let mut connection = Client::http(sites[2].http()).connect().await.expect("a connection");
    for first in (0..previews).step_by(BATCH as usize) {
        let next = (first + BATCH).min(previews);
        let batch: Vec<_> = (first..next).map(|at| preview(&format!("pr-{at}"), services)).collect();
        sites[2].write(&format!("previews-{first}.yaml"), documents(&batch));
        let last = loaded(async || host_of(&with, &format!("pr-{}", next - 1)).await).await;
        until(&mut connection, &last, 200).await;
        eprintln!("{next} of {previews} previews answer after {:.1} s", begun.elapsed().as_secs_f64());
    }
    let loading = begun.elapsed();
    let each = |now: f64, before: f64| (now - before) * 1e3 / f64::from(previews);
    let (own, envoys) = (each(resident(with.id()), before.0), each(resident(envoy), before.1));
    let what = format!("memory of the controller for a preview of {ROUTES} routes");
    table.targeted(what, own, "kB", Goal::AtMost(100.0), format!("Envoy {envoys:.0} kB"));
    let seconds_each = format!("{:.1} s", loading.as_secs_f64());
    table.noted(format!("{previews} previews in files of {BATCH}, until the last answers"), seconds_each, "");

    sites[2].write("one.yaml", documents(&[preview("one", services)]));
    let one = loaded(async || host_of(&with, "one").await).await;
    until(&mut connection, &one, 200).await;
    let mut times = Vec::new();
    for _ in 0..CREATED {
        sites[2].remove("one.yaml");
        until(&mut connection, &one, 410).await;
        let start = Instant::now();
        sites[2].write("one.yaml", documents(&[preview("one", services)]));
        until(&mut connection, &one, 200).await;
        times.push(start.elapsed());
    }
    eprintln!("{CREATED} previews were made and taken away beside them");
    let times = Sample::new(times);
    let what = format!("a preview more beside {previews}, from its file to an answer (median)");
    table.targeted(what, times.median(), "ms", Goal::AtMost(20.0), format!("p90 {:.1} ms", times.p90()));
    drop(connection);

    let gateways = [&without, &again, &with];
    let what = format!("the baseline with {previews} previews, over that with none");
    let (rates, costs) = compare(&sites, gateways, seconds).await;
    table.targeted(format!("requests/s to {what}"), rates.of_previews, "×", Goal::AtLeast(0.99), rates.to_string());
    let of_costs = format!("Envoy CPU for a request to {what}");
    table.targeted(&of_costs, costs.of_previews, "×", Goal::AtMost(1.01), costs.to_string());
    choosable(&sites[2], previews).await;
    let (_, costs) = compare(&sites, gateways, seconds).await;
    let what = format!("{of_costs}, where a header or a cookie may choose one");
    table.noted(what, format!("{:.2} ×", costs.of_previews), costs.to_string());

    let last = loaded(async || host_of(&with, &format!("pr-{}", previews - 1)).await).await;
    let alone = changed(&sites[0], services, &[HOST]).await;
    let beside = changed(&sites[2], services, &[HOST, &last]).await;
    let what = format!("a changed route of the baseline beside {previews} previews: seen after (median)");
    let more = format!(
        "p90 {:.1} ms, in the last preview {:.1} ms; with none {:.1} ms",
        beside[0].p90(),
        beside[1].median(),
        alone[0].median()
    );
    table.noted(what, format!("{:.1} ms", beside[0].median()), more);
    let at_once = changed(&sites[2], services, &[HOST]).await;
    let what = "… where the next change comes as soon as one is seen there, whatever previews have";
    table.noted(what, format!("{:.1} ms", at_once[0].median()), format!("p90 {:.1} ms", at_once[0].p90()));
    without.stop().await;
    again.stop().await;
    with.stop().await;
}

/// Of the gateway with previews, and of a second one without, over the first: what two gateways differ by that do the same.
struct Ratios {
    of_previews: f64,
    of_none: f64,
    failed: u64,
}

impl fmt::Display for Ratios {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a second gateway with none {:.2}; failed {}", self.of_none, self.failed)
    }
}

/// What goes through to the baseline of each, and what a request costs its Envoy there.
async fn compare(sites: &[Site; 3], gateways: [&Gateway<'_>; 3], seconds: u32) -> (Ratios, Ratios) {
    let mut all = [0, 1, 2].map(|at| Contender::new(sites[at].http(), HOST, gateways[at].envoy()));
    for round in 0..ROUNDS {
        for at in 0..all.len() {
            all[(at + round) % 3].run(CONNECTIONS, seconds).await;
        }
    }
    eprintln!("{ROUNDS} rounds of all were run");
    let failed = all.iter().map(Contender::failed).sum();
    let [first, second, with] = &all;
    let over_first = |of: fn(&Contender) -> Vec<f64>| Ratios {
        of_previews: ratio(&of(with), &of(first)),
        of_none: ratio(&of(second), &of(first)),
        failed,
    };
    (over_first(Contender::rates), over_first(|it| it.cost.clone()))
}

/// How long it takes until each of these hosts, one after the other, has a route as it was changed.
async fn changed(site: &Site, services: Services, hosts: &[&str]) -> Vec<Sample> {
    let mut connection = Client::http(site.http()).connect().await.expect("a connection");
    let mut times = vec![Vec::new(); hosts.len()];
    for change in 0..=CHANGES {
        let version = change.to_string();
        let mut mapping = mapping_on(HOST, "changed", "/changed/", services.rest);
        mapping["spec"]["add_response_headers"] = json!({"x-version": {"value": version, "append": false}});
        let text = documents(&[mapping]);
        let start = Instant::now();
        site.write("changed.yaml", text);
        for (host, times) in hosts.iter().zip(&mut times) {
            let is_it = |reply: &Reply| reply.header("x-version") == Some(&*version);
            until_reply(&mut connection, &get(host, "/changed/x"), is_it).await;
            times.push(start.elapsed());
        }
    }
    // Before the first change there was no such route.
    times.into_iter().map(|mut times| Sample::new(times.split_off(1))).collect()
}

/// Lets clients choose previews at the baseline's host, and waits until one that is none is refused there.
async fn choosable(site: &Site, previews: u32) {
    site.write("policy.yaml", policy(previews, &["Header", "Cookie"]));
    let client = Client::http(site.http());
    let ask = get(HOST, "/cart/x").with("x-nuncio-preview", "none");
    loaded(async || {
        let reply = client.send(&ask).await.map_err(|failure| failure.to_string())?;
        if reply.status == 404 { Ok(()) } else { Err(format!("the baseline answers {}", reply.status)) }
    })
    .await;
}

/// The policy for so many previews and one more.
fn policy(previews: u32, selectors: &[&str]) -> String {
    let policy = json!({
        "domain": "preview.example", "namespaces": ["*"], "hosts": [HOST], "access": ["Public"], "backends": "Any",
        "scheme": "http", "maxPreviews": previews + 1, "selectors": selectors,
    });
    documents(&[own("PreviewPolicy", "previews", &policy)])
}

async fn start(site: &Site, services: Services, previews: u32) -> Gateway<'_> {
    let route = |at: usize| mapping_on(HOST, &format!("route-{at}"), &format!("/route/{at}/"), services.rest);
    let mut objects: Vec<Value> = (0..ROUTES - 1).map(route).collect();
    objects.extend([
        mapping_on(HOST, "cart", "/cart/", services.cart),
        listener("http", site.http().port(), "HTTP"),
        host("any", "*"),
    ]);
    site.write("site.yaml", documents(&objects));
    site.write("policy.yaml", policy(previews, &[]));
    let gateway = Gateway::start(site).await;
    answers(site.http(), HOST).await;
    gateway
}

fn own(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

fn preview(name: &str, services: Services) -> Value {
    let replaced = json!([{"baseline": services.cart.to_string(), "backend": services.rest.to_string()}]);
    let entrypoints = json!([{"name": "web", "host": HOST}]);
    own("Preview", name, &json!({"services": replaced, "entrypoints": entrypoints, "access": {"mode": "Public"}}))
}

async fn host_of(gateway: &Gateway<'_>, name: &str) -> Result<String, &'static str> {
    let found = gateway.admin.list(&format!("previews?name={name}")).await;
    let url = found.first().and_then(|preview| preview["urls"][0]["url"].as_str()).ok_or("it is not there")?;
    Ok(url.trim_start_matches("http://").trim_end_matches('/').to_owned())
}

/// Asks a host again and again, without a pause, until it answers so.
async fn until(connection: &mut Connection, host: &str, status: u16) {
    until_reply(connection, &get(host, "/cart/x"), |reply| reply.status == status).await;
}

/// The same, until this is what it answers.
async fn until_reply(connection: &mut Connection, ask: &Ask, is_it: impl Fn(&Reply) -> bool) {
    let start = Instant::now();
    loop {
        let reply = connection.send(ask).await.expect("a reply");
        if is_it(&reply) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{ask:?} is still answered {}", reply.status);
    }
}
