//! A developer's machine that nobody can reach: another network namespace, whose firewall lets nothing in but answers.

use std::net::Ipv4Addr;
use std::time::Duration;

use nuncio_e2e::yaml::{tls_host, tls_secret};
use nuncio_e2e::{Authority, Tls, in_namespaces};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;

/// The gateway's machine, and the developer's, which the gateway's knows no way to beyond its outer address.
pub(in crate::lifecycle) const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
const DEVELOPER: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);
pub(in crate::lifecycle) const PREPARE: &str = "
ip link set lo up
mkdir -p /run/netns
mount -t tmpfs none /run/netns
ip netns add developer
ip link add gateway type veth peer name eth0 netns developer
ip addr add 10.9.0.1/30 dev gateway
ip link set gateway up
ip -n developer addr add 10.9.0.2/30 dev eth0
ip -n developer link set lo up
ip -n developer link set eth0 up
ip netns exec developer nft '
table inet outward {
  chain input {
    type filter hook input priority 0; policy drop;
    iifname lo accept
    ct state established,related accept
  }
}'
";

const HERE: &str = "lifecycle::tunnels::namespaces";

#[test]
fn a_process_serves_from_a_machine_that_can_only_dial_out() {
    in_namespaces(&format!("{HERE}::from_the_developers_machine"), PREPARE, &[]);
}

/// Runs a program of the developer's.
pub(in crate::lifecycle) fn on_the_developers_machine(
    program: &std::path::Path,
    args: &[&str],
) -> std::process::Command {
    let mut command = std::process::Command::new("ip");
    command.args(["netns", "exec", "developer"]).arg(program).args(args);
    command
}

#[tokio::test]
#[ignore = "the test above runs it, where the machines are"]
async fn from_the_developers_machine() {
    let (desk, authority) = (Desk::new().await, Authority::new("a test's own"));
    let site = &desk.team.site;
    let identity = authority.issue(&["gateway.example", &GATEWAY.to_string()]);
    let mut shop = desk.team.shop();
    shop.retain(|object| object["kind"] != "Host");
    site.write("shop.yaml", documents(&shop));
    let objects =
        [listener("https", site.https().port(), "HTTPS"), tls_host("secure", "*"), tls_secret("secure", &identity)];
    site.write("secure.yaml", documents(&objects));
    std::fs::write(site.root().join("authority.pem"), authority.pem()).unwrap();
    let mut command = site.up_at(GATEWAY.into());
    command.arg(format!("--portal={}", site.at(8088))).arg("--allow-previews");
    let gateway = Gateway::start_by(site, &mut command).await;
    let host = desk.host(&gateway).await;

    let own = std::env::current_exe().unwrap();
    let args = ["--ignored", "--exact", "--nocapture", &format!("{HERE}::the_developers_process")];
    let cart = Process::spawn(&mut on_the_developers_machine(&own, &args));
    let port = cart.line(&["listens at "]).await;
    let port = port.rsplit("listens at ").next().unwrap().trim().to_owned();
    let server = format!("https://{GATEWAY}:{}", site.https().port());
    let args = ["preview", "serve", "default/tax", "--port", &port, "--server", &server];
    let token = desk.team.person("team-cart");
    keep_secret(token.strip_prefix("Bearer ").unwrap());
    let mut serve = on_the_developers_machine(&nuncio_e2e::nuncio(), &args);
    serve.env("NUNCIO_TOKEN", token.strip_prefix("Bearer ").unwrap());
    serve.env("SSL_CERT_FILE", site.root().join("authority.pem"));
    let serve = Process::spawn(&mut serve);
    serve.line(&["Connected"]).await;

    let visitor = Client::https((GATEWAY, site.https().port()).into(), Tls::unchecked(&host));
    let reply = eventually("the developer's cart", async || {
        let reply = visitor.ask(&get(&host, CART)).await;
        if reply.by() == "on the desk" { Ok(reply) } else { Err(reply.by()) }
    })
    .await;
    assert_eq!(reply.header("x-nuncio-served-by"), Some("preview"));
    // Nothing leads there but the connection that was made from there, though the process listens for everybody.
    let port: u16 = port.parse().unwrap();
    let way = timeout(Duration::from_secs(2), TcpStream::connect((DEVELOPER, port))).await;
    assert!(way.is_err(), "somebody answers: {way:?}");
    interrupt(serve).await;
    gateway.stop().await;
}

#[tokio::test]
#[ignore = "the test above runs it, on the developer's machine"]
async fn the_developers_process() {
    let cart = Backend::start_at("on the desk", Ipv4Addr::UNSPECIFIED.into()).await;
    let port = cart.address().port();
    TcpStream::connect((DEVELOPER, port)).await.expect("from its own machine it is reached by that address");
    println!("listens at {port}");
    std::future::pending::<()>().await;
}
