//! Who asks the controller itself, past the portal: another pod that reaches its diagnostics.

use std::env;

use nuncio_e2e::{Process, in_namespaces, keep_secret};

use super::tunnels::namespaces::{GATEWAY, PREPARE, on_the_developers_machine};
use super::*;

const HERE: &str = "lifecycle::callers";

#[test]
fn another_pod_is_whom_the_gateway_names_and_else_nobody() {
    in_namespaces(&format!("{HERE}::on_the_gateways_machine"), PREPARE, &[]);
}

/// What the gateway tells a service at a host of who asks.
async fn word(team: &Team, host: &str, group: &str) -> String {
    let client = Client::http((GATEWAY, team.site.http().port()).into());
    let ask = get(host, "/echo/").with("authorization", &team.person(group));
    let reply = eventually("the service", async || client.send(&ask).await).await;
    let word = reply.echo().and_then(|echo| echo.header("x-nuncio-assertion").map(str::to_owned));
    let word = word.unwrap_or_else(|| panic!("{host}: {reply:?}"));
    keep_secret(&word);
    word
}

#[tokio::test]
#[ignore = "the test above runs it, where the machines are"]
async fn on_the_gateways_machine() {
    let team = Team::new().await;
    let echo = |host: &str, name: &str| mapping_on(host, name, "/echo/", team.cart.address());
    let rule = json!({"host": SHOP, "path": "/echo/*", "filters": [{"name": "token"}]});
    let policy = object("FilterPolicy", "echo", json!({"rules": [rule]}));
    team.site.write("echo.yaml", documents(&[echo(PORTAL, "echo"), echo(SHOP, "shop-echo"), policy]));
    let mut command = team.site.up_for_others(GATEWAY.into());
    command.arg(format!("--portal={}", team.site.at(8088))).arg("--allow-previews");
    command.arg(format!("--portal-origin=http://{PORTAL}:{}", team.site.http().port()));
    let gateway = Gateway::start_by(&team.site, &mut command).await;

    let own = env::current_exe().unwrap();
    let args = ["--ignored", "--exact", "--nocapture", &format!("{HERE}::in_another_pod")];
    let mut pod = on_the_developers_machine(&own, &args);
    pod.env("ADMIN", format!("{GATEWAY}:{}", team.site.admin().port()));
    pod.env("MANIFEST", team.manifest("tax").to_string());
    pod.env("ANN", word(&team, PORTAL, "team-cart").await);
    pod.env("BOB", word(&team, PORTAL, "others").await);
    pod.env("ELSEWHERE", word(&team, SHOP, "team-cart").await);
    let pod = Process::spawn(&mut pod);
    pod.line(&["it is as it should be"]).await;
    eventually("it is on record", async || {
        let said = gateway.stderr().join("\n");
        if said.contains("unauthenticated request about previews from 10.9.0.2") { Ok(()) } else { Err(said) }
    })
    .await;
    gateway.admin.state("Preview", "tax", "acked").await;
    // From here the operator asks.
    let admin = team.site.admin().to_string();
    let deleted = team.site.nuncio(&["preview", "delete", "default/tax", "--admin", &admin]).output().unwrap();
    assert!(deleted.status.success(), "{deleted:?}");
    gateway.stop().await;
}

#[tokio::test]
#[ignore = "the test above runs it, in the other pod"]
async fn in_another_pod() {
    let [admin, manifest, ann, bob, elsewhere] =
        ["ADMIN", "MANIFEST", "ANN", "BOB", "ELSEWHERE"].map(|name| env::var(name).unwrap());
    let client = Client::http(admin.parse().unwrap());
    let asks = async |what: &str, by: Value| {
        let mut body = json!({"by": by});
        if what != "list" {
            (body["namespace"], body["name"]) = (json!("default"), json!("tax"));
        }
        if what == "put" {
            body["text"] = json!(manifest);
        }
        let ask = get(&admin, &format!("/api/v1/preview-{what}")).method("POST");
        let reply = client.ask(&ask.with("content-type", "application/json").body(body.to_string())).await;
        (reply.status, reply.text())
    };
    let claiming = |assertion: Option<&str>| {
        let mut by = json!({"subject": "root", "issuer": "https://people.example", "groups": ["team-cart"]});
        assertion.into_iter().for_each(|word| by["assertion"] = json!(word));
        by
    };
    for what in ["put", "delete", "extend", "share", "probe", "list"] {
        for by in [Value::Null, claiming(None), claiming(Some("root")), claiming(Some(&elsewhere))] {
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
