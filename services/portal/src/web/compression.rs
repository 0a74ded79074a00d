//! Answers in fewer bytes: `br` or `gzip`, as the client takes them.

use axum::http::{Extensions, HeaderMap, StatusCode, Version, header};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate};

/// Pages are made for one request each, so the quick levels are the right ones.
pub(super) fn layer() -> CompressionLayer<impl Predicate> {
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(DefaultPredicate::new().and(may_be_kept))
}

/// What nobody may keep holds something secret, and its size must not tell of that (the attack called BREACH).
fn may_be_kept(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    headers.get(header::CACHE_CONTROL).is_none_or(|control| control != "no-store")
}
