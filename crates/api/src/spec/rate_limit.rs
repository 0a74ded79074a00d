//! `RateLimit`: what requests with these labels are held to, for the rate limit service that belongs to this gateway.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The `spec` of a `RateLimit`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct RateLimit {
    /// The instances that take the object; `default` where empty.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub ambassador_id: Vec<String>,
    /// The domain of the labels; default is the Module's `default_label_domain`, else `ambassador`.
    pub domain: Option<String>,
    /// The limits. Of those that match a group of labels the one with the longest pattern holds.
    pub limits: Vec<Limit>,
}

/// A limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Limit {
    /// What logs call it; default is `NAME.NAMESPACE-INDEX` of the object.
    pub name: Option<String>,
    /// What happens beyond it, in any case: `Enforce` (default) answers 429, `LogOnly` lets requests pass and notes them.
    pub action: Option<String>,
    /// The labels that a group begins with. An item with several labels takes any of them; an empty value or `*` takes any
    /// value, each of which is counted for itself. Required.
    pub pattern: Vec<BTreeMap<String, String>>,
    /// How many requests in a unit of time. Required.
    pub rate: Option<u32>,
    /// `second`, `minute`, `hour` or `day`, in any case. Required.
    pub unit: Option<String>,
    /// Let unused requests of so many units be used at once, and count by a sliding window rather than by the clock.
    pub burst_factor: Option<u32>,
    /// Headers added to requests that the pattern takes.
    pub inject_request_headers: Vec<TemplatedHeader>,
    /// Headers added to the answers to requests that the pattern takes, refused or not.
    pub inject_response_headers: Vec<TemplatedHeader>,
    /// What is answered beyond the limit; default is JSON with a message.
    pub error_response: Option<ErrorResponse>,
}

/// A header whose value is a template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct TemplatedHeader {
    /// The header. Required.
    pub name: String,
    /// A template as of Go's `text/template`, over `.RateLimitResponse` and `.RetryAfter`. Required.
    pub value: String,
}

/// An answer of one's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct ErrorResponse {
    /// Headers added to the answer.
    pub headers: Vec<TemplatedHeader>,
    /// The body, a template as of Go's `text/template`; default is JSON with a message.
    pub body_template: Option<String>,
}

/// What happens beyond a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LimitAction {
    /// Requests are refused with 429.
    #[default]
    Enforce,
    /// Requests pass.
    LogOnly,
}

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum LimitUnit {
    Second,
    Minute,
    Hour,
    Day,
}

impl LimitUnit {
    /// The unit of this name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "second" => Self::Second,
            "minute" => Self::Minute,
            "hour" => Self::Hour,
            "day" => Self::Day,
            _ => return None,
        })
    }

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// Its length in seconds.
    #[must_use]
    pub fn seconds(self) -> u64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }
}

impl Limit {
    /// What happens beyond it; `None` if it does not say so in known words.
    #[must_use]
    pub fn action(&self) -> Option<LimitAction> {
        match self.action.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("" | "enforce") => Some(LimitAction::Enforce),
            Some("logonly") => Some(LimitAction::LogOnly),
            Some(_) => None,
        }
    }

    /// Its unit, where it names one.
    #[must_use]
    pub fn unit(&self) -> Option<LimitUnit> {
        LimitUnit::from_name(self.unit.as_deref()?)
    }
}

/// A limit that each gateway keeps by itself, before anybody is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct LocalRateLimit {
    /// How many requests in a unit of time, at each Envoy. Required.
    pub rate: Option<u32>,
    /// `second`, `minute`, `hour` or `day`, in any case. Required.
    pub unit: Option<String>,
    /// How many requests may come at once after a pause; default is `rate`.
    pub burst: Option<u32>,
}

impl LocalRateLimit {
    /// Its unit, where it names one.
    #[must_use]
    pub fn unit(&self) -> Option<LimitUnit> {
        LimitUnit::from_name(self.unit.as_deref()?)
    }
}
