//! A developer's own process stands in for a service: it connects to the gateway, and the gateway's requests come that way.

mod ending;
pub(super) mod namespaces;
mod protocols;
mod refusals;
mod several;
mod silence;

use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use nuncio_e2e::{Load, Process, keep_secret, nuncio};
use rustix::process::Signal;
use tokio::net::TcpSocket;

use super::*;

const CART: &str = "/cart/";

/// A shop with a preview whose cart is whoever runs `nuncio preview serve`.
struct Desk {
    team: Team,
}

impl Desk {
    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// With a preview that is changed in a test's way.
    async fn with(change: impl FnOnce(&mut Value)) -> Self {
        let desk = Self { team: Team::new().await };
        let team = &desk.team;
        team.site.write("policy.yaml", documents(&[team.policy(|policy| policy["spec"]["tunnels"] = json!(true))]));
        team.site.write("portal.yaml", documents(&desk.portal(|_| ())));
        let mut preview = team.manifest("tax");
        preview["spec"]["services"] = json!([{"baseline": team.cart.address().to_string(), "tunnel": true}]);
        change(&mut preview);
        team.site.write("tax.yaml", documents(&[preview]));
        desk
    }

    /// The portal, at whatever name the gateway is reached by: here it has none.
    fn portal(&self, change: impl FnOnce(&mut Value)) -> [Value; 2] {
        let mut portal = mapping_on("*", "portal-everywhere", "/api/v1/", self.team.site.at(8088));
        portal["spec"]["rewrite"] = json!("");
        portal["spec"]["allow_upgrade"] = json!(["nuncio-tunnel"]);
        change(&mut portal);
        let rule = json!({"host": "*", "path": "/api/v1/*", "filters": [{"name": "token"}]});
        [portal, object("FilterPolicy", "portal-everywhere", json!({"rules": [rule]}))]
    }

    /// The developer's command, as somebody of the team.
    fn serve(&self, process: SocketAddr, args: &[&str]) -> Process {
        self.serve_at(self.team.site.http(), process, args)
    }

    /// The same at another address of the portal.
    fn serve_at(&self, portal: SocketAddr, process: SocketAddr, args: &[&str]) -> Process {
        serve(&self.team.person("team-cart"), portal, process, args)
    }

    /// The same as somebody else.
    fn serve_as(&self, token: &str, process: SocketAddr, args: &[&str]) -> Process {
        serve(token, self.team.site.http(), process, args)
    }

    /// The preview's host, once every Envoy has it.
    async fn host(&self, gateway: &Gateway<'_>) -> String {
        gateway.admin.state("Preview", "tax", "acked").await;
        let admin = self.team.site.admin().to_string();
        let output = self.team.site.nuncio(&["preview", "url", "tax", "--admin", &admin]).output().unwrap();
        let url = String::from_utf8(output.stdout).unwrap();
        url.trim_end().strip_prefix("http://").unwrap().trim_end_matches('/').to_owned()
    }

    /// What the doctor tells of the cart, and whether all is well.
    async fn diagnosis(&self) -> (Value, bool) {
        let admin = self.team.site.admin().to_string();
        let args = ["preview", "doctor", "tax", "--path", CART, "--admin", &admin, "-o", "json"];
        let mut command = self.team.site.nuncio(&args);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        (told["services"][0].clone(), output.status.success())
    }

