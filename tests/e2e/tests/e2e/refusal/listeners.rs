//! Hosts and Listeners that Envoy refuses.

use nuncio_e2e::{Authority, Tls};

use super::*;

/// Asks for suites with two properties that exclude each other: a rule that is well-formed, and leaves none.
fn without_suites(mut host: Value) -> Value {
    host["spec"]["tls"] = json!({"cipher_suites": ["kECDHE+kRSA"]});
    host
}

#[tokio::test]
async fn two_hosts_that_envoy_refuses_are_both_found_and_the_port_stays_open() {
    let (site, a, authority) = (Site::new(), Backend::start("a").await, Authority::new("ca"));
    let names = ["good", "bad1", "bad2", "bad3"];
    let hostnames = names.map(|name| format!("{name}.example"));
    let secrets: Vec<Value> =
        (0..4).map(|at| yaml::tls_secret(names[at], &authority.issue(&[&hostnames[at]]))).collect();
    let module = object("Module", "ambassador", json!({"config": {"server_name": "ours"}}));
    site.write("secrets.yaml", documents(&secrets));
    let gateway_objects = [module, yaml::tls_host("good", "good.example"), mapping("all", "/", a.address())];
    site.write("gateway.yaml", yaml::listeners(&site) + &documents(&gateway_objects));
    site.write("bad1.yaml", documents(&[without_suites(yaml::tls_host("bad1", "bad1.example"))]));
    // The first is there from the start, where Envoy has it before its certificate.
    let gateway = Gateway::start(&site).await;
    let client = Client::https(site.https(), Tls::to("good.example", &authority));
    for (at, name) in [(1, "bad1"), (2, "bad2"), (3, "bad3")] {
        let file = format!("{name}.yaml");
        site.write(&file, documents(&[without_suites(yaml::tls_host(name, &hostnames[at]))]));
        only_refused(&gateway.admin, &names[1..=at]).await;
        eventually("the port is open", async || {
            let reply = client.send(&get("good.example", "/")).await.map_err(|failure| failure.to_string())?;
            if reply.by() == "a" && reply.header("server") == Some("ours") { Ok(()) } else { Err(reply.by()) }
        })
        .await;
    }
    site.write("bad2.yaml", documents(&[yaml::tls_host("bad2", "bad2.example")]));
    only_refused(&gateway.admin, &["bad1", "bad3"]).await;
    let client = Client::https(site.https(), Tls::to("bad2.example", &authority));
    eventually("the mended Host serves", async || {
        let reply = client.send(&get("bad2.example", "/")).await.map_err(|failure| failure.to_string())?;
        if reply.by() == "a" { Ok(()) } else { Err(reply.by()) }
    })
    .await;
    gateway.stop().await;
}

/// As an Envoy says, of which the controller knows no more.
#[tokio::test]
async fn a_listener_whose_port_is_taken_accuses_nobody_else() {
    let (site, a) = (Site::new(), Backend::start("a").await);
    let module = object("Module", "ambassador", json!({"config": {"server_name": "ours"}}));
    site.write("gateway.yaml", plain(&site) + &documents(&[module, mapping("x", "/", a.address())]));
    // Elsewhere than its Envoy, a controller cannot try ports.
    let controller = Controller::start(&site).await;
    let envoy = Envoy::start(&site, "one");
    eventually("ready", async || controller.admin.ready().await).await;
    let taken = std::net::TcpListener::bind(site.https()).unwrap();
    site.write("more.yaml", documents(&[listener("more", site.https().port(), "HTTP")]));
    controller.line(&["Envoy refused", "cannot bind"]).await;
    only_refused(&controller.admin, &["more"]).await;
    let reply = Client::http(site.http()).ask(&get("a.example", "/")).await;
    assert_eq!((reply.by().as_str(), reply.header("server")), ("a", Some("ours")));
    drop((taken, envoy));
    controller.kill().await;
}
