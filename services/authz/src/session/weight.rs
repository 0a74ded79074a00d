//! How many bytes an opened session takes, about.

use nuncio_auth::login::Session;
use serde_json::Value as Json;

/// What a session takes beside what it says.
const OPENED: usize = 2 << 10;
/// What a text takes beside its letters.
const TEXT: usize = 16 + size_of::<String>();
/// A node of a map has room for eleven, six of which are taken at least where there is another.
const NODE: usize = 11 * (size_of::<String>() + size_of::<Json>());

/// A session with what it was opened from, which may be kept beside it.
pub(super) fn weight(session: &Session, sealed: Option<&[u8]>) -> u32 {
    let Session { access_token, refresh_token, id_token, proof_key, asked, granted, .. } = session;
    let tokens = [refresh_token, id_token, proof_key].into_iter().flatten().chain([access_token]);
    let texts: usize = tokens.chain(asked).chain(granted).map(|text| TEXT + text.len()).sum();
    let weight = OPENED + texts + allocated(&session.claims) + sealed.map_or(0, <[u8]>::len);
    u32::try_from(weight).unwrap_or(u32::MAX)
}

/// What a value takes beside itself. Small ones take many times what they take in writing.
fn allocated(value: &Json) -> usize {
    match value {
        Json::String(text) => TEXT + text.len(),
        Json::Array(values) => {
            (2 * values.len()).max(4) * size_of::<Json>() + values.iter().map(allocated).sum::<usize>()
        }
        Json::Object(fields) => {
            let of_fields = fields.iter().map(|(name, value)| TEXT + name.len() + allocated(value));
            (fields.len() / 6 + 1) * NODE + of_fields.sum::<usize>()
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => 0,
    }
}
