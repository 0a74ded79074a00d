//! Ports that somebody else has.

use std::net::TcpListener;
use std::process::Command;

use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, host, listener, mapping, plain};
use nuncio_e2e::{Client, Gateway, Process, Site, eventually, get};

/// What a gateway that cannot start says: one line, and an exit code other than 0; nothing is left running.
async fn refused(site: &Site, command: &mut Command) -> (i32, String) {
    let mut process = Process::spawn(command);
    let status = process.exit().await;
    let stderr = eventually("a line on standard error", async || {
        let lines = process.stderr();
        if lines.is_empty() { Err("none") } else { Ok(lines) }
    })
    .await;
    assert_eq!(stderr.len(), 1, "{stderr:#?}");
    assert!(stderr[0].starts_with("nuncio: "), "{stderr:#?}");
    assert_eq!(site.leftovers(), [""; 0]);
    (status.code().expect("an exit code"), stderr[0].clone())
}

#[tokio::test]
async fn a_listeners_port_that_another_process_has_ends_it() {
    let site = Site::new();
    site.write("listener.yaml", plain(&site));
    let _other = TcpListener::bind(site.http()).unwrap();
    let (code, line) = refused(&site, &mut site.up()).await;
    assert_eq!(code, 1);
    assert!(line.contains(&site.http().to_string()) && line.contains("in use"), "{line}");
}

#[tokio::test]
async fn a_listeners_port_that_another_gateway_has_ends_it() {
    let site = Site::new();
    site.write("listener.yaml", plain(&site));
    let gateway = Gateway::start(&site).await;
    let second = Site::new();
    second.write("listener.yaml", plain(&site));
    let (code, line) = refused(&second, &mut second.up_at(site.ip())).await;
    assert_eq!(code, 1);
    assert!(line.contains(&site.http().to_string()) && line.contains("in use"), "{line}");
    gateway.stop().await;
}

#[tokio::test]
async fn an_admin_port_that_another_process_has_ends_it() {
    let site = Site::new();
    site.write("listener.yaml", plain(&site));
    let _other = TcpListener::bind(site.admin()).unwrap();
    let (code, line) = refused(&site, &mut site.up()).await;
    assert_eq!(code, 1);
    assert!(line.contains(&site.admin().to_string()) && line.contains("in use") && line.contains("--admin"), "{line}");
}

/// Asks until `client` is answered by `wanted`.
async fn answered_by(client: &Client, wanted: &str) {
    client.until_by(&get("a.example", "/x/"), wanted).await;
}

#[tokio::test]
async fn a_listener_that_moves_to_a_port_of_others_stays_where_it_was_until_that_is_free() {
    let (site, a, b) = (Site::new(), Backend::start("a").await, Backend::start("b").await);
    let objects = [host("any", "*"), mapping("x", "/x/", a.address())];
    site.write("all.yaml", documents(&objects));
    let at = |port: u16| documents(&[listener("http", port, "HTTP")]);
    site.write("listener.yaml", at(site.http().port()));
    let gateway = Gateway::start(&site).await;
    // Another gateway at the same address: its Envoy would share the port.
    let other = Site::new();
    other.write(
        "all.yaml",
        documents(&[host("any", "*"), mapping("x", "/x/", b.address()), listener("http", 7124, "HTTP")]),
    );
    let second = Gateway::start_by(&other, &mut other.up_at(site.ip())).await;
    let busy = TcpListener::bind(site.at(7125)).unwrap();

    let (here, there) = (Client::http(site.http()), Client::http(site.at(7124)));
    let mut kept = here.connect().await.unwrap();
    for port in [7124, 7125, site.admin().port()] {
        site.write("listener.yaml", at(port));
        let address = format!("{}:{port}", site.ip());
        let problem = gateway.admin.problem(&["PortConflict", &address, "in use"]).await;
        assert!(problem["field"] == "spec.port" && problem["location"]["file"] == "listener.yaml", "{problem}");
        gateway.line(&["error: listener.yaml:", &address, "until it is free"]).await;
        for _ in 0..20 {
            assert_eq!(here.ask(&get("a.example", "/x/")).await.by(), "a");
            assert_eq!(there.ask(&get("a.example", "/x/")).await.by(), "b", "nobody takes a share of it");
        }
    }
    assert_eq!(kept.send(&get("a.example", "/x/")).await.unwrap().status, 200, "no listener was drained");

    site.write("listener.yaml", at(7125));
    gateway.admin.problem(&["PortConflict", "7125"]).await;
    drop(busy);
    answered_by(&Client::http(site.at(7125)), "a").await;
    gateway.line(&["Listener default/http changed → live"]).await;
    gateway.admin.no_problem(&["PortConflict"]).await;
    eventually("the old port is given up", async || match here.connect().await {
        Ok(_) => Err("it is still there"),
        Err(_) => Ok(()),
    })
    .await;
    second.stop().await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_new_listener_on_a_port_of_others_waits_and_harms_nobody() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    site.write("all.yaml", plain(&site) + &documents(&[mapping("x", "/x/", a.address())]));
    let gateway = Gateway::start(&site).await;
    let taken = TcpListener::bind(site.at(7123)).unwrap();
    site.write("more.yaml", documents(&[listener("more", 7123, "HTTP")]));
    gateway.admin.problem(&["PortConflict", "more", "in use"]).await;
    answered_by(&Client::http(site.http()), "a").await;
    drop(taken);
    answered_by(&Client::http(site.at(7123)), "a").await;
    gateway.stop().await;
}
