//! What becomes of a request, and why.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Admin, GatewayError};

/// A request that somebody sends.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskedRequest {
    /// The whole URL.
    pub(crate) url: String,
    pub(crate) method: String,
    /// Without the values of credentials: nobody needs them here.
    #[serde(default)]
    pub(crate) headers: Vec<AskedHeader>,
}

/// A header of it.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskedHeader {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub(crate) struct Explanation {
    /// In a sentence.
    pub(crate) outcome: String,
    /// Who is asked about it before it goes on, in this order.
    pub(crate) protection: Vec<Protection>,
    /// What it is held to.
    pub(crate) limits: Vec<Limit>,
}

/// Somebody who is asked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub(crate) struct Protection {
    /// The rule of a FilterPolicy, as `policy.namespace#3`; or the AuthServices.
    by: String,
    /// What the request passes.
    filters: Vec<String>,
    /// Whether it is one of those that it is for.
    #[serde(skip_serializing)]
    applies: bool,
    /// What comes of it.
    outcome: String,
}

/// A limit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub(crate) struct Limit {
    /// What is told of the request: `user=ann`.
    labels: String,
    /// `60 per minute`.
    limit: Option<String>,
    /// What comes of it.
    outcome: String,
}

impl Admin {
    /// Why a request is answered as it is.
    pub(crate) async fn explain(&self, asked: &AskedRequest) -> Result<Explanation, GatewayError> {
        let mut explanation: Explanation = self.ask("/api/v1/explain", asked).await?;
        explanation.protection.retain(|protection| protection.applies);
        Ok(explanation)
    }
}
