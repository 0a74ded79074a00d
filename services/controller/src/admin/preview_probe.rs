//! Following a request of a preview through the services.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::{By, Caller, says_by_whom};
use super::preview_refusals::Refusals;
use super::{PreviewError, Shared};

/// A Preview through whose services a request is to be followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbePreview {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What is asked for, by GET, at the host of its first entrypoint; `/` where absent.
    #[serde(default)]
    pub path: Option<String>,
    /// By whom; the operator where absent.
    #[serde(default)]
    pub by: Option<Caller>,
}

says_by_whom!(ProbePreview);

/// What became of the key of a preview on the way of one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProbeView {
    /// The host that was asked.
    pub host: String,
    /// What for.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
    /// The id of the trace.
    pub trace: String,
    /// Every request of it that came by a gateway, the last to be answered first; those of the gateway that was asked come first.
    pub calls: Vec<ProbedCallView>,
    /// What that says of each service that the preview replaces.
    pub services: Vec<ProbedServiceView>,
    /// How many gateways have told what they have seen, with the one that was asked.
    pub gateways: usize,
    /// Who else may have seen some, and has not told: why.
    pub missed: Vec<String>,
}

/// A request that came by the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProbedCallView {
    /// The address that it came from.
    pub from: String,
    /// The host that was asked.
    pub host: String,
    /// What for.
    pub path: String,
    /// The service that it went to.
    pub service: String,
    /// Whether it had the key of a preview.
    pub carried: bool,
    /// `preview` or `baseline`.
    pub served_by: String,
    /// The status of the answer; 0 where there was none.
    pub status: u16,
    /// What is wrong with the answer, or why there is none.
    #[serde(default)]
    pub problem: Option<String>,
}

/// What became of the key on the way to a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProbedServiceView {
    /// The service that is replaced.
    pub baseline: String,
    /// Who replaces it.
    pub backend: String,
    /// What became of the key.
    pub key: Handed,
    /// Why nobody replaces it now, where it is so.
    pub missing: Option<String>,
}

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Handed {
    /// Every request had it.
    Carried,
    /// One had not.
    Lost,
    /// None came.
    NotSeen,
    /// None came by the gateways that have told, and others have not.
    Unknown,
}

/// Sends a request through the services of a Preview, with its key, and tells where that was handed on. Only where the gateway
/// was started with `--allow-previews`.
#[utoipa::path(post, path = "/api/v1/preview-probe", tag = "changes", request_body = ProbePreview,
    responses((status = 200, description = "What was seen", body = ProbeView), Refusals))]
pub(super) async fn probe(
    State(view): State<Shared>,
    By(wanted): By<ProbePreview>,
) -> Result<Json<ProbeView>, PreviewError> {
    let done = tokio::task::spawn_blocking(move || view.probe_preview(&wanted)).await;
    done.unwrap_or_else(|error| Err(PreviewError::Conflict(error.to_string()))).map(Json)
}
