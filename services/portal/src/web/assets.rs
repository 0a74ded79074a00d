//! What pages load: files that are part of the program, each under a name that changes with its content.

use std::io::Write;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::write::GzEncoder;

/// A file.
pub(crate) struct Asset {
    path: String,
    integrity: String,
    media: &'static str,
    content: &'static str,
    /// Compressed as well as can be, once.
    brotli: Vec<u8>,
    gzip: Vec<u8>,
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
            brotli: by_brotli(content.as_bytes()),
            gzip: by_gzip(content.as_bytes()),
        }
    }

    /// What of it a client takes, and how that is encoded.
    fn encoded(&self, asked: &HeaderMap) -> (Option<&'static str>, Vec<u8>) {
        let accepted = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        let accepted: Vec<&str> = accepted.flat_map(|value| value.split(',')).map(str::trim).collect();
        let takes = |name: &str| accepted.iter().any(|one| is_taken(one, name));
        match () {
            () if takes("br") => (Some("br"), self.brotli.clone()),
            () if takes("gzip") => (Some("gzip"), self.gzip.clone()),
            () => (None, self.content.into()),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// What it holds, as `integrity` of HTML and policies say it.
    pub(crate) fn integrity(&self) -> &str {
        &self.integrity
    }
}

/// The style sheet, of which what comes later has the last word.
pub(super) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let parts = concat!(
        include_str!("../../../../web/style/base.css"),
        include_str!("../../../../web/style/frame.css"),
        include_str!("../../../../web/style/controls.css"),
        include_str!("../../../../web/style/tables.css"),
        include_str!("../../../../web/style/reference.css"),
        include_str!("../../../../web/style/console.css"),
        include_str!("../../../../web/style/narrow.css"),
    );
    Asset::new("portal", "css", "text/css; charset=utf-8", parts)
});
/// The icon.
pub(super) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("../../../../web/icon.svg")));
/// What sends requests from the page of an operation.
pub(super) static TRY_IT: LazyLock<Asset> = LazyLock::new(|| {
    // One module: a policy names each script that is run by what it holds.
    let content = concat!(
        include_str!("../../../../web/session.js"),
        include_str!("../../../../web/parameters.js"),
        include_str!("../../../../web/sample.js"),
        include_str!("../../../../web/reasons.js"),
        include_str!("../../../../web/drafts.js"),
        include_str!("../../../../web/try-it.js"),
    );
    Asset::new("try-it", "js", "text/javascript; charset=utf-8", content)
});

/// What finds things from every page, copies code of it, hides what is shown once, leaves nothing typed after a
/// logout, and notices that a login has ended.
pub(crate) static PALETTE: LazyLock<Asset> = LazyLock::new(|| {
    let content = concat!(
        include_str!("../../../../web/session.js"),
        include_str!("../../../../web/palette.js"),
        include_str!("../../../../web/copy.js"),
        include_str!("../../../../web/once.js"),
        include_str!("../../../../web/logout.js"),
        include_str!("../../../../web/stale.js"),
    );
    Asset::new("palette", "js", "text/javascript; charset=utf-8", content)
});

/// What follows a change on a page that tells how far it has come.
pub(crate) static FOLLOW: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("follow", "js", "text/javascript; charset=utf-8", include_str!("../../../../web/follow.js"))
});

/// Whether a part of `Accept-Encoding` takes an encoding: `br`, `br;q=0.5`, and not `br;q=0`.
fn is_taken(part: &str, encoding: &str) -> bool {
    let (name, quality) = part.split_once(';').unwrap_or((part, ""));
    let is_none = quality.trim().strip_prefix("q=").and_then(|quality| quality.parse().ok()) == Some(0.0);
    name.trim().eq_ignore_ascii_case(encoding) && !is_none
}

fn by_brotli(content: &[u8]) -> Vec<u8> {
    const BUFFER: usize = 4096;
    const QUALITY: u32 = 9;
    const WINDOW: u32 = 18;
    let mut compressor = brotli::CompressorWriter::new(Vec::new(), BUFFER, QUALITY, WINDOW);
    // Writing to memory does not fail.
    _ = compressor.write_all(content);
    compressor.into_inner()
}

fn by_gzip(content: &[u8]) -> Vec<u8> {
    let mut compressor = GzEncoder::new(Vec::new(), flate2::Compression::best());
    _ = compressor.write_all(content);
    compressor.finish().unwrap_or_default()
}

/// A file by its name.
pub(super) async fn file(Path(file): Path<String>, asked: HeaderMap) -> Response {
    let asset = [&STYLE, &ICON, &TRY_IT, &PALETTE, &FOLLOW]
        .into_iter()
        .find(|asset| asset.path.rsplit('/').next() == Some(&file));
    let Some(asset) = asset else { return StatusCode::NOT_FOUND.into_response() };
    // Edge Stack's chart says the same of style sheets: what changes has another name.
    let headers = [(header::CONTENT_TYPE, asset.media), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    let (encoding, body) = asset.encoded(&asked);
    let mut response = (headers, [(header::VARY, "accept-encoding")], body).into_response();
    if let Some(encoding) = encoding {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}
