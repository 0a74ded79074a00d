//! Several gateways behind one address.

use std::net::Ipv4Addr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

use super::*;

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

/// Another gateway with the same manifests, and what the first has made keys and URLs of.
fn twin(desk: &Desk) -> Site {
    let (own, twin) = (&desk.team.site, Site::new());
    for file in ["shop.yaml", "policy.yaml", "portal.yaml", "tax.yaml"] {
        let text = std::fs::read_to_string(own.manifests().join(file)).unwrap();
        twin.write(file, text.replace(&own.ip().to_string(), &twin.ip().to_string()));
    }
    let keys = "previews/default.keys.yaml";
    std::fs::create_dir_all(twin.manifests().join("previews")).unwrap();
    std::fs::copy(own.manifests().join(keys), twin.manifests().join(keys)).unwrap();
    twin
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
    load.more(500).await;
    load.stop().await.assert_nothing_lost(500);
    interrupt(process).await;
    gateway.stop().await;
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
