//! Processes that stand in for services of Previews: a connection to each, which switches protocols.

use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use hyper::upgrade::OnUpgrade;
use nuncio_ir::TUNNEL_PROTOCOL;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Shared;
use super::caller::{By, Caller, says_by_whom};
use super::preview_refusals::{PreviewError, ProblemDetails};

/// What a connection is handed to once it speaks another protocol; it comes back when that is over.
pub type Carry = Box<dyn FnOnce(OnUpgrade) -> BoxFuture<'static, ()> + Send>;

/// A process that is to stand in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenTunnel {
    /// The namespace of the Preview.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The service, as the Preview's `baseline` has it; the only one that has `tunnel: true` where absent.
    #[serde(default)]
    pub service: Option<String>,
    /// By which the process is known that connects again.
    #[serde(default)]
    pub session: String,
    /// Whoever stands in now has to go.
    #[serde(default)]
    pub replace: bool,
    /// By whom; the operator where absent.
    #[serde(default)]
    pub by: Option<Caller>,
}

says_by_whom!(OpenTunnel);

/// Has a process stand in for a service of a Preview: on this connection it is the server of HTTP/2 from here on, and gets
/// the requests.
#[utoipa::path(post, path = "/api/v1/preview-tunnel", tag = "changes", request_body = OpenTunnel,
    responses(
        (status = 101, description = "The connection speaks HTTP/2, and the gateway is the client"),
        (status = 401, description = "Nobody knows by whom the request is", body = ProblemDetails),
        (status = 403, description = "He may not, or nobody may", body = ProblemDetails),
        (status = 404, description = "There is no such Preview, or service of it", body = ProblemDetails),
        (status = 409, description = "Somebody else stands in, or something is in the way", body = ProblemDetails),
        (status = 422, description = "The request does not ask for that protocol", body = ProblemDetails),
    ))]
pub(super) async fn open(State(view): State<Shared>, mut request: Request) -> Result<Response, Response> {
    let refused = |error: PreviewError| error.into_response();
    if !asks(request.headers()) {
        return Err(refused(PreviewError::Invalid(format!("expected a request with Upgrade: {TUNNEL_PROTOCOL}"))));
    }
    let upgrade = hyper::upgrade::on(&mut request);
    let By(wanted) = By::<OpenTunnel>::from_request(request, &view).await?;
    let carry = view.open_tunnel(&wanted).map_err(refused)?;
    tokio::spawn(carry(upgrade));
    let headers = [(header::CONNECTION, "upgrade"), (header::UPGRADE, TUNNEL_PROTOCOL)];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}

fn asks(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(TUNNEL_PROTOCOL.as_bytes()))
}
