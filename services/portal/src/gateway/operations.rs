//! What the gateway does with the operations of a document, as the controller tells it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Admin, Credential, GatewayError, ObjectRef};

/// How long a page waits for it: it is of use without.
const PATIENCE: Duration = Duration::from_secs(1);
/// The most operations of one question.
const MOST: usize = 1000;

/// Operations that clients ask for at one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct AskedOperations<'a> {
    /// Scheme, host and port, as the gateway itself has them.
    pub(crate) origin: String,
    pub(crate) operations: Vec<AskedOperation<'a>>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct AskedOperation<'a> {
    pub(crate) method: &'a str,
    /// With values in the place of parameters.
    pub(crate) path: &'a str,
}

/// What becomes of their requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct ToldOperations {
    pub(crate) operations: Vec<ToldOperation>,
    pub(crate) upstreams: BTreeMap<String, UpstreamHealth>,
}

/// What becomes of requests for one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct ToldOperation {
    /// In the order in which they are tried; all but the last ask for something besides method and path.
    pub(crate) routes: Vec<ToldRoute>,
    /// What becomes of those that none takes; none where the last takes whatever comes.
    pub(crate) otherwise: Option<String>,
}

/// A route that they may get.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct ToldRoute {
    pub(crate) origin: Vec<ObjectRef>,
    pub(crate) conditions: Vec<String>,
    pub(crate) doubt: Option<String>,
    pub(crate) action: String,
    pub(crate) status: Option<u16>,
    pub(crate) credentials: Vec<Credential>,
    /// What lets a request through: any one of these sets. None where nobody tells.
    #[serde(default)]
    pub(crate) security: Option<Vec<Vec<Credential>>>,
    pub(crate) limits: Vec<OperationLimit>,
    pub(crate) is_limited_elsewhere: bool,
    pub(crate) timeout_ms: u64,
    pub(crate) idle_timeout_ms: Option<u64>,
    pub(crate) retry: Option<Retry>,
    pub(crate) clusters: Vec<String>,
}

/// When a request is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub(crate) struct Retry {
    /// Envoy's conditions: `5xx`, `connect-failure`.
    pub(crate) on: Vec<String>,
    /// Tries after the first.
    pub(crate) retries: u32,
    /// Milliseconds for each try.
    pub(crate) per_try_timeout_ms: Option<u64>,
}

/// A limit: `rate` in `every` × `unit`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub(crate) struct OperationLimit {
    /// How many requests.
    pub(crate) rate: u32,
    /// `second`, `minute`, `hour` or `day`.
    pub(crate) unit: String,
    /// How many units.
    pub(crate) every: u64,
    /// How many may come at once, where these are more.
    pub(crate) at_once: Option<u32>,
    /// Each value of these is counted for itself.
    pub(crate) per: Vec<LimitTerm>,
    /// It holds requests alone that have these values.
    pub(crate) only: Vec<LimitTerm>,
    /// Each Envoy counts for itself.
    pub(crate) by_each_envoy: bool,
    /// Requests beyond it pass, and are noted.
    pub(crate) log_only: bool,
    /// Whoever counts has it.
    pub(crate) in_force: bool,
}

/// Something of a request by which is counted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum LimitTerm {
    /// The client's address.
    Client {
        /// Which.
        value: Option<String>,
    },
    /// A header.
    Header {
        /// Its name.
        name: String,
        /// Which value.
        value: Option<String>,
    },
    /// What only the gateway knows.
    Gateway {
        /// What it is called there.
        name: String,
        /// Which value.
        value: Option<String>,
    },
}

/// How those are whom requests are sent to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct UpstreamHealth {
    pub(crate) service: String,
    pub(crate) connect_timeout_ms: u64,
    pub(crate) checks: HealthChecks,
    /// How many endpoints are known; none where Envoy resolves a name.
    pub(crate) endpoints: Option<u64>,
    /// How many an Envoy has, and how many of these take requests; none where no Envoy was asked.
    pub(crate) members: Option<u64>,
    pub(crate) healthy: Option<u64>,
}

/// Who looks how endpoints are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HealthChecks {
    /// They are asked again and again.
    Active,
    /// Those that answer badly are left out for a while.
    Passive,
    /// Nobody.
    #[default]
    None,
}

impl Admin {
    /// What becomes of requests for operations.
    pub(crate) async fn operations(&self, asked: &AskedOperations<'_>) -> Result<ToldOperations, GatewayError> {
        let told = tokio::time::timeout(PATIENCE, self.ask("/api/v1/operations", asked)).await;
        told.unwrap_or_else(|_| Err(self.no_answer("does not answer in time".to_owned())))
    }

    /// The same of any number of them, for what is of no use without.
    pub(crate) async fn all_operations(
        &self,
        origin: &str,
        operations: &[AskedOperation<'_>],
    ) -> Result<ToldOperations, GatewayError> {
        let mut all = ToldOperations::default();
        for some in operations.chunks(MOST) {
            let asked = AskedOperations { origin: origin.to_owned(), operations: some.to_vec() };
            let told: ToldOperations = self.ask("/api/v1/operations", &asked).await?;
            if told.operations.len() != some.len() {
                return Err(self.no_answer("answers something else than it was asked".to_owned()));
            }
            all.operations.extend(told.operations);
            all.upstreams.extend(told.upstreams);
        }
        Ok(all)
    }
}
