//! Reading an answer, up to a size.

use bytes::{Bytes, BytesMut};
use reqwest::Response;

use super::{FetchError, unreachable};

/// The whole body, decompressed; what is decompressed is what counts.
pub(super) async fn read(mut response: Response, max_bytes: usize) -> Result<Bytes, FetchError> {
    // Without compression the length is known before.
    if response.content_length().is_some_and(|length| length > max_bytes as u64) {
        return Err(FetchError::TooLarge(max_bytes));
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&error))? {
        if body.len() + chunk.len() > max_bytes {
            return Err(FetchError::TooLarge(max_bytes));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
