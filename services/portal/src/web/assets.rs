//! What pages load: files that are part of the program, each under a name that changes with its content.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A file.
pub(super) struct Asset {
    path: String,
    integrity: String,
    media: &'static str,
    content: &'static str,
}

impl Asset {
    fn new(name: &str, extension: &str, media: &'static str, content: &'static str) -> Self {
        let digest = nuncio_auth::crypto::sha256(content.as_bytes());
        let short: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            path: format!("/docs/assets/{name}-{short}.{extension}"),
            integrity: format!("sha256-{}", STANDARD.encode(digest)),
            media,
            content,
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// What it holds, as `integrity` of HTML and policies say it.
    pub(super) fn integrity(&self) -> &str {
        &self.integrity
    }
}

/// The style sheet.
pub(super) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("portal", "css", "text/css; charset=utf-8", include_str!("../../../../web/portal.css"))
});
/// The icon.
pub(super) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("../../../../web/icon.svg")));
/// What sends requests from the page of an operation.
pub(super) static TRY_IT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("try-it", "js", "text/javascript; charset=utf-8", include_str!("../../../../web/try-it.js"))
});

/// A file by its name.
pub(super) async fn file(Path(file): Path<String>) -> Response {
    let asset = [&STYLE, &ICON, &TRY_IT].into_iter().find(|asset| asset.path.rsplit('/').next() == Some(&file));
    let Some(asset) = asset else { return StatusCode::NOT_FOUND.into_response() };
    // Edge Stack's chart says the same of style sheets: what changes has another name.
    let headers = [(header::CONTENT_TYPE, asset.media), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, asset.content).into_response()
}
