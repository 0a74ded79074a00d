//! Several gateways behind one address.

use std::net::Ipv4Addr;
use std::path::Path;

use nuncio_e2e::Authority;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

use super::*;

const MANIFESTS: [&str; 4] = ["shop.yaml", "policy.yaml", "portal.yaml", "tax.yaml"];

/// Passes connections on, to these in turn.
async fn balance(targets: Vec<SocketAddr>) -> (SocketAddr, AbortOnDropHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        for target in targets.iter().cycle() {
            let (mut client, _) = listener.accept().await.unwrap();
            let target = *target;
            tokio::spawn(async move {
                if let Ok(mut gateway) = TcpStream::connect(target).await {
                    _ = copy_bidirectional(&mut client, &mut gateway).await;
                }
            });
        }
    });
    (address, AbortOnDropHandle::new(task))
}

/// Another gateway with the same manifests but for its portal's address, and what the first has made keys and URLs of.
fn twin(desk: &Desk) -> Site {
    let (own, twin) = (&desk.team.site, Site::new());
    for file in MANIFESTS {
        let text = std::fs::read_to_string(own.manifests().join(file)).unwrap();
        twin.write(file, text.replace(&own.ip().to_string(), &twin.ip().to_string()));
    }
    share_keys(own, &twin);
    twin
}

/// The same with the portal of the first.
fn twin_without_portal(desk: &Desk) -> Site {
    let (own, twin) = (&desk.team.site, Site::new());
    for file in MANIFESTS {
        std::fs::copy(own.manifests().join(file), twin.manifests().join(file)).unwrap();
    }
    share_keys(own, &twin);
    twin
}

fn share_keys(own: &Site, twin: &Site) {
    let keys = "previews/default.keys.yaml";
    std::fs::create_dir_all(twin.manifests().join("previews")).unwrap();
    std::fs::copy(own.manifests().join(keys), twin.manifests().join(keys)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_gateway_gets_a_connection_and_the_older_of_two_gives_way_without_a_loss() {
    let desk = Desk::new().await;
    let gateway = desk.team.gateway().await;
    let twin = twin(&desk);
    let other = Gateway::start_with(&twin, |command| {
        command.arg(format!("--portal={}", twin.at(8088))).arg("--allow-previews");
    })
    .await;
    let (one, two) = (desk.team.site.http(), twin.http());
    // A process that is not known somewhere ends: both gateways know people before it comes.
    let list = get(PORTAL, "/api/v1/previews").with("authorization", &desk.team.person("team-cart"));
    eventually("the twin knows people", async || match Client::http(two).ask(&list).await.status {
        200 => Ok(()),
        status => Err(status.to_string()),
    })
    .await;
    // The first two come out at the same gateway.
    let (address, _balancer) = balance(vec![one, one, two]).await;
    let process = desk.serve_at(address, desk.team.branch.address(), &["--gateways", "2", "--quiet"]);
    let host = desk.host(&gateway).await;
    desk.answers(&host, "branch").await;
    let load = Load::kept(&desk.team.client(), vec![get(&host, CART); 2], |reply| reply.by() == "branch");
    process.line(&["Connected to 2 of 2 gateways: "]).await;
    let by_other = Client::http(two);
    eventually("the other gateway has it too", async || match by_other.ask(&get(&host, CART)).await.by().as_str() {
        "branch" => Ok(()),
        by => Err(by.to_owned()),
    })
    .await;
    gateway.line(&["no longer serves", "it has connected again"]).await;
    // One gateway goes: what was at it comes out at the one that stays, again and again, and nobody notices.
    other.stop().await;
    process.line(&["Not connected: the gateway is stopping"]).await;
    for _ in 0..5 {
        load.more(100).await;
    }
    load.stop().await.assert_nothing_lost(500);
    interrupt(process).await;
    gateway.stop().await;
}

async fn start_without_portal<'s>(site: &'s Site, key: &Path) -> Gateway<'s> {
    let gateway = Gateway::start_with(site, |command| {
        command.arg("--allow-previews").env("NUNCIO_AUTHZ_ASSERTION_KEY", key);
    })
    .await;
    gateway.admin.state("Preview", "tax", "acked").await;
    gateway
}

/// As the chart has it: pods with gateways, and a portal in a pod of its own that asks the Service before their diagnostics.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_portal_before_several_controllers_brings_a_connection_to_each() {
    let desk = Desk::new().await;
    let site = &desk.team.site;
    // By which the portal knows people, whichever gateway they come by.
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("assertion.key");
    std::fs::write(&key, Authority::new("gateways").issue(&["gateway"]).key).unwrap();
    let gateway = start_without_portal(site, &key).await;
    let twin = twin_without_portal(&desk);
    let other = start_without_portal(&twin, &key).await;
    let (controllers, _balancer) = balance(vec![site.admin(), twin.admin()]).await;
    let (admin, listen) = (controllers.to_string(), site.at(8088).to_string());
    let keys = format!("http://{}/.nuncio/jwks", site.http());
    let portal = Process::spawn(&mut site.nuncio(&[
        "portal",
        "--admin",
        &admin,
        "--listen",
        &listen,
        "--portal-identity-keys",
        &keys,
    ]));
    let list = get(PORTAL, "/api/v1/previews").with("authorization", &desk.team.person("team-cart"));
    eventually("the portal knows people", async || match desk.team.client().send(&list).await {
        Ok(reply) if reply.status == 200 => Ok(()),
        reply => Err(format!("{reply:?}")),
    })
    .await;
    // Both connections come by the same gateway, and are the controllers' in turn.
    let process = desk.serve(desk.team.branch.address(), &["--gateways", "2", "--quiet"]);
    process.line(&["Connected to 2 of 2 gateways: "]).await;
    let host = desk.host(&gateway).await;
    for site in [site, &twin] {
        let client = Client::http(site.http());
        eventually("each gateway has one", async || match client.ask(&get(&host, CART)).await.by().as_str() {
            "branch" => Ok(()),
            by => Err(by.to_owned()),
        })
        .await;
    }
    interrupt(process).await;
    drop(portal);
    gateway.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_more_gateways_than_there_are_is_told_so_and_served() {
    let desk = Desk::new().await;
    let gateway = desk.team.gateway().await;
    // Each connection takes the place of the one before.
    let args = ["--gateways", "8", "--quiet"];
    let process = desk.serve_at(desk.team.site.http(), desk.team.branch.address(), &args);
    process.line(&["Connected to 1 of 8 gateways: "]).await;
    process.line(&["warning: fewer than 8 gateways seem to be behind this address", "--gateways says how many"]).await;
    let host = desk.host(&gateway).await;
    desk.answers(&host, "branch").await;
    interrupt(process).await;
    gateway.stop().await;
}
