//! How it ends.

use http::StatusCode;
use nuncio_authz_tests::{Browser, Redis, Service};
use nuncio_test_support::eventually;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::faults::shared_keys;
use crate::rig::rig;

/// Tells a service to end that has these rules, while somebody is connected everywhere and says nothing.
async fn ends(rules: &Value, loaded: &str) {
    let mut service = Service::launch(rules, &[]);
    eventually("it has looked at its rules", async || {
        let written = service.written();
        if written.contains(loaded) { Ok(()) } else { Err(written) }
    })
    .await;
    let mut idle = Vec::new();
    for address in [&service.grpc, &service.http, &service.admin] {
        idle.push(eventually("connected", async || TcpStream::connect(address).await).await);
    }
    service.process().signal(Signal::TERM);
    assert!(service.process().exit().await.success());
}

#[tokio::test]
async fn it_ends_when_told_to_although_rules_were_never_known() {
    ends(&json!("none"), "what was last good stays").await;
}

#[tokio::test]
async fn it_ends_when_told_to_although_somebody_is_connected() {
    ends(&json!({}), "are in force").await;
}

/// A request by the HTTP form for a page of the rig's, as a proxy sends it.
fn asked(host: &str, cookie: &str) -> String {
    format!(
        "GET /check/s HTTP/1.1\r\nhost: a\r\naccept: application/json\r\nx-forwarded-proto: http\r\n\
         x-forwarded-host: {host}\r\nx-forwarded-uri: /x\r\nx-forwarded-method: GET\r\n\
         cookie: ambassador_session.login.default={cookie}\r\n\r\n"
    )
}

/// The connection to Redis that it needs was opened by a thread of those that answer Envoy, which have nothing left to do.
#[tokio::test]
async fn who_has_asked_by_http_is_answered_before_it_ends() {
    let (redis, keys) = (Redis::start().await, shared_keys());
    let url = redis.url();
    let flags = ["--redis", url.as_str(), "--keys", keys.path().to_str().unwrap()];
    let mut rig = rig(&json!({}), &json!({}), &json!({}), &flags).await;
    let mut browser = Browser::default();
    assert_eq!(browser.log_in(&rig.url("/x"), "ann").await.status, StatusCode::OK);
    let cookie = browser.cookies_like(rig.host(), "ambassador_session").remove(0).1;
    // Until it has forgotten the session, and so has to ask Redis for it.
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    let mut stream = TcpStream::connect(&rig.service.http).await.unwrap();
    // That it goes on with the request says that it has begun with it. It asks Redis once it has the body.
    let waiting =
        asked(rig.host(), &cookie).replace("\r\n\r\n", "\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\n");
    stream.write_all(waiting.as_bytes()).await.unwrap();
    let mut goes_on = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut goes_on).await.unwrap();
    rig.service.process().signal(Signal::TERM);
    eventually("it listens no longer", async || match TcpStream::connect(&rig.service.grpc).await {
        Ok(_) => Err("it does"),
        Err(_) => Ok(()),
    })
    .await;
    stream.write_all(b"x").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("x-user: ann"), "{answer}");
    assert!(rig.service.process().exit().await.success());
}

/// Threads and open files of a process.
fn held(id: u32) -> [usize; 2] {
    ["task", "fd"].map(|what| std::fs::read_dir(format!("/proc/{id}/{what}")).unwrap().count())
}

#[tokio::test]
async fn who_goes_away_before_the_answer_leaves_nothing_behind() {
    let (redis, keys) = (Redis::start().await, shared_keys());
    let url = redis.url();
    let flags = ["--redis", url.as_str(), "--keys", keys.path().to_str().unwrap()];
    let rig = rig(&json!({}), &json!({}), &json!({}), &flags).await;
    let cookie = nuncio_auth::crypto::random_text();
    let ask = async || {
        let mut stream = TcpStream::connect(&rig.service.http).await.unwrap();
        stream.write_all(asked(rig.host(), &cookie).as_bytes()).await.unwrap();
        stream
    };
    let mut answer = [0; 12];
    ask().await.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
    let id = rig.service.running().id();
    let before = held(id);
    for _ in 0..3 {
        redis.hang();
        let mut waiting = Vec::new();
        for _ in 0..100 {
            waiting.push(ask().await);
        }
        eventually("all are connected", async || {
            let [_, files] = held(id);
            if files >= before[1] + 90 { Ok(()) } else { Err(files) }
        })
        .await;
        drop(waiting);
        redis.go_on();
    }
    eventually("nothing is left of them", async || {
        let now = held(id);
        // A connection to Redis may be new, and the other one not gone yet.
        if now[0] <= before[0] && now[1] <= before[1] + 4 { Ok(()) } else { Err(format!("{before:?}, {now:?}")) }
    })
    .await;
}
