//! Several gateways for the same objects, behind a balancer that goes by their readiness.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nuncio_e2e::backend::Backend;
use nuncio_e2e::{Admin, Client, Gateway, Load, Site, eventually, get};
use nuncio_kube_tests::Cluster;
use nuncio_test_support::own_address;
use rustix::process::Signal;
use serde_json::Value;
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

use crate::deploy;
use crate::source::place::{self, answers, mapping, patient_site_objects};
use crate::wire::Wire;

/// How often the balancer asks who is ready. A kubelet takes its time; what matters is the order.
const PROBES: Duration = Duration::from_millis(50);
/// Seconds of the chart are these here.
const SECOND: Duration = Duration::from_millis(200);

/// A balancer: new connections go to those of its sites that say that they are ready.
struct Balancer {
    wire: Arc<Wire>,
    /// Those whose end was decided: they get no new connections.
    leaving: Arc<Mutex<Vec<SocketAddr>>>,
    _probes: AbortOnDropHandle<()>,
}

impl Balancer {
    /// One that knows those that run, and leads to those that are yet to come once they are ready.
    async fn before(running: &[&Site], coming: &[&Site]) -> Self {
        let wire = Arc::new(Wire::at((own_address(), 7080).into(), &[]).await);
        let ends: Vec<_> = running.iter().chain(coming).map(|site| (site.http(), Admin::new(site.admin()))).collect();
        let leaving = Arc::new(Mutex::new(Vec::new()));
        let (probed, gone) = (Arc::clone(&wire), Arc::clone(&leaving));
        let led_to = Arc::new(Mutex::new(Vec::new()));
        let now = Arc::clone(&led_to);
        let probes = tokio::spawn(async move {
            loop {
                let mut ready = Vec::new();
                for (end, admin) in &ends {
                    if admin.ready().await.is_ok() && !gone.lock().unwrap().contains(end) {
                        ready.push(*end);
                    }
                }
                probed.lead_to(&ready);
                *now.lock().unwrap() = ready;
                sleep(PROBES).await;
            }
        });
        let balancer = Self { wire, leaving, _probes: AbortOnDropHandle::new(probes) };
        eventually("it leads to all that run", async || {
            let ready = led_to.lock().unwrap().clone();
            if running.iter().all(|site| ready.contains(&site.http())) { Ok(()) } else { Err(format!("{ready:?}")) }
        })
        .await;
        balancer
    }

    /// The end of a replica is decided. That is noticed at the next look.
    fn leaves(&self, site: &Site) {
        self.leaving.lock().unwrap().push(site.http());
    }

    fn load(&self, kept: bool) -> Load {
        let (client, asks) = (Client::http(self.wire.address()), vec![get("any.example", "/app/"); 2]);
        let start = if kept { Load::kept } else { Load::fresh };
        start(&client, asks, |reply| reply.status == 200)
    }
}

async fn furnished(backend: &Backend) -> (Cluster, [Site; 4]) {
    let cluster = Cluster::start().await;
    place::define(&cluster, &place::KINDS).await;
    let sites = [Site::new(), Site::new(), Site::new(), Site::new()];
    place::apply_in(&cluster, "default", &patient_site_objects(&sites[0], backend.address())).await;
    (cluster, sites)
}

#[tokio::test]
async fn each_replica_is_enough_whatever_becomes_of_the_others_and_of_the_api_server() {
    let backend = Backend::start("one").await;
    let (mut cluster, [first, second, ..]) = furnished(&backend).await;
    let mut one = place::gateway(&cluster, "default", &first).await;
    let two = place::gateway(&cluster, "default", &second).await;
    let others =
        Load::kept(&Client::http(second.http()), vec![get("any.example", "/app/"); 2], |reply| reply.status == 200);
    others.more(50).await;
    one.kill().await;
    place::apply_in(&cluster, "default", &[mapping("late", "/late/", backend.address())]).await;
    answers(&second, "/late/", "one").await;
    cluster.stop_api_server().await;
    others.more(100).await;
    others.stop().await.assert_nothing_lost(150);
    two.stop().await;
}

/// What a kubelet does to end a pod: `preStop`, then SIGTERM, then patience.
async fn end(mut gateway: Gateway<'_>, pod: &Value) {
    let seconds = |value: &Value| u32::try_from(value.as_u64().expect("seconds")).unwrap();
    let pre_stop = seconds(&pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]);
    let grace = seconds(&pod["terminationGracePeriodSeconds"]);
    let begun = Instant::now();
    sleep(SECOND * pre_stop).await;
    gateway.signal(Signal::TERM);
    gateway.stopped().await;
    assert!(begun.elapsed() < Duration::from_secs(grace.into()), "it ends before it would be killed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_update_of_the_gateway_drops_no_request() {
    let backend = Backend::start("one").await;
    let (cluster, sites) = furnished(&backend).await;
    let pod = deploy::gateway_pod().await;
    let drain = variable(&pod, "NUNCIO_DRAIN_TIME");
    let start = async |site| {
        let mut command = place::up_in(site, &cluster.admin_kubeconfig(), "default");
        command.env("NUNCIO_DRAIN_TIME", &drain);
        Gateway::start_by(site, &mut command).await
    };
    let [first, second, third, fourth] = &sites;
    let olds = [start(first).await, start(second).await];
    let balancer = Balancer::before(&[first, second], &[third, fourth]).await;
    let (kept, fresh) = (balancer.load(true), balancer.load(false));
    kept.more(50).await;
    fresh.more(50).await;
    let mut news = Vec::new();
    for (old, (leaving, coming)) in olds.into_iter().zip([(first, third), (second, fourth)]) {
        // One more first, as the chart's strategy has it.
        news.push(start(coming).await);
        fresh.more(20).await;
        balancer.leaves(leaving);
        end(old, &pod).await;
    }
    kept.more(50).await;
    fresh.more(50).await;
    kept.stop().await.assert_nothing_lost(100);
    fresh.stop().await.assert_nothing_lost(100);
    for new in news {
        new.stop().await;
    }
}

fn variable(pod: &Value, name: &str) -> String {
    let variables = pod["containers"][0]["env"].as_array().expect("variables");
    let found = variables.iter().find(|variable| variable["name"] == name).expect("the variable");
    found["value"].as_str().expect("a text").to_owned()
}
