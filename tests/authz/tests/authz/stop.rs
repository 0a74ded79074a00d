//! How it ends.

use nuncio_authz_tests::Service;
use nuncio_test_support::eventually;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::net::TcpStream;

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
