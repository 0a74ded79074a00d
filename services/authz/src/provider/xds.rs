//! Rules and filters from the controller: two types of our own over ADS, by changes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DeltaDiscoveryResponse};
use envoy_types::pb::google::rpc::Status;
use nuncio_ir::auth::{FILTER_TYPE, FilterId, RULE_SET_TYPE, RuleSetId, TROUBLES_KEY, Trouble};
use serde_json::Value as Json;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint, Uri};

use crate::config::{Active, Change};
use crate::dynamic;
use crate::settings::Address;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long to wait before connecting again, at first and at most.
const WAIT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// The largest response in bytes: a first one holds everything.
const LARGEST: usize = 256 << 20;
/// How long a connection may be away before anybody hears of it: a controller that starts beside us has no socket yet.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long more troubles are waited for: one outage is that of many filters.
/// Tests may be kept waiting between two.
const SETTLE: Duration = Duration::from_millis(if cfg!(test) { 2_000 } else { 200 });
/// How many troubles the controller is told at most.
const MOST_TOLD: usize = 1_000;
/// The code of a NACK: `INVALID_ARGUMENT`.
const INVALID: i32 = 3;

/// Receives rules and filters until stopped, and says what filters cannot have. Those in force survive whatever happens to the
/// connection.
pub(crate) async fn watch(
    server: Address,
    active: Active,
    troubles: watch::Receiver<Vec<Trouble>>,
    stop: CancellationToken,
) {
    let mut client = Client { server, active, troubles, versions: BTreeMap::new(), last: Instant::now() };
    let mut wait = WAIT.0;
    loop {
        let before = client.versions.clone();
        let error = tokio::select! {
            // Who was told to stop does not complain of a server that ends with it.
            biased;
            () = stop.cancelled() => return,
            error = client.receive() => error.err().unwrap_or_else(|| "the stream ended".to_owned()),
        };
        if client.versions != before {
            wait = WAIT.0;
        }
        if client.last.elapsed() < PATIENCE {
            tracing::debug!("no rules from {}, trying again in {wait:?}: {error}", client.server);
        } else {
            tracing::warn!("no rules from {}, trying again in {wait:?}: {error}", client.server);
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait.mul_f64(0.5 + fastrand::f64() / 2.0)) => {}
        }
        wait = (wait * 2).min(WAIT.1);
    }
}

struct Client {
    server: Address,
    active: Active,
    troubles: watch::Receiver<Vec<Trouble>>,
    /// When a connection was last there; at first, when it was first tried.
    last: Instant,
    /// What is here, by type and name: a server that we come back to sends what differs.
    versions: BTreeMap<&'static str, BTreeMap<String, String>>,
}

impl Client {
    async fn receive(&mut self) -> Result<(), String> {
        let channel = connect(&self.server).await?;
        let mut client = AggregatedDiscoveryServiceClient::new(channel).max_decoding_message_size(LARGEST);
        let (requests, outgoing) = mpsc::channel(8);
        let send = async |request| requests.send(request).await.map_err(|_| "the stream ended".to_owned());
        // Filters first: rules name them.
        for kind in [FILTER_TYPE, RULE_SET_TYPE] {
            send(self.subscription(kind)).await?;
        }
        let call = client.delta_aggregated_resources(ReceiverStream::new(outgoing));
        let opened = tokio::time::timeout(CONNECT, call).await.map_err(|_| "no answer".to_owned())?;
        let mut responses = opened.map_err(|status| status.message().to_owned())?.into_inner();
        let mut tell_at = None;
        loop {
            let result = tokio::select! {
                result = responses.message() => result.map_err(|status| status.message().to_owned()),
                Ok(()) = self.troubles.changed(), if tell_at.is_none() => {
                    tell_at = Some(tokio::time::Instant::now() + SETTLE);
                    continue;
                }
                () = reached(tell_at) => {
                    tell_at = None;
                    let told = DeltaDiscoveryRequest { node: Some(self.node()), ..DeltaDiscoveryRequest::default() };
                    send(DeltaDiscoveryRequest { type_url: FILTER_TYPE.to_owned(), ..told }).await?;
                    continue;
                }
            };
            self.last = Instant::now();
            let Some(response) = result? else { return Ok(()) };
            if let Some(answer) = self.answer(response) {
                send(answer).await?;
            }
        }
    }

