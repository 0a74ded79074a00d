//! Pieces that several kinds share.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time;

use schemars::JsonSchema;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

use crate::duration::{DurationError, format_duration, parse_duration};

/// A length of time, written as Go and Kubernetes do: `300ms`, `0.3s`, `1m30s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(into = "String")]
#[schemars(with = "String")]
pub struct Duration(pub time::Duration);

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Duration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration like \"300ms\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
                text.parse().map_err(E::custom)
            }

            /// A number alone is none in quotes either.
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Duration, E> {
                let message = format!(
                    "expected a duration with its unit, found the number {number}: write \"{number}ms\", or \"{number}s\" \
                     for seconds"
                );
                Err(E::custom(message))
            }
        }

        deserializer.deserialize_any(Text)
    }
}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_duration(text).map(Self)
    }
}

impl From<Duration> for String {
    fn from(duration: Duration) -> Self {
        duration.to_string()
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        format_duration(self.0, f)
    }
}

/// Headers to be added, by name.
pub type AddedHeaders = BTreeMap<String, AddedHeader>;

/// A header that is added.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct AddedHeader {
    /// The value; may hold Envoy's command operators (`%REQ(:path)%`), a literal percent sign is written `%%`.
    pub value: String,
    /// Append to the values that are there (the default), or replace them.
    pub append: bool,
}

impl Default for AddedHeader {
    fn default() -> Self {
        Self { value: String::new(), append: true }
    }
}

/// An RE2 expression and what its match becomes; `\1` stands for the first group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct RegexMap {
    /// The expression.
    pub pattern: String,
    /// What replaces the match.
    pub substitution: String,
}

/// Envoy's routing priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RoutingPriority {
    /// The usual one.
    #[default]
    #[serde(alias = "DEFAULT")]
    Default,
    /// Counts against circuit breakers of its own.
    #[serde(alias = "HIGH")]
    High,
}

/// Bounds what runs against an upstream at once. What is absent has Envoy's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct CircuitBreaker {
    /// The priority that these bounds are for; default `default`.
    #[serde(deserialize_with = "crate::lenient::name_or_default")]
    pub priority: RoutingPriority,
    /// Open connections; Envoy's default is 1024.
    pub max_connections: Option<u32>,
    /// Requests that wait for a connection; Envoy's default is 1024.
    pub max_pending_requests: Option<u32>,
    /// Requests in flight; Envoy's default is 1024.
    pub max_requests: Option<u32>,
    /// Retries in flight; Envoy's default is 3.
    pub max_retries: Option<u32>,
}

/// TCP keep-alive probes towards an upstream. What is absent is left to the operating system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Keepalive {
    /// Unanswered probes after which the connection counts as dead.
    pub probes: Option<u32>,
    /// Seconds of silence before the first probe.
    pub idle_time: Option<u32>,
    /// The same as the original reads it, whatever its documentation says. Wins over `idle_time`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub time: Option<u32>,
    /// Seconds between probes.
    pub interval: Option<u32>,
}

/// Cross-origin resource sharing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Cors {
    /// Origins that are let in; `*` is any. Without one there is no policy.
    #[serde(deserialize_with = "crate::lenient::comma_list")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub origins: Vec<String>,
    /// Methods for `Access-Control-Allow-Methods`.
    #[serde(deserialize_with = "crate::lenient::comma_list")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub methods: Vec<String>,
    /// Headers for `Access-Control-Allow-Headers`.
    #[serde(deserialize_with = "crate::lenient::comma_list")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub headers: Vec<String>,
    /// Headers for `Access-Control-Expose-Headers`.
    #[serde(deserialize_with = "crate::lenient::comma_list")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub exposed_headers: Vec<String>,
    /// Whether credentials are let through.
    pub credentials: Option<bool>,
    /// Seconds for which a browser may keep the answer to a preflight; text or number.
    #[serde(deserialize_with = "crate::lenient::seconds")]
    #[schemars(with = "crate::crd::IntOrText")]
    pub max_age: Option<u64>,
}
