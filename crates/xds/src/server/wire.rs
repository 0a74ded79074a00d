//! Between the machine's messages and protobuf.

use std::sync::Arc;

use envoy_types::pb::envoy::config::core::v3 as core;
use envoy_types::pb::envoy::service::discovery::v3 as pb;
use envoy_types::pb::google::protobuf::{Any, value};
use envoy_types::pb::google::rpc::Status;

use crate::event::{Node, Word};
use crate::machine::{Interest, Request, Response};
use crate::resource::{Resource, ResourceType};

/// What the keys begin with of what our services say.
const OURS: &str = "nuncio.dev/";

pub(super) fn delta_request(request: pb::DeltaDiscoveryRequest) -> Request {
    let versions = request.initial_resource_versions.into_iter();
    Request {
        node: request.node.map(node),
        kind: kind(&request.type_url),
        nonce: nonce(&request.response_nonce),
        error: request.error_detail.map(error),
        interest: Interest::Delta {
            subscribe: names(request.resource_names_subscribe),
            unsubscribe: names(request.resource_names_unsubscribe),
            initial_versions: versions.map(|(name, version)| (name.into(), version.into())).collect(),
        },
    }
}

pub(super) fn request(request: pb::DiscoveryRequest) -> Request {
    Request {
        node: request.node.map(node),
        kind: kind(&request.type_url),
        nonce: nonce(&request.response_nonce),
        error: request.error_detail.map(error),
        interest: Interest::Names {
            names: names(request.resource_names),
            has_version: !request.version_info.is_empty(),
        },
    }
}

pub(super) fn delta_response(response: &Response) -> pb::DeltaDiscoveryResponse {
    pb::DeltaDiscoveryResponse {
        system_version_info: response.revision.to_string(),
        type_url: response.kind.type_url().to_owned(),
        nonce: response.nonce.to_string(),
        resources: response.resources.iter().map(|resource| delta_resource(resource)).collect(),
        removed_resources: response.removed.iter().map(|name| name.to_string()).collect(),
        ..Default::default()
    }
}

pub(super) fn response(response: &Response) -> pb::DiscoveryResponse {
    pb::DiscoveryResponse {
        // One revision may take several responses.
        version_info: format!("{}.{}", response.revision, response.nonce),
        type_url: response.kind.type_url().to_owned(),
        nonce: response.nonce.to_string(),
        resources: response.resources.iter().map(|resource| any(resource)).collect(),
        ..Default::default()
    }
}

fn delta_resource(resource: &Resource) -> pb::Resource {
    pb::Resource {
        name: resource.key.name.to_string(),
        version: resource.version.to_string(),
        resource: Some(any(resource)),
        ..Default::default()
    }
}

fn any(resource: &Resource) -> Any {
    Any { type_url: resource.key.kind.type_url().to_owned(), value: resource.body.to_vec() }
}

fn kind(type_url: &str) -> Option<ResourceType> {
    let kind = ResourceType::from_type_url(type_url);
    if kind.is_none() {
        tracing::debug!(type_url, "request for a type that is not served");
    }
    kind
}

/// The nonces given out are numbers from 1 on: anything else answers no response.
fn nonce(nonce: &str) -> Option<u64> {
    (!nonce.is_empty()).then(|| nonce.parse().unwrap_or(0))
}

fn error(status: Status) -> Arc<str> {
    if status.message.is_empty() { format!("status {}", status.code).into() } else { status.message.into() }
}

fn names(names: Vec<String>) -> Vec<Arc<str>> {
    names.into_iter().map(Arc::from).collect()
}

fn node(node: core::Node) -> Node {
    let version = node.user_agent_version_type.and_then(version);
    let agent = match version {
        Some(version) => format!("{}/{version}", node.user_agent_name),
        None => node.user_agent_name,
    };
    let says = node
        .metadata
        .into_iter()
        .flat_map(|metadata| metadata.fields)
        .filter_map(|(key, value)| word(key, value.kind?));
    Node { id: node.id, cluster: node.cluster, agent, says: says.collect() }
}

/// Envoys have metadata too, of their operators.
fn word(key: String, value: value::Kind) -> Option<Word> {
    match value {
        value::Kind::StringValue(text) if key.starts_with(OURS) => Some((key.into(), text.into())),
        _ => None,
    }
}

fn version(version: core::node::UserAgentVersionType) -> Option<String> {
    match version {
        core::node::UserAgentVersionType::UserAgentVersion(version) => Some(version),
        core::node::UserAgentVersionType::UserAgentBuildVersion(build) => {
            build.version.map(|v| format!("{}.{}.{}", v.major_number, v.minor_number, v.patch))
        }
    }
}