    /// Who has served the cart, for how long and why no longer.
    fn is_on_record(&self) {
        let text = std::fs::read_to_string(self.team.site.root().join("audit.log")).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [opened, closed] = &lines[..] else { panic!("{text}") };
        for line in [opened, closed] {
            let who = [&line["subject"], &line["issuer"], &line["preview"], &line["service"]];
            let expected = ["ann", "https://people.example", "default/tax", &self.team.cart.address().to_string()];
            assert_eq!(who, expected, "{text}");
            assert!(line["time"].is_u64() && line["gateway"].as_str().is_some_and(|name| !name.is_empty()), "{text}");
        }
        assert_eq!((&opened["event"], &closed["event"]), (&json!("tunnel_opened"), &json!("tunnel_closed")));
        assert!(closed["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{text}");
        assert!(closed["requests"].as_u64().is_some_and(|requests| requests >= 4), "{text}");
        assert_eq!(closed["reason"], "it left");
        assert!(!text.contains("voucher"), "{text}");
    }

    /// Who answers at the preview's cart, once it is who should.
    async fn answers(&self, host: &str, by: &str) -> Reply {
        self.team.at(&format!("http://{host}/"), CART, by).await
    }
}

/// The developer's command.
fn serve(token: &str, portal: SocketAddr, process: SocketAddr, args: &[&str]) -> Process {
    let (server, port) = (format!("http://{portal}"), process.port().to_string());
    // Not at home in a gateway's place: it may outlive it.
    let mut command = Command::new(nuncio());
    command.args(["preview", "serve", "default/tax", "--port", &port, "--server", &server]).args(args);
    let token = token.strip_prefix("Bearer ").unwrap_or_default();
    if !token.is_empty() {
        keep_secret(token);
    }
    Process::spawn(command.env("NUNCIO_TOKEN", token))
}

/// Holds a place of this machine, any where the port is 0: nobody else gets it, and nothing listens there. Who reserves the same
/// place again may listen.
fn reserve(place: impl Into<SocketAddr>) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseport(true).unwrap();
    socket.bind(place.into()).unwrap();
    socket
}

/// Ends the command as a developer does.
async fn interrupt(mut process: Process) {
    process.signal(Signal::INT);
    assert_eq!(process.exit().await.code(), Some(0), "it stops well");
}

#[tokio::test]
async fn a_developers_process_gets_the_requests_for_as_long_as_it_is_connected() {
    let desk = Desk::new().await;
    let gateway = desk.team.gateway().await;
    let (client, host) = (desk.team.client(), desk.host(&gateway).await);
    desk.answers(&host, "503").await;
    assert_eq!(client.ask(&get(&host, "/")).await.by(), "web", "the rest is the baseline's");

    let process = desk.serve(desk.team.branch.address(), &[]);
    process.line(&["Connected", "serves default/tax"]).await;
    process.line(&[&format!("http://{host}/")]).await;
    let reply = desk.answers(&host, "branch").await;
    assert_eq!(reply.header("x-nuncio-served-by"), Some("preview"));
    let echo = reply.echo().unwrap();
    assert_eq!((echo.host.as_str(), echo.version.as_str()), (SHOP, "HTTP/1.1"));
    assert!(echo.header("x-nuncio-preview").is_some(), "what is to be handed on");
    assert_eq!(client.ask(&get(SHOP, CART)).await.by(), "cart", "the baseline does not notice");
    client.ask(&get(&host, "/cart/items?voucher=secret").method("DELETE").with("x-echo-status", "404")).await;
    process.line(&["DELETE /items 404 ", " ms"]).await;
    gateway.line(&["Preview default/tax: ann (https://people.example) serves "]).await;
    let page = get(PORTAL, "/docs/previews/default/tax").with("authorization", &desk.team.person("team-cart"));
    let page = client.ask(&page).await.text();
    let said = "ann (https://people.example) serves it, connected <time";
    assert!(page.contains(said) && page.contains(" --replace</code>"), "{page}");

    // Some megabytes in either direction, with others beside.
    let body = "0123456789abcdef".repeat(300_000);
    let (big, small) = (get(&host, CART).method("POST").body(body.clone()), get(&host, CART));
    let (reply, other) = tokio::join!(client.ask(&big), client.ask(&small));
    assert!(reply.echo().is_some_and(|echo| echo.body == body), "{} with {} bytes", reply.status, reply.body.len());
    assert_eq!(other.by(), "branch");

    let lines = process.stdout().join("\n");
    assert!(!lines.contains("voucher"), "{lines}");
    let counted = async || {
        let shown = gateway.admin.list("previews?name=tax").await.remove(0);
        shown["services"][0]["requests"].as_u64().unwrap_or_default()
    };
    let before = eventually("they are counted", async || match counted().await {
        count if count >= 4 => Ok(count),
        count => Err(count),
    })
    .await;
    interrupt(process).await;
    gateway.line(&["Preview default/tax: ann", "no longer serves", "until now: it left"]).await;
    desk.answers(&host, "503").await;
    // Whoever asks now is counted as well: what is told then is newer than that the process has gone.
    let asked = |shown: &Value| shown["requests"].as_u64().unwrap_or_default();
    let all = asked(&gateway.admin.list("previews?name=tax").await.remove(0));
    eventually("it was looked since then", async || {
        client.ask(&get(&host, "/")).await;
        let shown = gateway.admin.list("previews?name=tax").await.remove(0);
        if asked(&shown) > all { Ok(()) } else { Err(shown) }
    })
    .await;
    let after = counted().await;
    assert!(after >= before, "what was counted stays: {after} after {before}");
    desk.is_on_record();
    gateway.stop().await;
}

