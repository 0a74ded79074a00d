//! A service that decides in a process of its own.

use std::process::Command;

use nuncio_e2e::{Controller, Process};

use super::*;

/// `nuncio authz`, told rules by the controller of a site.
fn decider(site: &Site) -> Process {
    let mut command = Command::new(nuncio());
    command.args(["authz", "--xds", &site.xds().to_string(), "--grpc", &site.at(8500).to_string()]);
    Process::spawn(command.args(["--admin", &site.at(8501).to_string()]))
}

/// A controller without Envoy decides nothing itself: it is told who does.
#[tokio::test]
async fn a_service_of_its_own_decides_for_a_controller() {
    let (site, upstream) = (Site::new(), Backend::start("up").await);
    site.write("edge.yaml", edge(&site, &upstream) + &documents(&[keys(), key("key-1"), protect("/private/*")]));
    let mut command = site.nuncio(&["controller"]);
    command.arg(site.manifests()).args(["--authz", &site.at(8500).to_string()]);
    let controller = Controller::start_by(&site, &mut command).await;
    let (_envoy, first) = (Envoy::start(&site, "one"), decider(&site));
    let client = Client::http(site.http());
    let private = get("a.example", "/private/x");
    becomes(&client, "refused without a key", &private, 401).await;
    becomes(&client, "let in with it", &with_key("a.example", "/private/x", "key-1"), 200).await;
    controller.admin.state("FilterPolicy", "policy", "acked").await;

    drop(first);
    becomes(&client, "refused while nobody decides", &with_key("a.example", "/private/x", "key-1"), 503).await;
    assert_eq!(client.ask(&get("a.example", "/open/x")).await.status, 200);
    let _second = decider(&site);
    becomes(&client, "let in again", &with_key("a.example", "/private/x", "key-1"), 200).await;
    assert_eq!(client.ask(&private).await.status, 401);
    controller.kill().await;
}
