//! Kubernetes' `Service`.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

/// The `spec` of a `Service`, as far as routing needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Service {
    /// `ClusterIP` (the default), `NodePort`, `LoadBalancer` or `ExternalName`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The address inside the cluster; `None` as text of a headless service.
    #[serde(rename = "clusterIP")]
    pub cluster_ip: Option<String>,
    /// The families of its addresses, the preferred one first: `IPv4`, `IPv6`.
    #[serde(rename = "ipFamilies")]
    pub ip_families: Vec<String>,
    /// DNS name that an `ExternalName` service stands for.
    #[serde(rename = "externalName")]
    pub external_name: Option<String>,
    /// Labels of the pods behind it.
    pub selector: BTreeMap<String, String>,
    /// Its ports.
    pub ports: Vec<ServicePort>,
}

impl Service {
    /// Whether it is another name in DNS, for anything.
    #[must_use]
    pub fn is_external_name(&self) -> bool {
        self.kind.as_deref() == Some("ExternalName")
    }
}

/// A port of a `Service`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ServicePort {
    /// Name, which ports of its `EndpointSlice`s have too; empty for a single port without one.
    pub name: Option<String>,
    /// Port of the service.
    pub port: u16,
    /// Port of the pods; default is `port`.
    #[serde(rename = "targetPort")]
    pub target_port: Option<IntOrString>,
    /// `TCP` (the default), `UDP` or `SCTP`.
    pub protocol: Option<String>,
    /// What is spoken on it, such as `kubernetes.io/h2c`.
    #[serde(rename = "appProtocol")]
    pub app_protocol: Option<String>,
}

/// A port by its number, or by the name that the pod gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum IntOrString {
    /// Its number.
    Int(u16),
    /// Its name.
    String(String),
}

impl<'de> Deserialize<'de> for IntOrString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PortVisitor;

        impl Visitor<'_> for PortVisitor {
            type Value = IntOrString;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a port's number or name")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                u16::try_from(number).map(IntOrString::Int).map_err(|_| E::custom("a port is at most 65535"))
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
                Ok(IntOrString::String(name.to_owned()))
            }
        }

        deserializer.deserialize_any(PortVisitor)
    }
}
