//! Resolvers: how the name of a service becomes endpoints. Mappings name them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The `spec` of a `KubernetesServiceResolver`: a service is one address, its cluster IP or DNS name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct KubernetesServiceResolver {
    /// The instances that take the object; `default` where empty.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub ambassador_id: Vec<String>,
}

/// The `spec` of a `KubernetesEndpointResolver`: a service is the addresses of its pods.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct KubernetesEndpointResolver {
    /// The instances that take the object; `default` where empty.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub ambassador_id: Vec<String>,
}