    /// Who we are, and what filters cannot have.
    fn node(&mut self) -> Node {
        let troubles: Vec<_> = self.troubles.borrow_and_update().iter().take(MOST_TOLD).cloned().collect();
        let troubles = serde_json::to_string(&troubles).unwrap_or_default();
        let metadata = [(TROUBLES_KEY.to_owned(), Json::String(troubles))].into_iter().collect();
        let name = || "nuncio-authz".to_owned();
        Node { id: name(), cluster: name(), metadata: Some(dynamic::fields(metadata)), ..Node::default() }
    }

    fn subscription(&mut self, kind: &'static str) -> DeltaDiscoveryRequest {
        DeltaDiscoveryRequest {
            node: Some(self.node()),
            type_url: kind.to_owned(),
            resource_names_subscribe: vec!["*".to_owned()],
            initial_resource_versions: self
                .versions
                .get(kind)
                .into_iter()
                .flatten()
                .map(|(name, version)| (name.clone(), version.clone()))
                .collect(),
            ..DeltaDiscoveryRequest::default()
        }
    }

    /// Puts a response into force; the answer is an ACK or a NACK.
    fn answer(&mut self, response: DeltaDiscoveryResponse) -> Option<DeltaDiscoveryRequest> {
        let kind = [FILTER_TYPE, RULE_SET_TYPE].into_iter().find(|kind| *kind == response.type_url)?;
        let versions = self.versions.entry(kind).or_default();
        let mut change = Change::default();
        let mut problems = Vec::new();
        for name in response.removed_resources {
            versions.remove(&name);
            if kind == FILTER_TYPE {
                change.removed_filters.push(FilterId(name.into()));
            } else {
                change.removed_rule_sets.push(RuleSetId(name.into()));
            }
        }
        for resource in response.resources {
            let body = resource.resource.unwrap_or_default().value;
            let read = if kind == FILTER_TYPE {
                serde_json::from_slice(&body).map(|filter| change.filters.push(filter))
            } else {
                serde_json::from_slice(&body).map(|set| change.rule_sets.push(set))
            };
            match read {
                Ok(()) => _ = versions.insert(resource.name, resource.version),
                Err(error) => problems.push(format!("{}: {error}", resource.name)),
            }
        }
        let applied = if kind == FILTER_TYPE { self.active.prepare(change) } else { self.active.apply(change) };
        problems.extend(applied.err());
        let error = (!problems.is_empty()).then(|| problems.join("; "));
        if let Some(error) = &error {
            tracing::error!("refused what the controller sent; what was last good stays in force: {error}");
        }
        Some(DeltaDiscoveryRequest {
            type_url: kind.to_owned(),
            response_nonce: response.nonce,
            error_detail: error.map(|message| Status { code: INVALID, message, ..Status::default() }),
            ..DeltaDiscoveryRequest::default()
        })
    }
}

async fn reached(time: Option<tokio::time::Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

async fn connect(server: &Address) -> Result<Channel, String> {
    let endpoint = match server {
        Address::Tcp(address) => Endpoint::from_shared(format!("http://{address}")),
        // The name is not looked up.
        Address::Unix(_) => Endpoint::from_shared("http://controller"),
    };
    let endpoint = endpoint
        .map_err(|error| error.to_string())?
        .connect_timeout(CONNECT)
        .http2_keep_alive_interval(Duration::from_secs(30))
        .keep_alive_while_idle(true);
    let connected = match server {
        Address::Tcp(_) => endpoint.connect().await,
        Address::Unix(path) => endpoint.connect_with_connector(tower_service(path.clone())).await,
    };
    connected.map_err(|error| nuncio_telemetry::causes(&error))
}

fn tower_service(
    path: PathBuf,
) -> impl tower::Service<
    Uri,
    Response = hyper_util::rt::TokioIo<UnixStream>,
    Error = std::io::Error,
    Future = impl Future<Output = std::io::Result<hyper_util::rt::TokioIo<UnixStream>>> + Send,
> + Send
+ 'static {
    tower::service_fn(move |_: Uri| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(hyper_util::rt::TokioIo::new) }
    })
}

#[cfg(test)]
mod tests;
