//! Who asks the controller itself, past the portal: another pod that reaches its diagnostics.

use std::env;

use nuncio_e2e::{Process, in_namespaces, keep_secret};

use super::tunnels::namespaces::{GATEWAY, PREPARE, on_the_developers_machine};
use super::*;

const HERE: &str = "lifecycle::callers";
const NEIGHBOUR: &str = "/echo/";
const OTHER_PORTAL: &str = "/other-portal/";

#[test]
fn another_pod_is_whom_the_gateway_names_and_else_nobody() {
    in_namespaces(&format!("{HERE}::on_the_gateways_machine"), PREPARE, &[]);
}

/// A token that nobody else has.
fn made_up() -> String {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the gateway tells a service at a host of who asks.
async fn word(team: &Team, path: &str, group: &str) -> String {
    let client = Client::http((GATEWAY, team.site.http().port()).into());
    let ask = get(PORTAL, path).with("authorization", &team.person(group));
    let reply = eventually("the service", async || client.send(&ask).await).await;
    let word = reply.echo().and_then(|echo| echo.header("x-nuncio-assertion").map(str::to_owned));
    let word = word.unwrap_or_else(|| panic!("{path}: {reply:?}"));
    keep_secret(&word);
    word
}

#[tokio::test]
#[ignore = "the test above runs it, where the machines are"]
async fn on_the_gateways_machine() {
    let team = Team::new().await;
    // One service beside the portal on its host, and one that is called a portal.
    let neighbour = mapping_on(PORTAL, "neighbour", NEIGHBOUR, team.cart.address());
    let portal = mapping_on(PORTAL, "other-portal", OTHER_PORTAL, team.branch.address());
    team.site.write("echo.yaml", documents(&[neighbour, portal]));
    let mut command = team.site.up_for_others(GATEWAY.into());
    command.arg(format!("--portal={}", team.site.at(8088))).arg("--allow-previews");
    command.arg(format!("--portal-audience={}", team.branch.address()));
    let token = made_up();
    keep_secret(&token);
    let file = team.site.root().join("admin.token");
    std::fs::write(&file, format!("{token}\n")).unwrap();
    command.arg("--admin-token-file").arg(&file).arg("--allow-edits");
    let gateway = Gateway::start_by(&team.site, &mut command).await;

    let own = env::current_exe().unwrap();
    let args = ["--ignored", "--exact", "--nocapture", &format!("{HERE}::in_another_pod")];
    let mut pod = on_the_developers_machine(&own, &args);
    pod.env("ADMIN", format!("{GATEWAY}:{}", team.site.admin().port()));
    pod.env("TOKEN", &token).env("TOKEN_FILE", &file).env("MANIFEST", team.manifest("tax").to_string());
    pod.env("ANN", word(&team, OTHER_PORTAL, "team-cart").await);
    pod.env("BOB", word(&team, OTHER_PORTAL, "others").await);
    let replayed = word(&team, NEIGHBOUR, "team-cart").await;
    pod.env("REPLAYED", &replayed);
    at_the_portals_port(&team, &replayed).await;
    let pod = Process::spawn(&mut pod);
    within(3 * DEADLINE, "all is as it should be", async || {
        let said = pod.stdout();
        if said.iter().any(|line| line.contains("it is as it should be")) { Ok(()) } else { Err(said.join("\n")) }
    })
    .await;
    eventually("it is on record", async || {
        let said = gateway.stderr().join("\n");
        let expected = [
            "unauthenticated request about previews from 10.9.0.2",
            &format!("10.9.0.2 is refused: its assertion is not believed: it was sent to \"{}\"", team.cart.address()),
            &format!("at http://{PORTAL} is not believed: it was sent to \"{}\"", team.cart.address()),
            "unauthenticated request for /api/v1/apply from 10.9.0.2 is refused: it bears no token",
        ];
        if expected.iter().all(|line| said.contains(line)) { Ok(()) } else { Err(said) }
    })
    .await;
    gateway.admin.state("Preview", "tax", "acked").await;
    // From here the operator asks.
    let admin = team.site.admin().to_string();
    for (name, said) in [
        ("default/tax", "default/tax is deleted\n"),
        ("default/tax", "default/tax had ended before\n"),
        ("default/never", "there was no default/never\n"),
    ] {
        let deleted = team.site.nuncio(&["preview", "delete", name, "--admin", &admin]).output().unwrap();
        assert!(deleted.status.success(), "{deleted:?}");
        assert_eq!(String::from_utf8_lossy(&deleted.stdout), said, "{deleted:?}");
    }
    gateway.stop().await;
}

#[tokio::test]
#[ignore = "the test above runs it, in the other pod"]
async fn in_another_pod() {
    let [admin, token, manifest, ann, bob, replayed] =
        ["ADMIN", "TOKEN", "MANIFEST", "ANN", "BOB", "REPLAYED"].map(|name| env::var(name).unwrap());
    keep_secret(&token);
    what_is_not_for_everybody_needs_a_token(&admin, &token).await;
    a_portal_is_known_by_its_token(&admin).await;
    let client = Client::http(admin.parse().unwrap());
    let bearer = format!("Bearer {token}");
    let asks = async |what: &str, by: Value| {
        let mut body = json!({"by": by});
        if what != "list" {
            (body["namespace"], body["name"]) = (json!("default"), json!("tax"));
        }
        if what == "put" {
            body["text"] = json!(manifest);
        }
        let ask = get(&admin, &format!("/api/v1/preview-{what}")).method("POST").with("authorization", &bearer);
        let reply = client.ask(&ask.with("content-type", "application/json").body(body.to_string())).await;
        (reply.status, reply.text())
    };
    let claiming = |assertion: Option<&str>| {
        let mut by = json!({"subject": "root", "issuer": "https://people.example", "groups": ["team-cart"]});
        assertion.into_iter().for_each(|word| by["assertion"] = json!(word));
        by
    };
    for what in ["put", "delete", "extend", "share", "probe", "list"] {
        for by in [Value::Null, claiming(None), claiming(Some("root")), claiming(Some(&replayed))] {
            let (status, text) = asks(what, by.clone()).await;
            assert!(status == 401 && text.contains("unauthenticated"), "{what} by {by}: {status} {text}");
        }
    }
    assert_eq!(asks("put", claiming(Some(&bob))).await.0, 403, "whatever groups he claims");
    let (status, text) = asks("put", claiming(Some(&ann))).await;
    assert!(status == 200 && text.contains("\"author\":\"ann\""), "{status} {text}");
    let (status, text) = asks("list", claiming(Some(&ann))).await;
    assert!(status == 200 && text.contains("\"tax\""), "{status} {text}");
    println!("it is as it should be");
}

/// What a service beside the portal was told of who asks, it shows to the portal, and is nobody there.
async fn at_the_portals_port(team: &Team, replayed: &str) {
    let previews = || get(PORTAL, "/api/v1/previews");
    let gateway = Client::http((GATEWAY, team.site.http().port()).into());
    let ann = previews().with("authorization", &team.person("team-cart"));
    eventually("the portal's own word", async || match gateway.send(&ann).await {
        Ok(reply) if reply.status == 200 => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    let show = |word: &str| previews().with("x-forwarded-proto", "http").with("x-nuncio-assertion", word);
    let portal = Client::http(team.site.at(8088));
    assert_eq!(portal.ask(&show(replayed)).await.status, 401);
    let good = word(team, OTHER_PORTAL, "team-cart").await;
    assert_eq!(portal.ask(&show(&good)).await.status, 200, "it is the word that counts");
}

/// Whoever reaches the port may know that the gateway is well, and no more.
async fn what_is_not_for_everybody_needs_a_token(admin: &str, token: &str) {
    let client = Client::http(admin.parse().unwrap());
    for path in ["/", "/metrics", "/ambassador/v0/check_ready", "/api/v1/openapi.json"] {
        assert_eq!(client.ask(&get(admin, path)).await.status, 200, "{path}");
    }
    let change = json!({"kind": "Mapping", "namespace": "default", "name": "web", "text": "{}", "digest": "x"});
    let apply = get(admin, "/api/v1/apply").method("POST").with("content-type", "application/json");
    let lists = ["previews", "preview-details", "objects", "routes", "explain?url=http://shop.example/"];
    let lists = lists.map(|list| (get(admin, &format!("/api/v1/{list}")), 200));
    for (ask, with_the_token) in lists.into_iter().chain([(apply.body(change.to_string()), 409)]) {
        for ask in [ask.clone(), ask.clone().with("authorization", &format!("Bearer {}", made_up()))] {
            let reply = client.ask(&ask).await;
            let told = reply.text();
            assert!(reply.status == 401 && told.contains("--admin-token-file"), "{ask:?}: {} {told}", reply.status);
        }
        let reply = client.ask(&ask.clone().with("authorization", &format!("Bearer {token}"))).await;
        assert_eq!(reply.status, with_the_token, "{ask:?}: {}", reply.text());
    }
    let file = env::var("TOKEN_FILE").unwrap();
    let command = |with: &[(&str, &str)]| {
        let mut command = std::process::Command::new(nuncio_e2e::nuncio());
        command.args(["explain", "http://shop.example/", "--admin", admin]).envs(with.iter().copied());
        command.output().unwrap()
    };
    let refused = command(&[]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("unauthenticated"), "{refused:?}");
    let told = command(&[("NUNCIO_ADMIN_TOKEN_FILE", &file)]);
    assert!(!String::from_utf8_lossy(&told.stderr).contains("unauthenticated"), "{told:?}");
}

/// A portal in a pod of its own learns what is served if it has the token, and says so if not.
async fn a_portal_is_known_by_its_token(admin: &str) {
    let portal = |port: u16, with: &[&str]| {
        let mut command = std::process::Command::new(nuncio_e2e::nuncio());
        command.args(["portal", "--admin", admin, "--listen", &format!("127.0.0.1:{port}")]).args(with);
        Process::spawn(&mut command)
    };
    let unknown = portal(8087, &[]);
    eventually("it is told why it knows nothing", async || {
        let said = unknown.stderr().join("\n");
        let is_told = said.contains("does not know this portal") && said.contains("NUNCIO_ADMIN_TOKEN_FILE");
        if is_told { Ok(()) } else { Err(said) }
    })
    .await;
    let _known = portal(8088, &["--admin-token-file", &env::var("TOKEN_FILE").unwrap()]);
    let client = Client::http(([127, 0, 0, 1], 8088).into());
    eventually("the portal knows what is served", async || {
        match client.send(&get("localhost", "/console/objects")).await {
            Ok(reply) if reply.text().contains("neighbour") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}
