//! What has changed in APIs, shared by several portals in a Redis.

use nuncio_authz_tests::Redis;
use nuncio_e2e::{Client, Gateway, Process, Site, eventually, get};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::release::{STOCK, service, stock};

/// A portal of its own, of the gateway's diagnostics.
fn portal(site: &Site, port: u16, redis: &Redis) -> Process {
    let (admin, listen) = (site.admin().to_string(), site.at(port).to_string());
    let mut command = site.nuncio(&["portal", "--admin", &admin, "--listen", &listen, "--portal-poll", "1"]);
    command.args(["--portal-history-redis", &redis.url()]);
    Process::spawn(&mut command)
}

async fn told(site: &Site, port: u16, path: &str) -> Result<Value, String> {
    let reply =
        Client::http(site.at(port)).send(&get("localhost", path)).await.map_err(|error| format!("{error:?}"))?;
    serde_json::from_str(&reply.text()).map_err(|_| reply.text())
}

/// Waits until each of these portals tells these versions, the newest first: what the document calls them.
async fn versions(site: &Site, ports: &[u16], expected: &[&str]) {
    for port in ports {
        eventually(&format!("the versions {expected:?} at {port}"), async || {
            let told = told(site, *port, "/docs/api/v1/apis/default/stock/changes").await?;
            let labels: Vec<_> = told.as_array().into_iter().flatten().map(|one| one["version"].clone()).collect();
            if json!(labels) == json!(expected) { Ok(()) } else { Err(told.to_string()) }
        })
        .await;
    }
}

/// Waits until this portal says that the history is shared, or why it is not.
async fn is_shared(site: &Site, port: u16, expected: bool) {
    eventually(&format!("whether it is shared: {expected}"), async || {
        let told = told(site, port, "/docs/api/v1/apis").await?["history_trouble"].clone();
        if told.is_null() == expected { Ok(()) } else { Err(told) }
    })
    .await;
}

#[tokio::test]
async fn portals_share_what_has_changed_and_go_on_without_the_store() {
    let site = Site::new();
    let mut redis = Redis::start().await;
    let release = watch::Sender::new(stock("1", &["name", "price"]));
    let _stock = service(site.at(9300), &release).await;
    site.write("stock.yaml", STOCK.replace("ADDRESS", &site.at(9300).to_string()));
    let gateway = Gateway::start(&site).await;
    let first = portal(&site, 8088, &redis);
    let second = portal(&site, 8089, &redis);
    versions(&site, &[8088, 8089], &["1"]).await;
    release.send_replace(stock("2", &["name"]));
    versions(&site, &[8088, 8089], &["2", "1"]).await;

    // One that comes later knows what was before it.
    drop(second);
    let third = portal(&site, 8090, &redis);
    versions(&site, &[8090], &["2", "1"]).await;
    let changes = "/docs/api/v1/apis/default/stock/changes";
    eventually("all tell the same of it, also since when", async || {
        let (one, other) = (told(&site, 8088, changes).await?, told(&site, 8090, changes).await?);
        assert_eq!((&one[0]["severity"], &one[0]["number"]), (&json!("breaking"), &json!(2)));
        if one == other { Ok(()) } else { Err(format!("{one:#} {other:#}")) }
    })
    .await;

    // Without the store each goes on, and says so once.
    redis.stop();
    is_shared(&site, 8088, false).await;
    is_shared(&site, 8090, false).await;
    release.send_replace(stock("3", &["name", "weight"]));
    versions(&site, &[8088, 8090], &["3", "2", "1"]).await;
    release.send_replace(stock("4", &["weight"]));
    versions(&site, &[8088, 8090], &["4", "3", "2", "1"]).await;
    let warned =
        |portal: &Process| portal.stderr().iter().filter(|line| line.contains("cannot keep what has changed")).count();
    assert_eq!((warned(&first), warned(&third)), (1, 1), "{:#?}", first.stderr());

    // The store comes back empty, and is told everything again: each version once.
    redis.restart().await;
    is_shared(&site, 8088, true).await;
    is_shared(&site, 8090, true).await;
    let fourth = portal(&site, 8091, &redis);
    versions(&site, &[8088, 8090, 8091], &["4", "3", "2", "1"]).await;
    let fields = redis.call(&["HLEN", "{nuncio:portal:history}:versions"]);
    assert_eq!(fields.trim(), "4", "{}", redis.call(&["HKEYS", "{nuncio:portal:history}:versions"]));
    drop((first, third, fourth));
    gateway.stop().await;
}
