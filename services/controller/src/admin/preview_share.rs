//! Links to previews for who is to see one without a login.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::{By, Caller, says_by_whom};
use super::preview_changes::{PreviewChanged, blocking};
use super::preview_refusals::Refusals;
use super::previews::PreviewUrlView;
use super::{PreviewError, Shared};

/// A Preview that is to be shared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SharePreview {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// How long the link is good: `24h`, which is the default, at most `720h`, and never longer than the preview.
    #[serde(default)]
    pub ttl: Option<String>,
    /// By whom; the operator where absent.
    #[serde(default)]
    pub by: Option<Caller>,
}

says_by_whom!(SharePreview);

/// A Preview whose links are to let nobody in any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawLinks {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// By whom; the operator where absent.
    #[serde(default)]
    pub by: Option<Caller>,
}

says_by_whom!(WithdrawLinks);

/// Links to a Preview. Whoever has one is let in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewShared {
    /// One for each of its URLs.
    pub links: Vec<PreviewUrlView>,
    /// Until when they are good, in seconds since 1970.
    pub expires_at: u64,
}

/// How many, not which.
impl std::fmt::Debug for PreviewShared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PreviewShared({} links until {})", self.links.len(), self.expires_at)
    }
}

/// What links to a Preview would be, if they were made now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviewShareView {
    /// What each opens: one for each of its URLs, and nothing but that preview.
    pub opens: Vec<PreviewUrlView>,
    /// Until when they would be good, in seconds since 1970: for so long as is asked for, and never longer than the preview.
    pub expires_at: u64,
    /// The latest until when any may be good.
    pub latest: u64,
    /// How long they are good where nobody says it, in seconds.
    pub usual: u64,
    /// And at most.
    pub longest: u64,
}

/// What links to a Preview would be, and makes none. What would refuse them refuses this.
#[utoipa::path(post, path = "/api/v1/preview-shareable", tag = "lists", request_body = SharePreview,
    responses((status = 200, description = "What they would be", body = PreviewShareView), Refusals))]
pub(super) async fn shareable(
    State(view): State<Shared>,
    By(wanted): By<SharePreview>,
) -> Result<Json<PreviewShareView>, PreviewError> {
    view.preview_shareable(&wanted).map(Json)
}

/// Makes links to a Preview whose access mode is `ShareLink`. Only where the gateway was started with `--allow-previews`.
#[utoipa::path(post, path = "/api/v1/preview-share", tag = "changes", request_body = SharePreview,
    responses((status = 200, description = "The links", body = PreviewShared), Refusals))]
pub(super) async fn share(
    State(view): State<Shared>,
    By(wanted): By<SharePreview>,
) -> Result<Json<PreviewShared>, PreviewError> {
    view.share_preview(&wanted).map(Json)
}

/// Withdraws all links to a Preview that there are, by the next `access.generation`.
#[utoipa::path(post, path = "/api/v1/preview-withdraw", tag = "changes", request_body = WithdrawLinks,
    responses((status = 200, description = "They let nobody in any more", body = PreviewChanged), Refusals))]
pub(super) async fn withdraw(
    State(view): State<Shared>,
    By(wanted): By<WithdrawLinks>,
) -> Result<Json<PreviewChanged>, PreviewError> {
    blocking(move || view.withdraw_links(&wanted)).await
}
