//! What the gateway does with the operations of an API's document.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::apis::CredentialView;
use super::explain::TURNS;
use super::health::tell_health;
use super::model::ObjectRef;

/// The most operations of one question.
const MOST: usize = 1000;
/// How many are followed at once, while nothing changes.
const AT_ONCE: usize = 100;

/// Operations that clients ask for at one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperationsRequest {
    /// Scheme, host and port: `https://shop.example.com:8443`.
    pub origin: String,
    /// At most 1 000.
    #[schema(max_items = 1000)]
    pub operations: Vec<OperationAsked>,
}

/// An operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OperationAsked {
    /// `GET`.
    pub method: String,
    /// With values in the place of parameters: `/carts/ann`.
    pub path: String,
}

/// What becomes of requests for operations, whatever headers they have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperationsView {
    /// Each, in the order in which they were asked for.
    pub operations: Vec<OperationView>,
    /// Whom their routes lead to, by cluster.
    pub upstreams: BTreeMap<String, UpstreamHealthView>,
}

/// What becomes of requests for an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperationView {
    /// The routes that they may get, in the order in which they are tried: all but the last ask for something besides method
    /// and path.
    pub routes: Vec<OperationRouteView>,
    /// What becomes of a request that none of these takes. None where the last takes whatever comes.
    pub otherwise: Option<String>,
}

/// A route that requests for an operation may get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperationRouteView {
    /// The objects that it was made from.
    pub origin: Vec<ObjectRef>,
    /// What it asks of a request besides method and path: `x-version v2`.
    pub conditions: Vec<String>,
    /// Why only Envoy knows whether it takes a request.
    pub doubt: Option<String>,
    /// What it does: `forward`, `redirect`, `respond`.
    pub action: String,
    /// With which status, if it does not forward.
    pub status: Option<u16>,
    /// What a request has to show. Empty where nobody is asked about it.
    pub credentials: Vec<CredentialView>,
    /// What lets a request through: any one of these sets, all that is in it together. An empty one where a request passes
    /// without; no set at all where every request is refused.
    #[serde(default)]
    pub security: Vec<Vec<CredentialView>>,
    /// What it is held to.
    pub limits: Vec<OperationLimitView>,
    /// Somebody is asked whether it is within limits that only he knows.
    pub is_limited_elsewhere: bool,
    /// Milliseconds for the whole answer; 0 is no limit.
    pub timeout_ms: u64,
    /// Milliseconds without a byte, where the route says so; 0 is no limit.
    pub idle_timeout_ms: Option<u64>,
    /// When it is tried again.
    pub retry: Option<RetryView>,
    /// The clusters that it leads to.
    pub clusters: Vec<String>,
}

/// When a request is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetryView {
    /// Envoy's conditions: `5xx`, `connect-failure`.
    pub on: Vec<String>,
    /// Tries after the first.
    pub retries: u32,
    /// Milliseconds for each try.
    pub per_try_timeout_ms: Option<u64>,
}

/// A limit that requests for an operation may be held to: `rate` in `every` × `unit`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct OperationLimitView {
    /// How many requests.
    pub rate: u32,
    /// `second`, `minute`, `hour` or `day`.
    pub unit: String,
    /// How many units.
    pub every: u64,
    /// How many may come at once, where these are more.
    pub at_once: Option<u32>,
    /// Each value of these is counted for itself.
    pub per: Vec<LimitTermView>,
    /// It holds requests alone that have these values.
    pub only: Vec<LimitTermView>,
    /// Each Envoy counts for itself.
    pub by_each_envoy: bool,
    /// Requests beyond it pass, and are noted.
    pub log_only: bool,
    /// Whoever counts has it.
    pub in_force: bool,
}

/// Something of a request by which is counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum LimitTermView {
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
        /// The key of the label.
        name: String,
        /// Which value.
        value: Option<String>,
    },
}

/// How those are whom requests are sent to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpstreamHealthView {
    /// Host and port, as the manifest means them.
    pub service: String,
    /// Milliseconds for a connection to be made.
    pub connect_timeout_ms: u64,
    /// Whether anybody looks how they are.
    pub checks: HealthChecks,
    /// How many endpoints the controller knows. None where Envoy resolves a name.
    pub endpoints: Option<usize>,
    /// How many the Envoy beside the controller has. None where there is none, or it does not tell.
    pub members: Option<u64>,
    /// How many of these take requests.
    pub healthy: Option<u64>,
    /// Under which name Envoy counts them.
    #[serde(skip)]
    pub(crate) counted: String,
}

/// Who looks how endpoints are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum HealthChecks {
    /// They are asked again and again.
    Active,
    /// Those that answer badly are left out for a while.
    Passive,
    /// Nobody.
    #[default]
    None,
}

/// What becomes of requests for operations, of which method and path are known: which routes they may get, and what these hold
/// them to.
#[utoipa::path(post, path = "/api/v1/operations", tag = "explain", request_body = OperationsRequest,
    responses(
        (status = 200, description = "What becomes of each", body = OperationsView),
        (status = 400, description = "There are too many", body = String),
    ))]
pub(super) async fn operations(
    State(view): State<Shared>,
    Json(asked): Json<OperationsRequest>,
) -> Result<Json<OperationsView>, (StatusCode, String)> {
    if asked.operations.len() > MOST {
        return Err((StatusCode::BAD_REQUEST, format!("at most {MOST} operations at a time\n")));
    }
    let mut told = OperationsView::default();
    for some in asked.operations.chunks(AT_ONCE) {
        let part = OperationsRequest { origin: asked.origin.clone(), operations: some.to_vec() };
        let asked = Arc::clone(&view);
        let OperationsView { operations, upstreams } = TURNS.take(move || asked.operations(&part)).await;
        told.operations.extend(operations);
        told.upstreams.extend(upstreams);
    }
    if let Some(socket) = view.envoy_admin() {
        tell_health(socket, &mut told.upstreams).await;
    }
    Ok(Json(told))
}
