//! Previews for programs: CI jobs and the command line.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::detail::{Detail, Details, Event};
use super::model::{Caller, Changed, Preview, Previews};
use super::problem::{ProblemDetails, Refusals};
use crate::access::Identity;
use crate::web::{Visit, escape_path};

type Id = Path<(String, String)>;

/// Which previews.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Those of one namespace.
    namespace: Option<String>,
    /// Those of a name.
    name: Option<String>,
}

/// What is asked of the controller.
#[derive(Serialize)]
struct Asked<'a> {
    namespace: &'a str,
    name: &'a str,
    #[serde(flatten)]
    what: What<'a>,
    by: Caller<'a>,
}

/// What is to become of a preview.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
pub(super) enum What<'a> {
    /// What this manifest says; with `only_new` where there is none of that name yet.
    Put {
        text: &'a str,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        only_new: bool,
        /// And where the policy would have it shown.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        only_allowed: bool,
        /// And where it still says what this is the digest of.
        #[serde(skip_serializing_if = "Option::is_none")]
        digest: Option<&'a str>,
    },
    /// It is shown for longer, from now.
    Extend {
        ttl: Option<&'a str>,
        /// Where it has not ended.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        only_shown: bool,
    },
    /// The links to it let nobody in any more.
    Withdraw {},
    /// It is there no more.
    Delete {},
}

impl What<'_> {
    /// What the controller is asked.
    fn path(self) -> &'static str {
        match self {
            Self::Put { .. } => "preview-put",
            Self::Extend { .. } => "preview-extend",
            Self::Withdraw {} => "preview-withdraw",
            Self::Delete {} => "preview-delete",
        }
    }
}

/// For how long a preview is to be shown.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Extension {
    /// From now: `72h`. Where absent, as long as it was to be shown to begin with.
    ttl: Option<String>,
}

/// Previews, by name.
#[utoipa::path(get, path = "/api/v1/previews", tag = "previews", params(Wanted),
    responses((status = 200, description = "Those that were asked for", body = Previews),
        (status = 401, description = "Nobody knows who asks", body = ProblemDetails)))]
pub(super) async fn list(visit: Visit, Query(wanted): Query<Wanted>) -> Result<Json<Previews>, ProblemDetails> {
    all(&visit, wanted.namespace.as_deref(), wanted.name.as_deref()).await.map(Json)
}

/// One preview.
#[utoipa::path(get, path = "/api/v1/previews/{namespace}/{name}", tag = "previews",
    params(("namespace" = String, Path, description = "Its namespace"), ("name" = String, Path, description = "Its name")),
    responses((status = 200, description = "The preview", body = Preview),
        (status = 401, description = "Nobody knows who asks", body = ProblemDetails),
        (status = 404, description = "There is no such preview", body = ProblemDetails)))]
pub(super) async fn one(visit: Visit, Path((namespace, name)): Id) -> Result<Json<Preview>, ProblemDetails> {
    let found = all(&visit, Some(&namespace), Some(&name)).await?.items.into_iter().next();
    found.map(Json).ok_or_else(|| ProblemDetails::missing(&namespace, &name))
}

/// Makes a preview be as its manifest says, whether it is there yet or not.
#[utoipa::path(put, path = "/api/v1/previews/{namespace}/{name}", tag = "previews",
    params(("namespace" = String, Path, description = "Its namespace"), ("name" = String, Path, description = "Its name")),
    request_body(content = String, description = "The manifest of a Preview, in YAML or JSON", content_type = "application/yaml"),
    responses((status = 200, description = "It is so, and was there before", body = Changed),
        (status = 201, description = "It is new", body = Changed),
        (status = 401, description = "Nobody knows who asks", body = ProblemDetails),
        (status = 403, description = "The PreviewPolicy does not let him", body = ProblemDetails),
        (status = 409, description = "Something else is in the way", body = ProblemDetails),
        (status = 422, description = "It is no Preview that could be used", body = ProblemDetails)))]
pub(super) async fn put(visit: Visit, Path((namespace, name)): Id, text: String) -> Result<Response, ProblemDetails> {
    let wanted = What::Put { text: &text, only_new: false, only_allowed: false, digest: None };
    let changed = change(&visit, &namespace, &name, wanted).await?;
    if changed.outcome != "created" {
        return Ok(Json(changed).into_response());
    }
    let place = format!("/api/v1/previews/{}/{}", escape_path(&namespace), escape_path(&name));
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(changed)).into_response())
}

