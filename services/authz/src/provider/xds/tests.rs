use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_server::{
    AggregatedDiscoveryService, AggregatedDiscoveryServiceServer,
};
use envoy_types::pb::envoy::service::discovery::v3::{DiscoveryRequest, DiscoveryResponse};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, Streaming};

use super::*;

/// A controller that has nothing to say, and tells the test what it is told.
struct Listens(mpsc::UnboundedSender<DeltaDiscoveryRequest>);

#[tonic::async_trait]
impl AggregatedDiscoveryService for Listens {
    type StreamAggregatedResourcesStream = ReceiverStream<Result<DiscoveryResponse, Status>>;
    type DeltaAggregatedResourcesStream = ReceiverStream<Result<DeltaDiscoveryResponse, Status>>;

    async fn stream_aggregated_resources(
        &self,
        _: Request<Streaming<DiscoveryRequest>>,
    ) -> Result<Response<Self::StreamAggregatedResourcesStream>, Status> {
        Err(Status::unimplemented("changes alone"))
    }

    async fn delta_aggregated_resources(
        &self,
        asked: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<Response<Self::DeltaAggregatedResourcesStream>, Status> {
        let (says, silence) = mpsc::channel(1);
        let (told, mut asked) = (self.0.clone(), asked.into_inner());
        tokio::spawn(async move {
            while let Ok(Some(request)) = asked.message().await {
                told.send(request).unwrap();
            }
            drop(says);
        });
        Ok(Response::new(ReceiverStream::new(silence)))
    }
}

fn troubles(request: DeltaDiscoveryRequest) -> usize {
    let node = dynamic::json(request.node.unwrap().metadata.unwrap());
    serde_json::from_str::<Vec<Json>>(node[TROUBLES_KEY].as_str().unwrap()).unwrap().len()
}

#[tokio::test]
async fn the_troubles_of_one_outage_are_told_together() {
    let (listener, (told, mut asked)) =
        (tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap(), mpsc::unbounded_channel());
    let server = Address::Tcp(listener.local_addr().unwrap().to_string());
    let service = AggregatedDiscoveryServiceServer::new(Listens(told));
    let controller = tonic::transport::Server::builder().add_service(service);
    tokio::spawn(controller.serve_with_incoming(TcpListenerStream::new(listener)));
    let (known, troubles_of_filters) = watch::channel(Vec::new());
    let stop = CancellationToken::new();
    let watching = tokio::spawn(watch(server, Active::new(), troubles_of_filters, stop.clone()));
    for _ in 0..2 {
        assert_eq!(troubles(asked.recv().await.unwrap()), 0, "subscriptions");
    }
    for index in 0..100 {
        let id = FilterId(format!("f{index}").into());
        let (field, url, why) = ("spec.JWT.jwksURI".into(), "http://a".into(), "gone".into());
        known.send_modify(|known| known.push(Trouble { filter: id, field, url, why, since: 0, has_old: false }));
        tokio::task::yield_now().await;
    }
    assert_eq!(troubles(asked.recv().await.unwrap()), 100);
    known.send_modify(Vec::clear);
    assert_eq!(troubles(asked.recv().await.unwrap()), 0, "and that it is over");
    stop.cancel();
    watching.await.unwrap();
}
