//! What pages load: files that are part of the program, each under a name that changes with its content.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A file.
struct Asset {
    /// Before and after the digest.
    name: (&'static str, &'static str),
    media: &'static str,
    content: &'static str,
}

const STYLE: Asset = Asset {
    name: ("portal", "css"),
    media: "text/css; charset=utf-8",
    content: include_str!("../../../../web/portal.css"),
};
const ICON: Asset =
    Asset { name: ("icon", "svg"), media: "image/svg+xml", content: include_str!("../../../../web/icon.svg") };

impl Asset {
    fn path(&self) -> String {
        let digest = xxhash_rust::xxh3::xxh3_64(self.content.as_bytes());
        format!("/docs/assets/{}-{digest:016x}.{}", self.name.0, self.name.1)
    }
}

/// Where the style sheet is.
pub(super) static STYLE_PATH: LazyLock<String> = LazyLock::new(|| STYLE.path());
/// Where the icon is.
pub(super) static ICON_PATH: LazyLock<String> = LazyLock::new(|| ICON.path());

/// A file by its name.
pub(super) async fn file(Path(file): Path<String>) -> Response {
    let named = [(&STYLE, &STYLE_PATH), (&ICON, &ICON_PATH)];
    let asset = named.into_iter().find(|(_, path)| path.rsplit('/').next() == Some(&file));
    let Some((asset, _)) = asset else { return StatusCode::NOT_FOUND.into_response() };
    // Edge Stack's chart says the same of style sheets: what changes has another name.
    let headers = [(header::CONTENT_TYPE, asset.media), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, asset.content).into_response()
}
