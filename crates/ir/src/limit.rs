//! Limits: what of a request is told to the service that counts, and what Envoy counts by itself.

use std::sync::Arc;
use std::time::Duration;

use nuncio_api::{LimitUnit, ObjectId};

use crate::ClusterName;

/// Whom Envoy asks about limits: the same for all routes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LimitService {
    /// Who is asked; nobody, if that cannot be told: each question fails then.
    pub cluster: Option<ClusterName>,
    /// Name by which it is called.
    pub authority: String,
    /// The domain of labels.
    pub domain: String,
    /// Time for the answer; zero is no limit.
    pub timeout: Duration,
    /// Refuse requests with 500 when there is no answer.
    pub deny_on_failure: bool,
    /// Tell gRPC clients `RESOURCE_EXHAUSTED` rather than `UNAVAILABLE`.
    pub resource_exhausted: bool,
}

/// What the requests of a route are held to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Limits {
    /// What is asked about, each with labels in order; at least one label each.
    pub descriptors: Vec<Vec<RateLabel>>,
    /// What Envoy counts by itself, before it asks.
    pub local: Option<TokenBucket>,
}

/// A key with the place that its value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RateLabel {
    /// `source_cluster`: the cluster of the Envoy that sent the request.
    SourceCluster,
    /// `destination_cluster`: the cluster that it goes to.
    DestinationCluster,
    /// `remote_address`: the client.
    RemoteAddress,
    /// A header's value.
    Header {
        /// The key.
        key: String,
        /// Lower-case name.
        name: String,
        /// Without the header the label is left out; otherwise the whole descriptor is.
        optional: bool,
    },
    /// A fixed text.
    Text {
        /// The key.
        key: String,
        /// The text.
        value: String,
    },
}

/// Fills at a steady rate; each request takes a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenBucket {
    /// How many it holds.
    pub size: u32,
    /// How many come at a time.
    pub tokens: u32,
    /// Time between.
    pub interval: Duration,
}

/// What the requests of one domain are held to: the rules that the service which counts is sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LimitRules {
    /// The domain.
    pub domain: Arc<str>,
    /// For the first label of a descriptor. At each level an exact value goes before any value, and holds what any value
    /// holds: there is no need to look at both.
    pub nodes: Vec<LimitNode>,
    /// The objects that they were made of, sorted.
    pub origins: Vec<ObjectId>,
}

/// A label, and what may follow it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LimitNode {
    /// Its key.
    pub key: String,
    /// Its value; any where absent, each of which is counted for itself.
    pub value: Option<String>,
    /// What descriptors are held to that begin so, unless more of them is matched below.
    pub rule: Option<Box<LimitRule>>,
    /// For the next label.
    pub nodes: Vec<LimitNode>,
}

/// A limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LimitRule {
    /// What logs call it.
    pub name: String,
    /// How many requests in a unit of time.
    pub rate: u32,
    /// The unit.
    pub unit: LimitUnit,
    /// How many units' requests may come at once; counted by the clock where absent.
    pub burst_factor: Option<u32>,
    /// Requests beyond it pass, and are noted.
    pub log_only: bool,
    /// Headers for the service behind, as templates: name and value.
    pub request_headers: Vec<(String, String)>,
    /// Headers for the client, as templates.
    pub response_headers: Vec<(String, String)>,
    /// What is answered beyond it, instead of the usual.
    pub error: Option<LimitError>,
    /// Who asked for it.
    pub origin: ObjectId,
}

/// An answer of one's own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LimitError {
    /// Headers, as templates.
    pub headers: Vec<(String, String)>,
    /// Body, as a template.
    pub body: String,
}
