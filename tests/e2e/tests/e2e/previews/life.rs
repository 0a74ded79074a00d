//! How long a preview is shown, and what is told when it has ended.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::{SinkExt, StreamExt};
use nuncio_e2e::backend::Backend;
use nuncio_e2e::yaml::{documents, mapping_on};
use nuncio_e2e::{Gateway, eventually, get};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::selectors::selector;
use super::{SHOP, Shop, host_of, policy, preview};

fn lasting(shop: &Shop, name: &str, ttl: &str) -> Value {
    let mut preview = preview(name, &shop.cart, &shop.branch);
    preview["spec"]["lifetime"] = json!({"ttl": ttl});
    preview
}

fn requests(backends: [&Backend; 3]) -> u64 {
    backends.iter().map(|backend| backend.requests()).sum()
}

#[tokio::test]
async fn a_preview_ends_in_time_and_its_host_says_so_and_it_can_be_extended() {
    let shop = Shop::new().await;
    let mut policy = policy();
    policy["spec"]["maxTTL"] = json!("1h");
    shop.site.write("policy.yaml", documents(&[policy]));
    let gateway = Gateway::start(&shop.site).await;
    let client = shop.client();
    shop.site.write("short.yaml", documents(&[lasting(&shop, "short", "16s"), lasting(&shop, "long", "900h")]));
    let (short, long) = (host_of(&shop, &gateway, "short").await, host_of(&shop, &gateway, "long").await);
    assert_eq!(client.ask(&get(&short, "/cart/")).await.by(), "branch");
    // No longer than the policy lets it.
    let shown = gateway.admin.list("previews?name=long").await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let left = shown[0]["expires_at"].as_u64().unwrap() - now;
    assert!((3_500..=3_600).contains(&left), "{shown:?}");
    gateway.admin.problem(&["short", "ExpiresSoon"]).await;
    gateway.admin.problem(&["short", "Expired"]).await;
    let reply = eventually("it has ended", async || {
        let reply = client.ask(&get(&short, "/cart/")).await;
        if reply.status == 410 { Ok(reply) } else { Err(reply.by()) }
    })
    .await;
    let text = reply.text();
    assert!(text.contains("This preview has ended") && text.contains("Its time is over"), "{text}");
    let before = requests([&shop.cart, &shop.web, &shop.branch]);
    assert_eq!(client.ask(&get(&short, "/")).await.status, 410, "none of it is served, and it is not the baseline");
    assert_eq!(requests([&shop.cart, &shop.web, &shop.branch]), before);
    assert_eq!(client.ask(&get(&long, "/cart/")).await.by(), "branch");
    // Extended, it is there again.
    shop.site.write("short.yaml", documents(&[lasting(&shop, "short", "10m")]));
    eventually("it is there again", async || match client.ask(&get(&short, "/cart/")).await.by().as_str() {
        "branch" => Ok(()),
        other => Err(other.to_owned()),
    })
    .await;
    eventually("one that was deleted says so too", async || match client.ask(&get(&long, "/cart/")).await.status {
        410 => Ok(()),
        other => Err(other),
    })
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_stream_that_lasts_keeps_a_preview_from_being_idle() {
    let shop = Shop::new().await;
    let mut mapping = mapping_on(SHOP, "talk", "/talk/", shop.cart.address());
    mapping["spec"]["allow_upgrade"] = json!(["websocket"]);
    shop.site.write("talk.yaml", documents(&[mapping]));
    let gateway = Gateway::start(&shop.site).await;
    let mut idle = preview("idle", &shop.cart, &shop.branch);
    idle["spec"]["lifetime"] = json!({"idle": "8s"});
    shop.site.write("idle.yaml", documents(&[idle]));
    let host = host_of(&shop, &gateway, "idle").await;
    let tcp = TcpStream::connect(shop.site.http()).await.unwrap();
    let request = format!("ws://{host}/talk/").into_client_request().unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(request, tcp).await.unwrap();
    // Nothing is said on it for twice as long.
    tokio::time::sleep(Duration::from_secs(17)).await;
    assert_eq!(shop.client().ask(&get(&host, "/cart/")).await.by(), "branch");
    socket.send(Message::text("one")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap().to_text().unwrap(), "branch: one");
    socket.close(None).await.unwrap();
    drop(socket);
    gateway.admin.problem(&["idle", "Expired"]).await;
    gateway.stop().await;
}

/// When a WebSocket that nobody closes has ended.
async fn ended(shop: &Shop, host: &str, cookie: &str) -> Instant {
    let tcp = TcpStream::connect(shop.site.http()).await.unwrap();
    let mut request = format!("ws://{host}/talk/").into_client_request().unwrap();
    request.headers_mut().insert("cookie", cookie.parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::client_async(request, tcp).await.unwrap();
    socket.send(Message::text("one")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap().to_text().unwrap(), "branch: one");
    let end = tokio::time::timeout(Duration::from_secs(30), socket.next()).await.expect("an end");
    assert!(!matches!(end, Some(Ok(Message::Text(_)))), "{end:?}");
    Instant::now()
}

#[tokio::test]
async fn no_stream_outlives_its_preview_nor_lasts_longer_than_the_policy_lets_it() {
    let shop = Shop::new().await;
    let mut mapping = mapping_on(SHOP, "talk", "/talk/", shop.cart.address());
    mapping["spec"]["allow_upgrade"] = json!(["websocket"]);
    shop.site.write("talk.yaml", documents(&[mapping]));
    let gateway = Gateway::start(&shop.site).await;
    let begun = Instant::now();
    shop.site.write("short.yaml", documents(&[lasting(&shop, "short", "8s")]));
    let host = host_of(&shop, &gateway, "short").await;
    let lasted = ended(&shop, &host, "").await - begun;
    assert!((Duration::from_secs(5)..Duration::from_secs(20)).contains(&lasted), "{lasted:?}");
    let seen = shop.client().ask(&get(SHOP, "/cart/")).await.echo().unwrap();
    assert_eq!(seen.header("x-envoy-upstream-stream-duration-ms"), None);

    let mut policy = policy();
    policy["spec"]["maxStream"] = json!("5s");
    policy["spec"]["selectors"] = json!(["Cookie"]);
    shop.site.write("policy.yaml", documents(&[policy]));
    shop.site.write("long.yaml", documents(&[lasting(&shop, "long", "1h")]));
    gateway.line(&["PreviewPolicy default/previews changed", "live on 1 Envoy"]).await;
    let host = host_of(&shop, &gateway, "long").await;
    // At its own host, and where it was chosen.
    let chosen = format!("nuncio_preview={}", selector(&host));
    for (host, cookie) in [(&*host, ""), (SHOP, &*chosen)] {
        let begun = Instant::now();
        let lasted = ended(&shop, host, cookie).await - begun;
        assert!((Duration::from_secs(1)..Duration::from_secs(15)).contains(&lasted), "{host}: {lasted:?}");
    }
    let seen = shop.client().ask(&get(&host, "/cart/").with("x-envoy-upstream-stream-duration-ms", "9")).await;
    let seen = seen.echo().unwrap();
    assert_eq!((&*seen.backend, seen.header("x-envoy-upstream-stream-duration-ms")), ("branch", None));
    gateway.stop().await;
}

#[tokio::test]
async fn requests_for_a_preview_are_counted_and_it_ends_when_there_are_none() {
    let shop = Shop::new().await;
    let gateway = Gateway::start(&shop.site).await;
    let mut idle = preview("idle", &shop.cart, &shop.branch);
    idle["spec"]["lifetime"] = json!({"idle": "8s"});
    shop.site.write("idle.yaml", documents(&[idle]));
    let host = host_of(&shop, &gateway, "idle").await;
    let (client, begun) = (shop.client(), Instant::now());
    let mut asked = 0;
    while begun.elapsed() < Duration::from_secs(11) {
        assert_eq!(client.ask(&get(&host, "/cart/")).await.by(), "branch", "after {:?}", begun.elapsed());
        asked += 1;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let shown = eventually("all are counted", async || {
        let shown = gateway.admin.list("previews?name=idle").await.remove(0);
        if shown["services"][0]["requests"] == asked { Ok(shown) } else { Err(shown) }
    })
    .await;
    assert!(shown["services"][0]["fallbacks"] == 0 && shown["last_request"].is_u64(), "{shown}");
    assert_eq!((&shown["requests"], &shown["fallbacks"]), (&json!(asked), &json!(0)));
    assert!(shown["counted_since"].as_u64() <= shown["last_request"].as_u64(), "{shown}");
    gateway.admin.problem(&["idle", "Expired"]).await;
    // The problem is told before Envoy has what it leads to.
    eventually("its host says so", async || match client.ask(&get(&host, "/cart/")).await.status {
        410 => Ok(()),
        other => Err(other),
    })
    .await;
    gateway.stop().await;
}