/// Has a preview not be there. Whether it was until now, has ended before, or never was makes no difference.
#[utoipa::path(delete, path = "/api/v1/previews/{namespace}/{name}", tag = "previews",
    params(("namespace" = String, Path, description = "Its namespace"), ("name" = String, Path, description = "Its name")),
    responses((status = 204, description = "It is not there"), Refusals))]
pub(super) async fn delete(visit: Visit, Path((namespace, name)): Id) -> Result<StatusCode, ProblemDetails> {
    change(&visit, &namespace, &name, What::Delete {}).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has a preview shown for longer, up to what the policy lets it be.
#[utoipa::path(post, path = "/api/v1/previews/{namespace}/{name}/extend", tag = "previews",
    params(("namespace" = String, Path, description = "Its namespace"), ("name" = String, Path, description = "Its name"), Extension),
    responses((status = 200, description = "It is shown for so long", body = Changed), Refusals))]
pub(super) async fn extend(
    visit: Visit,
    Path((namespace, name)): Id,
    Query(Extension { ttl }): Query<Extension>,
) -> Result<Json<Changed>, ProblemDetails> {
    change(&visit, &namespace, &name, What::Extend { ttl: ttl.as_deref(), only_shown: false }).await.map(Json)
}

/// Previews, for who may know of them.
pub(super) async fn all(
    visit: &Visit,
    namespace: Option<&str>,
    name: Option<&str>,
) -> Result<Previews, ProblemDetails> {
    if !visit.viewer.is_somebody() {
        return Err(ProblemDetails::unknown());
    }
    Ok(visit.console.admin.previews(&visit.viewer, namespace, name).await?)
}

/// What has happened to a preview, and whom it leads to.
pub(super) async fn details(visit: &Visit, namespace: &str, name: &str) -> Result<Detail, ProblemDetails> {
    let missing = || ProblemDetails::missing(namespace, name);
    // Who may know of it may know that.
    if all(visit, Some(namespace), Some(name)).await?.items.is_empty() {
        return Err(missing());
    }
    let path = format!("/api/v1/preview-details?namespace={}&name={}", escape_path(namespace), escape_path(name));
    let found: Details = visit.console.admin.get(&path).await?;
    found.items.into_iter().next().ok_or_else(missing)
}

/// What has happened to a preview, as far as gateways have seen it, the last first.
#[utoipa::path(get, path = "/api/v1/previews/{namespace}/{name}/events", tag = "previews",
    params(("namespace" = String, Path, description = "Its namespace"), ("name" = String, Path, description = "Its name")),
    responses((status = 200, description = "What has happened", body = Vec<Event>),
        (status = 401, description = "Nobody knows who asks", body = ProblemDetails),
        (status = 404, description = "There is no such preview", body = ProblemDetails)))]
pub(super) async fn events(visit: Visit, Path((namespace, name)): Id) -> Result<Json<Vec<Event>>, ProblemDetails> {
    Ok(Json(details(&visit, &namespace, &name).await?.events))
}

pub(super) async fn change(
    visit: &Visit,
    namespace: &str,
    name: &str,
    what: What<'_>,
) -> Result<Changed, ProblemDetails> {
    let identity: &Identity = visit.viewer.identity.as_ref().ok_or_else(ProblemDetails::unknown)?;
    asked(visit, what.path(), &Asked { namespace, name, what, by: identity.into() }).await
}

/// What the controller answers.
pub(super) async fn asked<T: DeserializeOwned>(
    visit: &Visit,
    what: &str,
    wanted: &impl Serialize,
) -> Result<T, ProblemDetails> {
    answered(visit.console.admin.relay(&format!("/api/v1/{what}"), wanted).await?)
}

/// What the gateway has answered.
pub(super) fn answered<T: DeserializeOwned>((status, body): (StatusCode, Bytes)) -> Result<T, ProblemDetails> {
    if !status.is_success() {
        return Err(ProblemDetails::of(status, &body));
    }
    serde_json::from_slice(&body).map_err(|error| ProblemDetails::new(StatusCode::BAD_GATEWAY, error.to_string()))
}
