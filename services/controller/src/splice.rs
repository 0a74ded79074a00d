//! Two connections that have become streams of bytes, joined.

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;

/// Passes on what comes from either side, until both have said all, or one is gone.
pub async fn splice(one: OnUpgrade, other: OnUpgrade) {
    let (Ok(one), Ok(other)) = tokio::join!(one, other) else { return };
    // How it ends both sides see for themselves.
    _ = copy_bidirectional(&mut TokioIo::new(one), &mut TokioIo::new(other)).await;
}
