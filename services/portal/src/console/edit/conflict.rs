//! Two changes of the same text, side by side, and the ways on from there.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::super::link;
use super::super::model::{Conflict, ObjectRef};
use super::subject::Change;
use super::tell;
use super::trial::lines;
use crate::gateway::GatewayError;
use crate::web::{Frame, Visit, respond};

#[derive(Template)]
#[template(path = "console/conflict.html")]
struct Page<'a> {
    frame: Frame<'a>,
    here: &'static str,
    id: &'a ObjectRef,
    link: String,
    /// Lines of each change, each with its class.
    yours: Vec<(&'static str, String)>,
    others: Vec<(&'static str, String)>,
    /// Both changes are in `text`; otherwise it would undo the other's.
    is_merged: bool,
    text: String,
    /// Of what stands there now.
    digest: String,
    has_secret: bool,
}

/// Both changes, and what can be made of them.
pub(super) async fn answer(site: &Visit, id: &ObjectRef, change: &Change<'_>) -> Result<Response, GatewayError> {
    let told: Conflict = tell(site, "compare", change).await?;
    let page = Page {
        frame: site.frame(),
        here: "objects",
        id,
        link: link::object(id),
        yours: lines(&told.yours),
        others: lines(&told.others),
        is_merged: told.merged.is_some(),
        text: told.merged.unwrap_or(told.text),
        digest: told.manifest.digest,
        has_secret: told.manifest.has_secret,
    };
    Ok((StatusCode::CONFLICT, respond(&page)).into_response())
}
