//! A management server that does as it is told, and what it sends.

use std::pin::Pin;

use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_server::{
    AggregatedDiscoveryService, AggregatedDiscoveryServiceServer,
};
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};
use envoy_types::pb::google::protobuf::Any;
use envoy_types::pb::ratelimit::config::ratelimit::v3::{
    RateLimitConfig, RateLimitDescriptor, RateLimitPolicy, RateLimitUnit,
};
use prost::{Message, Name};
use tokio::sync::{Mutex, mpsc};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Server;
use tonic::{Request, Response, Status, Streaming};

/// Both ends of what a client of the server is sent and sends.
pub(crate) struct Conversation {
    responses: mpsc::Sender<Result<DiscoveryResponse, Status>>,
    requests: mpsc::Receiver<DiscoveryRequest>,
}

impl Conversation {
    /// Serves one stream at a port of the loopback address.
    pub(crate) fn serve(mut server: Server, port: u16) -> Self {
        let (responses, outgoing) = mpsc::channel(4);
        let (requests, received) = mpsc::channel(4);
        let management = Management(Mutex::new(Some((outgoing, requests))));
        let server = server.add_service(AggregatedDiscoveryServiceServer::new(management));
        tokio::spawn(server.serve(([127, 0, 0, 1], port).into()));
        Self { responses, requests: received }
    }

    pub(crate) async fn send(&self, version: &str, resources: Vec<Any>) {
        let response = DiscoveryResponse {
            version_info: version.to_owned(),
            nonce: format!("nonce-{version}"),
            type_url: RateLimitConfig::type_url(),
            resources,
            ..DiscoveryResponse::default()
        };
        self.responses.send(Ok(response)).await.unwrap();
    }

    /// What the client sends next.
    pub(crate) async fn next(&mut self) -> DiscoveryRequest {
        self.requests.recv().await.unwrap()
    }

    /// Ends the stream, and waits until the client has too.
    pub(crate) async fn hang_up(self) {
        let Self { responses, mut requests } = self;
        drop(responses);
        while requests.recv().await.is_some() {}
    }
}

/// Sends what it is handed and hands on what it is sent.
struct Management(Mutex<Option<Ends>>);

type Ends = (mpsc::Receiver<Result<DiscoveryResponse, Status>>, mpsc::Sender<DiscoveryRequest>);

type Responses<T> = Pin<Box<dyn tokio_stream::Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl AggregatedDiscoveryService for Management {
    type StreamAggregatedResourcesStream = Responses<DiscoveryResponse>;
    type DeltaAggregatedResourcesStream = Responses<DeltaDiscoveryResponse>;

    async fn stream_aggregated_resources(
        &self,
        request: Request<Streaming<DiscoveryRequest>>,
    ) -> Result<Response<Self::StreamAggregatedResourcesStream>, Status> {
        let (mut responses, requests) = self.0.lock().await.take().ok_or_else(|| Status::unavailable("once only"))?;
        let mut stream = request.into_inner();
        tokio::spawn(async move {
            while let Ok(Some(request)) = stream.message().await {
                _ = requests.send(request).await;
            }
        });
        // As servers of Go, which send no headers before the first response.
        let first = tokio_stream::iter(responses.recv().await);
        Ok(Response::new(Box::pin(first.chain(ReceiverStream::new(responses)))))
    }

    async fn delta_aggregated_resources(
        &self,
        _: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<Response<Self::DeltaAggregatedResourcesStream>, Status> {
        Err(Status::unimplemented("state of the world only"))
    }
}

/// A domain with one limit, for each value of `k`.
pub(super) fn config(name: &str, domain: &str, unit: RateLimitUnit, count: u32) -> Any {
    let limit = RateLimitPolicy { unit: unit.into(), requests_per_unit: count, ..RateLimitPolicy::default() };
    let key = RateLimitDescriptor { key: "k".to_owned(), rate_limit: Some(limit), ..RateLimitDescriptor::default() };
    let config = RateLimitConfig { name: name.to_owned(), domain: domain.to_owned(), descriptors: vec![key] };
    Any { type_url: RateLimitConfig::type_url(), value: config.encode_to_vec() }
}
