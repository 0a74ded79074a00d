//! The shapes of the Module's settings.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::AddedHeaders;

/// Holds a request's body back until it is complete.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Buffer {
    /// Largest body in bytes; larger ones are answered 413. Required.
    pub max_request_bytes: u32,
}

/// Defaults for Mappings and TLSContexts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ModuleDefaults {
    /// What TLSContexts, and the `tls` of Hosts, have for `secret_namespacing`; default `true`.
    pub tls_secret_namespacing: Option<bool>,
    /// For every Mapping.
    pub httpmapping: MappingDefaults,
}

/// What a Mapping has that does not say otherwise itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct MappingDefaults {
    /// Headers added to the request.
    pub add_request_headers: AddedHeaders,
    /// Headers added to the response.
    pub add_response_headers: AddedHeaders,
    /// Headers taken from the request.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub remove_request_headers: Vec<String>,
    /// Headers taken from the response.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub remove_response_headers: Vec<String>,
    /// The upstream's name in statistics.
    pub stats_name: Option<String>,
}

/// One of the edge's own paths.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Probe {
    /// Whether the edge answers on it; default `true`.
    pub enabled: Option<bool>,
    /// Answer others than this machine where `enabled` is `false`; of `diagnostics` alone.
    pub allow_non_local: Option<bool>,
    /// Another path.
    pub prefix: Option<String>,
    /// What replaces the path.
    pub rewrite: Option<String>,
    /// Who answers instead of the edge.
    pub service: Option<String>,
}

/// Format of the access log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum LogFormat {
    /// Text with Envoy's command operators.
    Text(String),
    /// Fields of a JSON object; texts in them may hold command operators.
    Fields(Map<String, Value>),
}

impl<'de> Deserialize<'de> for LogFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FormatVisitor;

        impl<'de> Visitor<'de> for FormatVisitor {
            type Value = LogFormat;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or a mapping")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(LogFormat::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                Map::deserialize(de::value::MapAccessDeserializer::new(map)).map(LogFormat::Fields)
            }
        }

        deserializer.deserialize_any(FormatVisitor)
    }
}

/// Form of the access log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogType {
    /// Lines of text.
    #[default]
    #[serde(alias = "TEXT")]
    Text,
    /// JSON objects whose values are texts.
    #[serde(alias = "JSON")]
    Json,
    /// JSON objects whose values keep their types.
    #[serde(alias = "TYPED_JSON")]
    TypedJson,
}

/// What happens to `X-Forwarded-Client-Cert`, in Envoy's terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ForwardClientCertDetails {
    /// It is removed.
    #[default]
    Sanitize,
    /// It is forwarded from clients with a certificate.
    ForwardOnly,
    /// The client's certificate is added to what a client with a certificate sent.
    AppendForward,
    /// It is replaced by the client's certificate.
    SanitizeSet,
    /// It is forwarded, whoever sent it.
    AlwaysForwardOnly,
}

/// What `X-Forwarded-Client-Cert` says of a client's certificate; every field's default is `false`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ClientCertDetails {
    /// Its subject.
    pub subject: Option<bool>,
    /// The certificate itself.
    pub cert: Option<bool>,
    /// It and its chain.
    pub chain: Option<bool>,
    /// DNS names in it.
    pub dns: Option<bool>,
    /// URIs in it.
    pub uri: Option<bool>,
}

/// Statistics of gRPC calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct GrpcStats {
    /// Count every method by itself; default `false`.
    pub all_methods: Option<bool>,
    /// Methods that are counted by themselves; wins over `all_methods`.
    pub services: Vec<GrpcStatsService>,
    /// Measure the upstream's time; default `false`.
    pub upstream_stats: Option<bool>,
}

/// Methods of a gRPC service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct GrpcStatsService {
    /// The service, with its package.
    pub name: String,
    /// Its methods.
    pub method_names: Vec<String>,
}

/// What happens to headers with underscores in their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UnderscoresAction {
    /// They pass.
    Allow,
    /// The request is answered 400.
    RejectRequest,
    /// They are removed.
    DropHeader,
}

/// An entry of an access list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum IpRule {
    /// By the address at the other end of the connection.
    Peer(Cidr),
    /// By the client's address, which `X-Forwarded-For` gives where proxies in front are trusted.
    Remote(Cidr),
}

/// A range of addresses: `10.0.0.0/8`, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Cidr {
    /// An address in the range.
    pub address: IpAddr,
    /// Bits that addresses of the range have in common: 0–32, or 0–128 of IPv6.
    pub prefix_len: u8,
}

impl FromStr for Cidr {
    type Err = InvalidCidr;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidCidr(text.to_owned()))?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix_len = match length {
            None => longest,
            Some(length) => {
                length.parse().ok().filter(|n| *n <= longest).ok_or_else(|| InvalidCidr(text.to_owned()))?
            }
        };
        Ok(Self { address, prefix_len })
    }
}

impl TryFrom<String> for Cidr {
    type Error = InvalidCidr;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(cidr: Cidr) -> Self {
        cidr.to_string()
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_len)
    }
}

/// The text is no range of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an address or a range like 10.0.0.0/8, found \"{0}\"")]
pub struct InvalidCidr(String);
