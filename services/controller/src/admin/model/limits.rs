//! Limits of requests.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ObjectRef;

/// A limit that a RateLimit asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitView {
    /// The domain of its labels.
    pub domain: String,
    /// The labels that a descriptor begins with: `user=*, method=POST`. Each value of `*` is counted for itself.
    pub labels: String,
    /// What logs call it.
    pub name: String,
    /// How many requests: `60 per minute`.
    pub limit: String,
    /// Requests beyond it pass, and are noted.
    pub log_only: bool,
    /// The RateLimit that it comes from.
    pub origin: ObjectRef,
    /// Who is asked about its domain: `limits.shop:8081 (RateLimitService shop/limits)`. None: nobody is.
    #[serde(default)]
    pub asked: Option<String>,
    /// How many rate limit services have fetched it over xDS, in its newest form.
    #[serde(default)]
    pub fetched_by: usize,
    /// Somebody is asked, and a service has it in its newest form.
    #[serde(default)]
    pub in_force: bool,
}

/// Requests that were over a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitedView {
    /// The domain of the labels.
    pub domain: String,
    /// The labels that are counted: `user=ann`.
    pub labels: String,
    /// The rule.
    pub name: String,
    /// How often it was over the limit since the service began; more or less, where there are very many.
    pub over: u64,
}
