//! The gRPC service: for each stream a task that feeds the machine with requests and time.

use std::pin::Pin;
use std::time::Instant;

use envoy_types::pb::envoy::service::discovery::v3 as pb;
use pb::aggregated_discovery_service_server::AggregatedDiscoveryService;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Status, Streaming};

use super::{Ends, Link, Server, wire};
use crate::event::{Protocol, StreamId};
use crate::machine;

type Responses<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The service of one listening socket.
pub(super) struct Ads {
    pub(super) server: Server,
    /// Becomes true when streams are to end.
    pub(super) stop: watch::Receiver<bool>,
}

#[tonic::async_trait]
impl AggregatedDiscoveryService for Ads {
    type DeltaAggregatedResourcesStream = Responses<pb::DeltaDiscoveryResponse>;
    type StreamAggregatedResourcesStream = Responses<pb::DiscoveryResponse>;

    async fn delta_aggregated_resources(
        &self,
        request: Request<Streaming<pb::DeltaDiscoveryRequest>>,
    ) -> Result<tonic::Response<Self::DeltaAggregatedResourcesStream>, Status> {
        let requests = request.into_inner().map(|request| request.map(wire::delta_request));
        let responses = self.start(Protocol::Delta, requests).map(|response| Ok(wire::delta_response(&response)));
        Ok(tonic::Response::new(Box::pin(responses)))
    }

    async fn stream_aggregated_resources(
        &self,
        request: Request<Streaming<pb::DiscoveryRequest>>,
    ) -> Result<tonic::Response<Self::StreamAggregatedResourcesStream>, Status> {
        let requests = request.into_inner().map(|request| request.map(wire::request));
        let responses = self.start(Protocol::StateOfTheWorld, requests).map(|response| Ok(wire::response(&response)));
        Ok(tonic::Response::new(Box::pin(responses)))
    }
}

impl Ads {
    /// Opens a stream. Its task ends with the client's requests, or with the server; the responses end
    /// with the task.
    fn start(
        &self,
        protocol: Protocol,
        requests: impl Stream<Item = Result<machine::Request, Status>> + Send + 'static,
    ) -> UnboundedReceiverStream<machine::Response> {
        let ends = self.server.open(protocol);
        let session = Session { server: self.server.clone(), id: ends.id };
        tokio::spawn(session.run(requests, ends.timer, self.stop.clone()));
        UnboundedReceiverStream::new(ends.responses)
    }
}

/// A stream of which the machine knows; dropped, it is closed.
struct Session {
    server: Server,
    id: StreamId,
}

impl Session {
    async fn run(
        self,
        requests: impl Stream<Item = Result<machine::Request, Status>>,
        mut timer: watch::Receiver<Option<Instant>>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut requests = std::pin::pin!(requests);
        loop {
            let at = *timer.borrow_and_update();
            tokio::select! {
                request = requests.next() => match request {
                    Some(Ok(request)) => self.request(request),
                    Some(Err(status)) => {
                        tracing::debug!(stream = self.id.0, %status, "xDS stream ended");
                        return;
                    }
                    None => return,
                },
                () = until(at) => self.tick(),
                changed = timer.changed() => if changed.is_err() { return },
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    fn request(&self, request: machine::Request) {
        let mut shared = self.server.lock();
        let outputs = shared.machine.request(self.id, request, Instant::now());
        shared.deliver(outputs);
    }

    fn tick(&self) {
        let mut shared = self.server.lock();
        let outputs = shared.machine.tick(self.id, Instant::now());
        shared.deliver(outputs);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let mut shared = self.server.lock();
        shared.links.remove(&self.id);
        let outputs = shared.machine.disconnect(self.id, Instant::now());
        shared.deliver(outputs);
    }
}

impl Server {
    fn open(&self, protocol: Protocol) -> Ends {
        let (responses_in, responses) = mpsc::unbounded_channel();
        let (timer_in, timer) = watch::channel(None);
        let mut shared = self.lock();
        let id = shared.machine.connect(protocol, Instant::now());
        shared.links.insert(id, Link { responses: responses_in, timer: timer_in });
        Ends { id, responses, timer }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