#[tokio::test]
async fn a_process_that_is_not_there_is_told_of() {
    let desk = Desk::new().await;
    let gateway = desk.team.gateway().await;
    let host = desk.host(&gateway).await;
    let held = reserve(([127, 0, 0, 1], 0));
    let nobody = held.local_addr().unwrap();
    let process = desk.serve(nobody, &[]);
    let reply = desk.answers(&host, "502").await;
    assert!(reply.text().contains(&format!("nothing listens at 127.0.0.1:{}", nobody.port())), "{}", reply.text());
    process.line(&["GET / 502 ", " ms"]).await;
    let at_the_start = format!("Nothing listens at 127.0.0.1:{} yet", nobody.port());
    eventually("it is said at the start", async || {
        let told = process.stderr();
        if told.iter().any(|line| line.starts_with(&at_the_start)) { Ok(()) } else { Err(told.join("\n")) }
    })
    .await;
    interrupt(process).await;
    gateway.stop().await;
}

fn is_answered(reply: &Reply) -> bool {
    ["branch", "cart", "502", "503"].contains(&reply.by().as_str())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_breaks_under_load_leaves_no_request_hanging() {
    let desk = Desk::with(|preview| preview["spec"]["services"][0]["whenMissing"] = json!("Baseline")).await;
    let gateway = desk.team.gateway().await;
    let (client, host) = (desk.team.client(), desk.host(&gateway).await);
    let reply = desk.answers(&host, "cart").await;
    assert_eq!(reply.header("x-nuncio-served-by"), Some("baseline"));
    let load = Load::kept(&client, vec![get(&host, CART); 4], is_answered);
    for _ in 0..2 {
        let mut process = desk.serve(desk.team.branch.address(), &["--quiet"]);
        desk.answers(&host, "branch").await;
        load.more(100).await;
        let held = get(&host, CART).with("x-echo-hold", "1");
        let held = tokio::spawn({
            let client = client.clone();
            async move { client.ask(&held).await }
        });
        // So that it has arrived.
        load.more(50).await;
        process.signal(Signal::KILL);
        process.exit().await;
        // Long before the route's time is up.
        let reply = held.await.unwrap();
        assert!(["502", "503"].contains(&reply.by().as_str()), "{}", reply.status);
        gateway.line(&["no longer serves", "the connection broke"]).await;
        desk.answers(&host, "cart").await;
        assert!(!process.stdout().iter().any(|line| line.starts_with("GET")), "it was to be quiet");
    }
    load.more(50).await;
    // An answer that had begun breaks off with its process, and nobody can take it back; no other request is lost.
    let outcome = load.stop().await;
    assert!(outcome.failed <= 2 * 4 && outcome.failures.iter().all(|it| it.contains("IncompleteBody")), "{outcome:?}");
    assert!(outcome.sent >= 200, "{outcome:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_process_connects_again_by_itself() {
    let desk = Desk::new().await;
    let gateway = desk.team.gateway().await;
    let process = desk.serve(desk.team.branch.address(), &[]);
    let host = desk.host(&gateway).await;
    desk.answers(&host, "branch").await;
    let began = Instant::now();
    gateway.stop().await;
    assert!(began.elapsed() < Duration::from_secs(8), "it waits for no tunnel: {:?}", began.elapsed());
    process.line(&["Not connected: ", "again in"]).await;
    let gateway = desk.team.gateway().await;
    desk.answers(&host, "branch").await;
    interrupt(process).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_process_that_falls_silent_counts_as_gone() {
    let desk = Desk::with(|preview| preview["spec"]["services"][0]["whenMissing"] = json!("Baseline")).await;
    let gateway = desk.team.gateway().await;
    let mut process = desk.serve(desk.team.branch.address(), &[]);
    let host = desk.host(&gateway).await;
    desk.answers(&host, "branch").await;
    // Its connection stays: nothing tells but that nobody answers on it.
    process.signal(Signal::STOP);
    desk.answers(&host, "cart").await;
    gateway.line(&["no longer serves", "the connection broke"]).await;
    process.signal(Signal::KILL);
    process.exit().await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_preview_that_has_another_service_served_gets_another_tunnel() {
    let desk = Desk::new().await;
    let gateway = desk.team.gateway().await;
    let host = desk.host(&gateway).await;
    let process = desk.serve(desk.team.branch.address(), &[]);
    desk.answers(&host, "branch").await;
    let mut preview = desk.team.manifest("tax");
    preview["spec"]["services"] = json!([{"baseline": desk.team.web.address().to_string(), "tunnel": true}]);
    desk.team.site.write("tax.yaml", documents(&[preview]));
    gateway.line(&["no longer serves", "has another service served"]).await;
    desk.team.at(&format!("http://{host}/"), "/", "branch").await;
    desk.answers(&host, "cart").await;
    interrupt(process).await;
    gateway.stop().await;
}

#[tokio::test]
async fn the_doctor_sees_a_process_of_ones_own() {
    let desk = Desk::with(|preview| preview["spec"]["services"][0]["whenMissing"] = json!("Baseline")).await;
    let internal = crate::previews::internal_listener(&desk.team.site);
    desk.team.site.write("internal.yaml", documents(&[internal]));
    let gateway = desk.team.gateway().await;
    let host = desk.host(&gateway).await;
    let process = desk.serve(desk.team.branch.address(), &[]);
    desk.answers(&host, "branch").await;
    let (service, is_well) = desk.diagnosis().await;
    let told = ["backend", "key", "missing"].map(|field| &service[field]);
    assert_eq!((told, is_well), ([&json!("a tunnel"), &json!("carried"), &Value::Null], true));
    interrupt(process).await;

    // The key arrives, and nobody is there.
    desk.answers(&host, "cart").await;
    let (service, is_well) = desk.diagnosis().await;
    let nobody = format!("nobody runs `nuncio preview serve` for {}", desk.team.cart.address());
    assert_eq!((&service["key"], &service["missing"], is_well), (&json!("carried"), &json!(nobody), false));
    gateway.stop().await;
}

#[tokio::test]
async fn who_serves_is_told_to_who_may_change_it_and_not_to_who_may_only_look() {
    let desk =
        Desk::with(|preview| preview["spec"]["access"] = json!({"mode": "Members", "groups": ["viewers"]})).await;
    let policy = desk.team.policy(|policy| {
        policy["spec"]["access"] = json!(["Members"]);
        policy["spec"]["filters"] = json!([{"name": "token"}]);
        policy["spec"]["tunnels"] = json!(true);
    });
    desk.team.site.write("policy.yaml", documents(&[policy]));
    let gateway = desk.team.gateway().await;
    gateway.admin.state("Preview", "tax", "acked").await;
    let process = desk.serve(desk.team.branch.address(), &[]);
    process.line(&["Connected"]).await;
    let told = async |group: &str| {
        let ask = get(PORTAL, "/api/v1/previews/default/tax").with("authorization", &desk.team.person(group));
        json_of(&desk.team.client().ask(&ask).await)["services"][0].clone()
    };
    let (own, looking) = (told("team-cart").await, told("viewers").await);
    assert_eq!(own["served_by"]["by"], "ann (https://people.example)", "{own}");
    assert!(looking["baseline"] == own["baseline"] && looking["served_by"].is_null(), "{looking}");
    interrupt(process).await;
    gateway.stop().await;
}
