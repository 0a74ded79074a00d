//! Rules from a management server: `RateLimitConfig` over ADS, state of the world.

mod address;

use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use envoy_types::pb::envoy::service::discovery::v3::{DiscoveryRequest, DiscoveryResponse};
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Any, Struct, Value};
use envoy_types::pb::google::rpc::Status;
use envoy_types::pb::ratelimit::config::ratelimit::v3::RateLimitConfig;
use prost::{Message, Name};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::metadata::{MetadataKey, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

pub(crate) use address::check;

use super::{Active, Unusable};
use crate::aside::aside;
use crate::back_off::BackOff;
use crate::config::{EXTENSION, Source, Unknown, root_of};
use crate::settings::{ClientTls, NamedFile, Xds};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long to wait before connecting is tried again, at first, and what each wait is to the one before: as gRPC for Go
/// has it, which connects for the original.
const CONNECT_AGAIN: Duration = Duration::from_secs(1);
const CONNECT_FACTOR: f64 = 1.6;
/// The code of a NACK: `INVALID_ARGUMENT`.
const INVALID: i32 = 3;

/// Receives rules until stopped. Those in force survive whatever happens to the connection.
pub(crate) async fn watch(settings: Xds, active: Active, stop: CancellationToken) {
    let mut client = Client { settings, active, version: String::new(), is_away: false, unknown: Unknown::default() };
    tokio::select! {
        // Who was told to stop does not complain of a server that ends with it.
        biased;
        () = stop.cancelled() => {}
        () = client.run() => {}
    }
}

struct Client {
    settings: Xds,
    active: Active,
    /// The last version that was accepted.
    version: String,
    /// It was told that the server cannot be used.
    is_away: bool,
    /// What was told to be unknown.
    unknown: Unknown,
}

impl Client {
    async fn run(&mut self) {
        let mut lost = 0;
        loop {
            let channel = self.connect().await;
            let before = self.version.clone();
            let error = match self.receive(channel).await {
                Ok(()) => "the stream ended".to_owned(),
                Err(error) => error,
            };
            if self.version != before {
                lost = 0;
            }
            self.pause(self.settings.back_off.wait(lost), &error).await;
            lost += 1;
        }
    }

    async fn pause(&mut self, wait: Duration, error: &str) {
        self.is_away = true;
        let server = &self.settings.server;
        tracing::error!("No configuration from xDS Management Server {server}, trying again in {wait:?}: {error}");
        tokio::time::sleep(wait).await;
    }

    /// Connects, as often as it takes.
    async fn connect(&mut self) -> Channel {
        let BackOff { first, longest, .. } = self.settings.back_off;
        let back_off = BackOff { first: first.min(CONNECT_AGAIN), longest, factor: CONNECT_FACTOR, jitter: true };
        let mut failed = 0;
        loop {
            match self.try_to_connect().await {
                Ok(channel) => return channel,
                Err(error) => self.pause(back_off.wait(failed), &error).await,
            }
            failed += 1;
        }
    }

    /// Receives until the stream ends. A server that has nothing yet may say nothing at all until it has.
    async fn receive(&mut self, channel: Channel) -> Result<(), String> {
        let mut client =
            AggregatedDiscoveryServiceClient::new(channel).max_decoding_message_size(self.settings.max_message);
        let (requests, outgoing) = mpsc::channel(4);
        let mut call = tonic::Request::new(ReceiverStream::new(outgoing));
        for (name, value) in &self.settings.headers {
            let name: MetadataKey<_> = name.parse().map_err(|_| format!("{name:?} is no name of a header"))?;
            let value: MetadataValue<_> =
                value.parse().map_err(|_| format!("the value of {name} is none for a header"))?;
            call.metadata_mut().insert(name, value);
        }
        let send = async |request| requests.send(request).await.map_err(|_| "the stream ended".to_owned());
        send(self.request(String::new(), None)).await?;
        let opened = client.stream_aggregated_resources(call).await;
        let mut responses = opened.map_err(|status| status.to_string())?.into_inner();
        if std::mem::take(&mut self.is_away) {
            tracing::warn!("xDS Management Server {} is back", self.settings.server);
        } else {
            tracing::info!("Connection to xDS Management Server is successful");
        }
        while let Some(response) = responses.message().await.map_err(|status| status.to_string())? {
            send(self.answer(response).await).await?;
        }
        Ok(())
    }

    async fn try_to_connect(&self) -> Result<Channel, String> {
        let settings = &self.settings;
        let mut endpoint = Endpoint::from_shared(address::uri(&settings.server, settings.tls.is_some())?)
            .map_err(|error| error.to_string())?
            .connect_timeout(CONNECT)
            .http2_keep_alive_interval(Duration::from_secs(30))
            .keep_alive_while_idle(true);
        if let Some(tls) = &settings.tls {
            endpoint = endpoint.tls_config(tls_config(tls)?).map_err(|error| error.to_string())?;
        }
        endpoint.connect().await.map_err(|error| nuncio_telemetry::causes(&error))
    }

    fn request(&self, nonce: String, error: Option<String>) -> DiscoveryRequest {
        let fields = self.settings.node_metadata.iter();
        let fields = fields.map(|(key, value)| (key.clone(), Value { kind: Some(Kind::StringValue(value.clone())) }));
        DiscoveryRequest {
            version_info: self.version.clone(),
            node: Some(Node {
                id: self.settings.node_id.clone(),
                metadata: Some(Struct { fields: fields.collect() }),
                ..Node::default()
            }),
            type_url: RateLimitConfig::type_url(),
            response_nonce: nonce,
            error_detail: error.map(|message| Status { code: INVALID, message, ..Status::default() }),
            ..DiscoveryRequest::default()
        }
    }

    /// Puts a response into force, as far as it can be used; the answer is an ACK, or a NACK with the reasons and the last good
    /// version.
    async fn answer(&mut self, response: DiscoveryResponse) -> DiscoveryRequest {
        let (active, resources) = (self.active.clone(), response.resources);
        let (result, unknown) = aside(move || {
            let mut unknown = Unknown::default();
            let sources = resources.iter().map(|resource| decode(resource, &mut unknown)).collect();
            (active.load_each(sources), unknown)
        })
        .await;
        self.note_unknown(unknown);
        if result.is_ok() {
            self.version = response.version_info;
        }
        self.request(response.nonce, result.err())
    }

    /// Tells of fields that this version does not know, once of each.
    fn note_unknown(&mut self, unknown: Unknown) {
        let news = self.unknown.learn(unknown);
        if !news.is_empty() {
            tracing::warn!(
                "the management server is newer: passed over what this version does not know of {EXTENSION}: {}",
                news.join(", ")
            );
        }
    }
}

fn decode(resource: &Any, unknown: &mut Unknown) -> Result<Source, Unusable> {
    let wanted = RateLimitConfig::type_url();
    if resource.type_url != wanted {
        return Err(Unusable { domain: None, error: format!("expected {wanted}, not {:?}", resource.type_url) });
    }
    let config = RateLimitConfig::decode(resource.value.as_slice())
        .map_err(|error| Unusable { domain: None, error: format!("a {wanted} cannot be read: {error}") })?;
    let (name, domain) = (config.name.clone(), config.domain.clone());
    let root =
        root_of(config, unknown).map_err(|error| Unusable { domain: Some(domain), error: error.with_place() })?;
    Ok(Source { name, root })
}

fn tls_config(tls: &ClientTls) -> Result<ClientTlsConfig, String> {
    let read = |file: &NamedFile| std::fs::read(&file.path).map_err(|error| file.wrong(error.to_string()).to_string());
    let mut config = ClientTlsConfig::new();
    config = if tls.authorities.is_named() {
        config.ca_certificate(Certificate::from_pem(read(&tls.authorities)?))
    } else {
        config.with_native_roots()
    };
    if tls.certificate.is_named() {
        config = config.identity(Identity::from_pem(read(&tls.certificate)?, read(&tls.key)?));
    }
    if !tls.name.is_empty() {
        config = config.domain_name(&tls.name);
    }
    Ok(config)
}
