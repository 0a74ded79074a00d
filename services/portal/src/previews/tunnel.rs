//! The way to a process that stands in for a service: its connection is joined with one to the controller, which speaks over it.

use axum::extract::{Path, Query, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use nuncio_ir::TUNNEL_PROTOCOL;
use serde::{Deserialize, Serialize};
use tokio::io::{copy, split};
use utoipa::IntoParams;

use super::model::Caller;
use super::problem::ProblemDetails;
use crate::web::Visit;

/// Which service, and by which process.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// The service, as the preview's `baseline` has it; the only one that has `tunnel: true` where absent.
    service: Option<String>,
    /// By which the process is known when it connects again.
    session: String,
    /// Whoever stands in now has to go.
    replace: bool,
}

/// What is asked of the controller.
#[derive(Serialize)]
struct Asked<'a> {
    namespace: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'a str>,
    session: &'a str,
    replace: bool,
    by: Caller<'a>,
}

/// Has a process stand in for a service of a preview (`nuncio preview serve`). The request is one for another protocol,
/// `Upgrade: nuncio-tunnel`: from there on the process is a server of HTTP/2 on this connection, and gets the service's requests.
#[utoipa::path(get, path = "/api/v1/previews/{namespace}/{name}/tunnel", tag = "previews",
    params(("namespace" = String, Path, description = "Its namespace"), ("name" = String, Path, description = "Its name"), Wanted),
    responses((status = 101, description = "The connection speaks HTTP/2, and the gateway is the client"),
        (status = 401, description = "Nobody knows who asks", body = ProblemDetails),
        (status = 403, description = "The PreviewPolicy does not let him, or does not allow tunnels", body = ProblemDetails),
        (status = 404, description = "There is no such preview, or service of it", body = ProblemDetails),
        (status = 409, description = "Somebody else stands in, or something is in the way", body = ProblemDetails),
        (status = 426, description = "The request does not ask for that protocol", body = ProblemDetails)))]
pub(super) async fn open(
    visit: Visit,
    Path((namespace, name)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
    mut request: Request,
) -> Result<Response, ProblemDetails> {
    let identity = visit.viewer.identity.as_ref().ok_or_else(ProblemDetails::unknown)?;
    let headers = [(header::CONNECTION, "upgrade"), (header::UPGRADE, TUNNEL_PROTOCOL)];
    if !asks(request.headers()) {
        let why = format!("expected a request with Upgrade: {TUNNEL_PROTOCOL}, as nuncio preview serve makes it");
        return Ok((headers, ProblemDetails::new(StatusCode::UPGRADE_REQUIRED, why)).into_response());
    }
    let Wanted { service, session, replace } = &wanted;
    let (service, by) = (service.as_deref(), identity.into());
    let asked = Asked { namespace: &namespace, name: &name, service, session, replace: *replace, by };
    let admin = &visit.console.admin;
    let reply = admin.switch("/api/v1/preview-tunnel", &asked, TUNNEL_PROTOCOL).await?;
    let status = reply.status();
    if status != StatusCode::SWITCHING_PROTOCOLS {
        return Err(ProblemDetails::of(status, &reply.bytes().await.unwrap_or_default()));
    }
    tokio::spawn(join(hyper::upgrade::on(&mut request), reply));
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}

fn asks(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(TUNNEL_PROTOCOL.as_bytes()))
}

/// Passes on what comes from either side, until one of them has no more to say: with half of it nobody can do anything.
async fn join(process: OnUpgrade, controller: reqwest::Response) {
    let (Ok(process), Ok(controller)) = tokio::join!(process, controller.upgrade()) else { return };
    let ((mut from_process, mut to_process), (mut from_controller, mut to_controller)) =
        (split(TokioIo::new(process)), split(controller));
    // How it ends is for the two ends to tell.
    tokio::select! {
        _ = copy(&mut from_process, &mut to_controller) => {}
        _ = copy(&mut from_controller, &mut to_process) => {}
    }
}
