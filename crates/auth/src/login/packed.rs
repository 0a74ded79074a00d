//! Sessions in few bytes, for who holds many of them in memory.
//!
//! What tokens say is written out in place of its base64, and all of it deflated: a session's claims stand in its tokens too,
//! and what all sessions say alike is in the dictionary. The form is of one version of the program alone.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::Session;

/// What sessions and tokens usually say: what most say stands last.
const DICTIONARY: &[u8] = br#"groups":["roles":["email":"","email_verified":true,"preferred_username":"name":"azp":"scope":"openid profile email offline_access","amr":["pwd"],"acr":"0","jti":"sid":"auth_time":17,"at_hash":"","nonce":"{"alg":"ES256","kid":"{"alg":"RS256","typ":"JWT","kid":""},{"exp":179,"iat":179,"iss":"https://","sub":"","aud":"{"filter":"","client_id":"","revision":1,"access_token":"","refresh_token":"","id_token":null,"proof_key":null,"expires_at":179,"asked":["openid"],"strength":{"acr_values":[],"max_age":null},"granted":["openid"],"claims":{"aud":"","begun":179,"ends_at":null,"idle":1209600,"same_site":"unset","is_persistent":false,"xsrf":""#;
/// How many times as long as what was deflated it can be.
const MOST_TIMES: usize = 1_100;
/// Before a token that is written out, and before one that is as it came.
const WRITTEN_OUT: u8 = 1;
const AS_IT_CAME: u8 = 0;

impl Session {
    /// The session in few bytes; none where it cannot be written.
    #[must_use]
    pub fn pack(&self) -> Option<Vec<u8>> {
        let rest = Self { access_token: String::new(), id_token: None, ..self.clone() };
        let mut plain = Vec::new();
        put(&mut plain, &serde_json::to_vec(&rest).ok()?)?;
        for token in [&self.access_token].into_iter().chain(&self.id_token) {
            put(&mut plain, &unfold(token))?;
        }
        let mut packed = u32::try_from(plain.len()).ok()?.to_le_bytes().to_vec();
        deflate(&plain, &mut packed)?;
        Some(packed)
    }

    /// The session that was packed so.
    #[must_use]
    pub fn unpack(packed: &[u8]) -> Option<Self> {
        let (length, deflated) = packed.split_first_chunk()?;
        let plain = inflate(deflated, usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        let (rest, tokens) = take(&plain)?;
        let (access_token, tokens) = take(tokens)?;
        let id_token = match take(tokens) {
            Some((id_token, _)) => Some(fold(id_token)?),
            None => None,
        };
        let rest: Self = serde_json::from_slice(rest).ok()?;
        Some(Self { access_token: fold(access_token)?, id_token, ..rest })
    }
}

/// A token with what its parts in base64 say.
fn unfold(token: &str) -> Vec<u8> {
    written_out(token).unwrap_or_else(|| [&[AS_IT_CAME], token.as_bytes()].concat())
}

/// None for a token that could not be made of it again.
fn written_out(token: &str) -> Option<Vec<u8>> {
    let mut all = vec![WRITTEN_OUT];
    for part in token.split('.') {
        put(&mut all, &URL_SAFE_NO_PAD.decode(part).ok()?)?;
    }
    (fold(&all).as_deref() == Some(token)).then_some(all)
}

/// The token as it came.
fn fold(unfolded: &[u8]) -> Option<String> {
    let (&form, mut rest) = unfolded.split_first()?;
    if form == AS_IT_CAME {
        return String::from_utf8(rest.to_vec()).ok();
    }
    let mut parts = Vec::new();
    while let Some((part, next)) = take(rest) {
        parts.push(URL_SAFE_NO_PAD.encode(part));
        rest = next;
    }
    Some(parts.join("."))
}

/// Appends a part with its length.
fn put(all: &mut Vec<u8>, part: &[u8]) -> Option<()> {
    all.extend(u32::try_from(part.len()).ok()?.to_le_bytes());
    all.extend(part);
    Some(())
}

/// The first part, and what follows it.
fn take(all: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = all.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

fn deflate(plain: &[u8], into: &mut Vec<u8>) -> Option<()> {
    let mut deflate = Compress::new(Compression::default(), false);
    deflate.set_dictionary(DICTIONARY).ok()?;
    // More than the most that deflating adds.
    into.reserve(plain.len() + plain.len() / 8 + 64);
    (deflate.compress_vec(plain, into, FlushCompress::Finish).ok()? == Status::StreamEnd).then_some(())
}

fn inflate(deflated: &[u8], length: usize) -> Option<Vec<u8>> {
    if length > deflated.len().saturating_mul(MOST_TIMES) {
        return None;
    }
    let mut inflate = Decompress::new(false);
    inflate.set_dictionary(DICTIONARY).ok()?;
    // With room left, the end is seen.
    let mut plain = Vec::with_capacity(length + 1);
    let status = inflate.decompress_vec(deflated, &mut plain, FlushDecompress::Finish).ok()?;
    (status == Status::StreamEnd).then_some(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::crypto::random_text;
    use crate::jwt::Signer;

    fn session(access_token: &str, id_token: Option<&str>, claims: &Value) -> Session {
        serde_json::from_value(json!({
            "filter": "login.shop", "client_id": "shop", "revision": 1, "access_token": access_token,
            "refresh_token": random_text(), "id_token": id_token, "expires_at": 1_790_003_600, "asked": ["openid"],
            "granted": ["openid"], "claims": claims, "begun": 1_790_000_000, "idle": 1_209_600, "xsrf": random_text(),
        }))
        .unwrap()
    }

    fn again(session: &Session) -> Value {
        serde_json::to_value(Session::unpack(&session.pack().unwrap()).unwrap()).unwrap()
    }

    /// Of what a provider gives, about what nobody can guess is left: signatures, subjects, random texts.
    #[test]
    fn a_session_is_packed_in_a_third_of_its_json() {
        let claims = json!({
            "iss": "https://login.corp.example", "sub": random_text(), "aud": "shop", "iat": 1_790_000_000,
            "exp": 1_790_003_600, "nonce": random_text(),
        });
        let token = Signer::ephemeral().unwrap().sign(Map::new(), &claims).unwrap();
        let session = session(&token, Some(&token), &claims);
        let (packed, json) = (session.pack().unwrap(), serde_json::to_vec(&session).unwrap());
        assert!(packed.len() < json.len() / 3 && packed.len() < 420, "{} of {}", packed.len(), json.len());
        assert_eq!(again(&session), serde_json::to_value(&session).unwrap());
    }

    proptest! {
        #[test]
        fn tokens_come_back_as_they_came(access in "\\PC*|[A-Za-z0-9_.=-]*", id in proptest::option::of("[A-Za-z0-9_.-]*")) {
            let session = session(&access, id.as_deref(), &json!({ "sub": access }));
            prop_assert_eq!(again(&session), serde_json::to_value(&session).unwrap());
        }

        #[test]
        fn nothing_makes_unpacking_panic(mut bytes: Vec<u8>) {
            prop_assert!(Session::unpack(&bytes).is_none());
            bytes.splice(0..0, 9_u32.to_le_bytes());
            prop_assert!(Session::unpack(&bytes).is_none());
        }
    }
}
