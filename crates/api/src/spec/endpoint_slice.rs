//! Kubernetes' `EndpointSlice` (`discovery.k8s.io/v1`).

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

/// Some of the endpoints of a Service; the label `kubernetes.io/service-name` says which Service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct EndpointSlice {
    /// `IPv4`, `IPv6` or `FQDN`.
    #[serde(rename = "addressType")]
    pub address_type: String,
    /// The endpoints.
    pub endpoints: Vec<Endpoint>,
    /// The ports that every endpoint has.
    pub ports: Vec<EndpointPort>,
}

/// One endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Endpoint {
    /// The first of its addresses, which are interchangeable: only that one is to be used. None if it is no IP address.
    #[serde(rename = "addresses", deserialize_with = "first_address")]
    #[schemars(with = "Vec<String>")]
    pub address: Option<IpAddr>,
    /// Its state.
    pub conditions: EndpointConditions,
    /// Its zone, as the node's label `topology.kubernetes.io/zone`.
    pub zone: Option<String>,
    /// Who is to use it.
    pub hints: Option<EndpointHints>,
    /// What it is an address of, mostly a pod. The slices of both address families name the same.
    #[serde(rename = "targetRef")]
    pub target: Option<EndpointTarget>,
}

/// Read once, however often the endpoints of its Service are listed.
fn first_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<IpAddr>, D::Error> {
    let addresses = Vec::<String>::deserialize(deserializer)?;
    Ok(addresses.first().and_then(|address| address.parse().ok()))
}

/// Who is to use an endpoint. Kubernetes writes it for Services with `trafficDistribution` or the annotation
/// `service.kubernetes.io/topology-mode`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct EndpointHints {
    /// Clients of these zones.
    #[serde(rename = "forZones")]
    pub for_zones: Vec<EndpointHint>,
    /// Clients on these nodes.
    #[serde(rename = "forNodes")]
    pub for_nodes: Vec<EndpointHint>,
}

/// A zone or a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct EndpointHint {
    /// Its name.
    pub name: String,
}

/// Names what an endpoint is an address of.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(default)]
pub struct EndpointTarget {
    /// `Pod`, mostly.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Tells it from others of the same name.
    pub uid: String,
}

/// State of an endpoint. What is absent is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct EndpointConditions {
    /// It takes requests; unknown counts as `true`.
    pub ready: Option<bool>,
    /// It takes requests, or still does while it ends; unknown counts as `ready`.
    pub serving: Option<bool>,
    /// It is about to end; unknown counts as `false`.
    pub terminating: Option<bool>,
}

/// A port of endpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct EndpointPort {
    /// Name of the Service's port; empty for a single port without one.
    pub name: Option<String>,
    /// The port; absent stands for all ports.
    pub port: Option<u16>,
    /// `TCP` (the default), `UDP` or `SCTP`.
    pub protocol: Option<String>,
    /// What is spoken on it, such as `kubernetes.io/h2c`.
    #[serde(rename = "appProtocol")]
    pub app_protocol: Option<String>,
}
