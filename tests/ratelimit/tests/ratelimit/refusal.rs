//! Rules that a rate limit service refuses: the object at fault is found and taken out, and the others take effect.

use std::collections::BTreeSet;

use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use envoy_types::pb::envoy::service::discovery::v3::{DiscoveryRequest, DiscoveryResponse};
use envoy_types::pb::google::rpc;
use envoy_types::pb::ratelimit::config::ratelimit::v3::RateLimitConfig;
use nuncio_e2e::yaml::{documents, object};
use nuncio_e2e::{Controller, Site, eventually};
use prost::{Message, Name};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

/// What an older service might not know.
const REFUSED: &str = "refused";

/// The names of the limits in force, of the domain `ambassador`.
type InForce = BTreeSet<String>;

fn names(response: &DiscoveryResponse) -> InForce {
    let configs = response.resources.iter().map(|any| RateLimitConfig::decode(any.value.as_slice()).unwrap());
    let descriptors = configs.flat_map(|config| config.descriptors);
    descriptors.filter_map(|descriptor| descriptor.rate_limit).map(|limit| limit.name).collect()
}

/// Takes rules until the stream ends, but for limits of that name.
async fn take(mut client: AggregatedDiscoveryServiceClient<Channel>, in_force: watch::Sender<InForce>) {
    let (requests, outgoing) = mpsc::channel(4);
    let node = Some(Node { id: "strict".to_owned(), ..Node::default() });
    let first = DiscoveryRequest { node, type_url: RateLimitConfig::type_url(), ..DiscoveryRequest::default() };
    requests.send(first.clone()).await.unwrap();
    let mut responses = client.stream_aggregated_resources(ReceiverStream::new(outgoing)).await.unwrap().into_inner();
    let mut version = String::new();
    while let Ok(Some(response)) = responses.message().await {
        let found = names(&response);
        let message = "no such limit".to_owned();
        let error_detail = found.contains(REFUSED).then(|| rpc::Status { code: 3, message, ..rpc::Status::default() });
        if error_detail.is_none() {
            version = response.version_info;
            in_force.send_replace(found);
        }
        let (version_info, response_nonce) = (version.clone(), response.nonce);
        let answer = DiscoveryRequest { version_info, response_nonce, error_detail, ..first.clone() };
        if requests.send(answer).await.is_err() {
            return;
        }
    }
}

fn limit(object_name: &str, name: &str) -> Value {
    let one = json!({"name": name, "pattern": [{"user": object_name}], "rate": 1, "unit": "day"});
    object("RateLimit", object_name, json!({"limits": [one]}))
}

async fn are_in_force(in_force: &watch::Receiver<InForce>, expected: &[&str]) {
    let expected: InForce = expected.iter().map(|name| (*name).to_owned()).collect();
    eventually(&format!("{expected:?} in force"), async || {
        let found = in_force.borrow().clone();
        if found == expected { Ok(()) } else { Err(format!("{found:?}")) }
    })
    .await;
}

#[tokio::test]
async fn the_limit_that_a_service_refuses_is_taken_out_alone() {
    let site = Site::new();
    site.write("good.yaml", documents(&[limit("a", "a"), limit("z", "z")]));
    site.write("bad.yaml", documents(&[limit("m", REFUSED)]));
    let controller = Controller::start(&site).await;
    let (sender, in_force) = watch::channel(InForce::new());
    let address = format!("http://{}", site.xds());
    let connect = async || AggregatedDiscoveryServiceClient::connect(address.clone()).await;
    let client = eventually("the controller offers rules", connect).await;
    let service = tokio::spawn(take(client, sender));
    are_in_force(&in_force, &["a", "z"]).await;
    let problem = controller.admin.problem(&["RefusedByProxy", "no such limit"]).await;
    assert_eq!(problem["object"]["name"], "m", "{problem}");
    assert!(problem["message"].as_str().unwrap().contains("a rate limit service refused it"), "{problem}");

    // The others go on changing, and the guilty one is let in when it is another.
    site.write("good.yaml", documents(&[limit("a", "b"), limit("z", "z")]));
    are_in_force(&in_force, &["b", "z"]).await;
    site.write("bad.yaml", documents(&[limit("m", "mended")]));
    are_in_force(&in_force, &["b", "mended", "z"]).await;
    controller.admin.no_problem(&["RefusedByProxy"]).await;
    service.abort();
}
