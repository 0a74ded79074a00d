//! The server over a Unix socket and TCP, with the generated gRPC client.

use std::future::pending;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest};
use hyper_util::rt::TokioIo;
use nuncio_xds::{Event, Options, Protocol, ServeError, Server, Update};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint, Uri};
use tower::service_fn;

use crate::rig::*;

const PATIENCE: Duration = Duration::from_secs(10);

async fn channel(path: PathBuf) -> Channel {
    let connect = service_fn(move |_: Uri| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    });
    let endpoint = Endpoint::from_static("http://xds");
    for _ in 0..100 {
        if let Ok(channel) = endpoint.connect_with_connector(connect.clone()).await {
            return channel;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no xDS server");
}

/// A delta client: what it sends, and what it receives.
struct Client {
    requests: mpsc::UnboundedSender<DeltaDiscoveryRequest>,
    responses: Streaming<DeltaDiscoveryResponse>,
}

impl Client {
    async fn connect(path: &Path) -> Self {
        let (requests, receiver) = mpsc::unbounded_channel();
        let node = Some(Node { id: "edge-1".into(), cluster: "edge".into(), ..Default::default() });
        requests.send(DeltaDiscoveryRequest { node, ..request() }).unwrap();
        let mut client = AggregatedDiscoveryServiceClient::new(channel(path.to_owned()).await);
        let stream = UnboundedReceiverStream::new(receiver);
        let responses = client.delta_aggregated_resources(stream).await.unwrap().into_inner();
        Self { requests, responses }
    }

    async fn receive(&mut self) -> DeltaDiscoveryResponse {
        timeout(PATIENCE, self.responses.message()).await.unwrap().unwrap().unwrap()
    }

    fn ack(&self, response: &DeltaDiscoveryResponse) {
        let answer = DeltaDiscoveryRequest { response_nonce: response.nonce.clone(), ..request() };
        self.requests.send(answer).unwrap();
    }
}

fn request() -> DeltaDiscoveryRequest {
    DeltaDiscoveryRequest { type_url: Cluster.type_url().into(), ..Default::default() }
}

fn cluster(version: &str) -> Update {
    Update { set: vec![resource(Cluster, "a", version, &[])], ..Update::default() }
}

async fn event(events: &mut mpsc::UnboundedReceiver<Event>) -> Event {
    timeout(PATIENCE, events.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_delta_stream_over_a_unix_socket() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("xds.sock");
    let (server, mut events) = Server::new(Options::default());
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = {
        let (server, path) = (server.clone(), path.clone());
        let stopped = async move { stopped.await.unwrap() };
        tokio::spawn(async move { server.serve_unix(&path, stopped).await })
    };
    server.update(cluster("1"));
    let mut client = Client::connect(&path).await;
    let response = client.receive().await;
    let got = &response.resources[0];
    assert_eq!((got.name.as_str(), got.version.as_str()), ("a", "1"));
    assert_eq!(got.resource.as_ref().unwrap().value, b"1");
    assert!(matches!(event(&mut events).await, Event::Connected { node, .. } if node.id == "edge-1"));
    client.ack(&response);
    assert!(matches!(event(&mut events).await, Event::Synced { revision, .. } if revision.0 == 1));

    let revision = server.update(cluster("2"));
    let response = client.receive().await;
    client.ack(&response);
    assert_eq!(event(&mut events).await, Event::Synced { stream: server.streams()[0].id, revision });
    assert_eq!(server.counts(&key(Cluster, "a")).acked, 1);

    let second = server.serve_unix(&path, pending()).await;
    assert!(matches!(second, Err(ServeError::BindUnix(..))), "one server for a socket");

    stop.send(()).unwrap();
    assert!(timeout(PATIENCE, client.responses.message()).await.unwrap().unwrap().is_none(), "the stream is ended");
    assert!(matches!(event(&mut events).await, Event::Disconnected { .. }));
    drop(client);
    timeout(PATIENCE, serving).await.unwrap().unwrap().unwrap();
    assert!(!path.exists());
    assert!(server.streams().is_empty());
}

#[tokio::test]
async fn a_socket_file_left_behind_is_replaced_and_another_file_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("xds.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let (server, _events) = Server::new(Options::default());
    let done = server.serve_unix(&path, async {}).await;
    assert!(done.is_ok(), "{done:?}");

    let file = directory.path().join("file");
    std::fs::write(&file, "precious").unwrap();
    assert!(matches!(server.serve_unix(&file, async {}).await, Err(ServeError::BindUnix(..))));
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
}

#[tokio::test]
async fn a_state_of_the_world_stream_over_tcp() {
    // Of this process alone: the system takes the ports of others from 127.0.0.1.
    let [.., high, low] = std::process::id().to_be_bytes();
    let address = SocketAddr::from(([127, 1 + high % 254, low, 1], 6003));
    let (server, _events) = Server::new(Options::default());
    server.update(cluster("1"));
    let serving = {
        let server = server.clone();
        tokio::spawn(async move { server.serve_tcp(address, pending()).await })
    };
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let mut client = loop {
        match AggregatedDiscoveryServiceClient::connect(endpoint.clone()).await {
            Ok(client) => break client,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    let request = DiscoveryRequest { type_url: Cluster.type_url().into(), ..Default::default() };
    let requests = tokio_stream::StreamExt::chain(tokio_stream::once(request), tokio_stream::pending());
    let mut responses = client.stream_aggregated_resources(requests).await.unwrap().into_inner();
    let response = timeout(PATIENCE, responses.message()).await.unwrap().unwrap().unwrap();
    assert_eq!(response.resources[0].value, b"1");
    assert_eq!(server.streams()[0].protocol, Protocol::StateOfTheWorld);
    serving.abort();
    assert!(timeout(PATIENCE, responses.message()).await.is_ok(), "the stream ends with the server");
}
