//! What comes through besides plain requests.

use futures_util::{SinkExt, StreamExt};
use nuncio_e2e::backend::Grpc;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::*;

#[tokio::test]
async fn grpc_with_streams_and_trailers() {
    let (desk, grpc) = (Desk::new().await, Grpc::start("shop").await);
    let mut mapping = mapping_on(SHOP, "health", "/grpc.health.v1.Health/", desk.team.cart.address());
    mapping["spec"]["grpc"] = json!(true);
    mapping["spec"]["rewrite"] = json!("");
    desk.team.site.write("grpc.yaml", documents(&[mapping]));
    let gateway = desk.team.gateway().await;
    let host = desk.host(&gateway).await;
    let process = desk.serve(grpc.address(), &[]);
    process.line(&["Connected"]).await;
    let endpoint = Endpoint::from_shared(format!("http://{}", desk.team.site.http())).unwrap();
    let endpoint = endpoint.origin(format!("http://{host}").parse().unwrap());
    let mut client = HealthClient::new(endpoint.connect().await.unwrap());
    let ask = |service: &str| HealthCheckRequest { service: service.into() };
    eventually("the process answers", async || client.clone().check(ask("shop")).await.map(drop)).await;
    let error = client.check(ask("nothing")).await.unwrap_err();
    assert_eq!(error.code(), tonic::Code::NotFound, "the status comes in trailers: {error}");
    let mut watch = client.watch(ask("shop")).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    drop(watch);
    process.line(&["POST /grpc.health.v1.Health/Check 200"]).await;
    interrupt(process).await;
    gateway.stop().await;
}

#[tokio::test]
async fn websockets() {
    let desk = Desk::new().await;
    let mut mapping = mapping_on(SHOP, "talk", "/talk/", desk.team.cart.address());
    mapping["spec"]["allow_upgrade"] = json!(["websocket"]);
    desk.team.site.write("talk.yaml", documents(&[mapping]));
    let gateway = desk.team.gateway().await;
    let host = desk.host(&gateway).await;
    let process = desk.serve(desk.team.branch.address(), &[]);
    desk.answers(&host, "branch").await;
    let tcp = TcpStream::connect(desk.team.site.http()).await.unwrap();
    let request = format!("ws://{host}/talk/").into_client_request().unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(request, tcp).await.unwrap();
    for text in ["one", "two"] {
        socket.send(Message::text(text)).await.unwrap();
        let answer = socket.next().await.unwrap().unwrap();
        assert_eq!(answer.to_text().unwrap(), format!("branch: {text}"));
    }
    socket.close(None).await.unwrap();
    interrupt(process).await;
    gateway.stop().await;
}
