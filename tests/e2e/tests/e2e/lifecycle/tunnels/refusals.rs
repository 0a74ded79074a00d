//! Who may not stand in, and how he learns why.

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// Waits for the end of a command that is refused: what it said.
async fn refused(mut process: Process) -> String {
    // Who is not known is asked for 10 s, and once more after up to 5.
    let code = within(3 * DEADLINE, "it ends", async || process.ended().ok_or("it runs")).await.code();
    let said = eventually("a reason", async || {
        let lines = process.stderr();
        if lines.is_empty() { Err(process.stdout().join("\n")) } else { Ok(lines.join("\n")) }
    })
    .await;
    assert_eq!(code, Some(1), "{said}");
    said
}

#[tokio::test]
async fn nobody_serves_what_he_may_not_change() {
    let desk = Desk::with(|preview| {
        let services = preview["spec"]["services"].as_array_mut().unwrap();
        services.push(json!({"baseline": "web.example:80", "backend": "web-42.example:80"}));
    })
    .await;
    let gateway = desk.team.gateway().await;
    let host = desk.host(&gateway).await;
    let (process, member) = (desk.team.branch.address(), desk.team.person("team-cart"));
    let serve = |token: &str, args: &[&str]| refused(desk.serve_as(token, process, args));
    // Who is not known may be in a moment, but not for ever.
    let (nobody, stranger) = tokio::join!(serve("", &[]), serve("Bearer not-a-token-of-anybody", &[]));
    for said in [nobody, stranger] {
        assert!(said.contains("401") && said.contains("it has said so for 10 s"), "{said}");
    }
    for (token, args, why) in [
        (&desk.team.person("others"), &[][..], "403 Forbidden: the PreviewPolicy does not let you change previews"),
        (&desk.team.job("acme/other"), &[], "403"),
        (&desk.team.job("acme/cart"), &[], "none of acme/cart's"),
        (&member, &["--service", "carts"], "404"),
        (
            &member,
            &["--service", "web.example"],
            "409 Conflict: web.example:80 of Preview default/tax is replaced by web-42",
        ),
    ] {
        let said = serve(token, args).await;
        assert!(said.contains(why), "{args:?}: {said}");
    }
    // Nor does a stranger by what the gateway says inside.
    let path = "/api/v1/previews/default/tax/tunnel?session=x";
    let ask = get("any.example", path).with("connection", "upgrade").with("upgrade", "nuncio-tunnel");
    assert_eq!(Client::http(desk.team.site.at(8088)).ask(&ask).await.status, 401);
    let ask = get("any.example", path).with("authorization", &member);
    let reply = desk.team.client().ask(&ask).await;
    assert_eq!((reply.status, reply.text().contains("Upgrade: nuncio-tunnel")), (426, true), "{}", reply.text());
    desk.answers(&host, "503").await;

    // What is not there.
    let server = format!("http://{}", desk.team.site.http());
    let mut command = desk.team.site.nuncio(&["preview", "serve", "default/none", "--port", "1", "--server", &server]);
    command.env("NUNCIO_TOKEN", member.strip_prefix("Bearer ").unwrap());
    let said = refused(Process::spawn(&mut command)).await;
    assert!(said.contains("404 Not Found: there is no Preview default/none"), "{said}");
    assert!(!said.contains("Nothing listens"), "that is no matter for who is refused: {said}");

    // A portal whose Mapping lets no other protocol through.
    let closed = desk.portal(|portal| portal["spec"]["allow_upgrade"] = json!([]));
    desk.team.site.write("portal.yaml", documents(&closed));
    gateway.line(&["Mapping default/portal-everywhere changed", "live on 1 Envoy"]).await;
    let said = serve(&member, &[]).await;
    assert!(said.contains("allow_upgrade: [nuncio-tunnel]"), "{said}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_gateway_that_does_not_know_him_yet_is_asked_again() {
    let desk = Desk::new().await;
    let filter = |jwks: &str| documents(&[object("Filter", "token", json!({"JWT": {"jwksURI": jwks}}))]);
    let mut shop = desk.team.shop();
    shop.retain(|object| object["metadata"]["name"] != "token");
    desk.team.site.write("shop.yaml", documents(&shop));
    let other = Issuer::start().await;
    desk.team.site.write("token.yaml", filter(&other.jwks_uri));
    let gateway = desk.team.gateway().await;
    let host = desk.host(&gateway).await;
    let process = desk.serve(desk.team.branch.address(), &[]);
    process.line(&["Not connected: ", "401", "again in"]).await;
    desk.team.site.write("token.yaml", filter(&desk.team.issuer.jwks_uri));
    process.line(&["Connected"]).await;
    desk.answers(&host, "branch").await;
    interrupt(process).await;
    gateway.stop().await;
}

/// A connection that has switched protocols and says nothing more.
async fn silent(desk: &Desk, number: usize) -> TcpStream {
    let mut stream = TcpStream::connect(desk.team.site.http()).await.unwrap();
    let (path, token) = ("/api/v1/previews/default/tax/tunnel", desk.team.person("team-cart"));
    let ask = format!(
        "GET {path}?session=s{number} HTTP/1.1\r\nhost: any.example\r\nconnection: upgrade\r\n\
         upgrade: nuncio-tunnel\r\nauthorization: {token}\r\n\r\n"
    );
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
    stream
}

#[tokio::test]
async fn few_connections_wait_for_their_processes_to_answer() {
    let desk = Desk::new().await;
    let gateway = desk.team.gateway().await;
    let host = desk.host(&gateway).await;
    eventually("the portal knows people", async || {
        let ask = get("any.example", "/api/v1/previews").with("authorization", &desk.team.person("team-cart"));
        let reply = desk.team.client().ask(&ask).await;
        if reply.status == 200 { Ok(()) } else { Err(reply.text()) }
    })
    .await;
    let process = {
        let desk = &desk;
        let silent = join_all((0..64).map(|number| async move { (number, silent(desk, number).await) })).await;
        // One that says nothing is given up after a while: on a busy machine others come in their places.
        let keep = join_all(silent.into_iter().map(|(number, mut stream)| async move {
            loop {
                while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {}
                stream = self::silent(desk, number).await;
            }
        }));
        let process = desk.serve(desk.team.branch.address(), &[]);
        let is_kept_out = async {
            process.line(&["Not connected: "]).await;
            desk.answers(&host, "503").await;
        };
        tokio::select! {
            _ = keep => unreachable!("they are kept"),
            () = is_kept_out => process,
        }
    };
    // Those that go make room.
    process.line(&["Connected"]).await;
    desk.answers(&host, "branch").await;
    interrupt(process).await;
    gateway.stop().await;
}

#[tokio::test]
async fn one_serves_a_service_and_another_only_in_his_place() {
    let desk = Desk::new().await;
    let gateway = desk.team.gateway().await;
    let host = desk.host(&gateway).await;
    let first = desk.serve(desk.team.branch.address(), &[]);
    desk.answers(&host, "branch").await;
    let bob = desk.team.token(&json!({"iss": "https://people.example", "sub": "bob", "groups": ["team-cart"]}));
    let said = refused(desk.serve_as(&bob, desk.team.web.address(), &[])).await;
    assert!(said.contains("409 Conflict: ann (https://people.example) serves"), "{said}");
    assert!(said.contains("--replace takes it over"), "{said}");
    let second = desk.serve_as(&bob, desk.team.web.address(), &["--replace"]);
    desk.answers(&host, "web").await;
    first.line(&["Not connected: bob (https://people.example) has taken over"]).await;
    let said = refused(first).await;
    assert!(said.contains("409 Conflict: bob"), "{said}");
    interrupt(second).await;
    gateway.stop().await;
}

#[tokio::test]
async fn who_may_no_longer_serve_stops_doing_so() {
    let desk = Desk::new().await;
    let gateway = desk.team.gateway().await;
    let host = desk.host(&gateway).await;
    let process = desk.serve(desk.team.branch.address(), &[]);
    desk.answers(&host, "branch").await;
    desk.team.site.write("policy.yaml", documents(&[desk.team.policy(|_| ())]));
    desk.answers(&host, "503").await;
    let said = refused(process).await;
    assert!(said.contains("403 Forbidden: the PreviewPolicy allows no tunnels"), "{said}");
    gateway.line(&["no longer serves", "the PreviewPolicy allows no tunnels"]).await;
    let said = refused(desk.serve(desk.team.branch.address(), &[])).await;
    assert!(said.contains("403 Forbidden: the PreviewPolicy allows no tunnels"), "{said}");
    gateway.stop().await;
}
