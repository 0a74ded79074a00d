//! Sessions in few bytes, for who holds many of them in memory.
//!
//! What tokens say is written out in place of its base64, and deflated with the rest: a session's claims stand in its tokens
//! too, and what all sessions say alike is in the dictionary. What nobody can guess stands by itself, as bytes: deflating would
//! make it longer. The form is of one version of the program alone.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use nuncio_ir::auth::SameSite;
use serde::Serialize;
use serde_json::Value as Json;

use super::Session;
use crate::Strength;

/// What sessions and tokens usually say: what most say stands last.
const DICTIONARY: &[u8] = br#"groups":["roles":["email_verified":true,"preferred_username":"name":"azp":"scope":"openid profile email offline_access","amr":["pwd"],"acr":"0","jti":"sid":"auth_time":17,"at_hash":"","email":"{"alg":"RS256","typ":"JWT","kid":"{"alg":"ES256","kid":"{"exp":179,"iat":179,"iss":"https://","sub":"","aud":"","exp":1790,"iat":1790,"iss":"http","nonce":"","sub":""}{"filter":"login","client_id":"","revision":1,"access_token":"","proof_key":null,"expires_at":1790,"asked":["openid"],"strength":{"acr_values":[],"max_age":null},"granted":["openid"],"claims":{"aud":"","exp":1790,"iat":1790,"iss":"https://","nonce":"","sub":""},"begun":1790,"ends_at":null,"idle":1209600,"same_site":"unset","is_persistent":false,"xsrf":""}"#;
/// How many times as long as what was deflated it can be.
const MOST_TIMES: usize = 1_100;
/// What stands for a token: that there is none, that it is among the words as it came, or how many parts it has.
const ABSENT: u8 = 0;
const AS_IT_CAME: u8 = u8::MAX;
/// In place of a part's length: it is among the words.
const A_WORD: u16 = u16::MAX;

impl Session {
    /// The session in few bytes; none where it cannot be written.
    #[must_use]
    pub fn pack(&self) -> Option<Vec<u8>> {
        let (mut words, mut bytes) = (Vec::new(), Vec::new());
        put(&mut words, &serde_json::to_vec(&Rest::of(self)).ok()?)?;
        let optional = [&self.refresh_token, &self.id_token].map(Option::as_deref);
        for token in [Some(&*self.access_token), Some(&*self.xsrf)].into_iter().chain(optional) {
            unfold(token, &mut words, &mut bytes)?;
        }
        join(&words, &bytes)
    }

    /// The session that was packed so.
    #[must_use]
    pub fn unpack(packed: &[u8]) -> Option<Self> {
        let (length, mut packed) = packed.split_first_chunk()?;
        let mut bytes = take(&mut packed)?;
        let words = inflate(packed, usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        let mut words = &*words;
        let rest: Self = serde_json::from_slice(take(&mut words)?).ok()?;
        let mut token = || fold(&mut words, &mut bytes);
        Some(Self { access_token: token()??, xsrf: token()??, refresh_token: token()?, id_token: token()?, ..rest })
    }
}

/// A session but for what nobody can guess: reads as one that has none of it.
#[derive(Serialize)]
struct Rest<'a> {
    filter: &'a str,
    client_id: &'a str,
    revision: u64,
    access_token: &'static str,
    proof_key: Option<&'a str>,
    expires_at: Option<u64>,
    asked: &'a [String],
    strength: &'a Strength,
    granted: &'a [String],
    claims: &'a Json,
    begun: u64,
    ends_at: Option<u64>,
    idle: u64,
    same_site: SameSite,
    is_persistent: bool,
    xsrf: &'static str,
}

impl<'a> Rest<'a> {
    fn of(session: &'a Session) -> Self {
        // All fields are named, so that none that is new is forgotten.
        let Session {
            access_token: _,
            refresh_token: _,
            id_token: _,
            xsrf: _,
            filter,
            client_id,
            revision,
            proof_key,
            expires_at,
            asked,
            strength,
            granted,
            claims,
            begun,
            ends_at,
            idle,
            same_site,
            is_persistent,
        } = session;
        Self {
            filter,
            client_id,
            revision: *revision,
            access_token: "",
            proof_key: proof_key.as_deref(),
            expires_at: *expires_at,
            asked,
            strength,
            granted,
            claims,
            begun: *begun,
            ends_at: *ends_at,
            idle: *idle,
            same_site: *same_site,
            is_persistent: *is_persistent,
            xsrf: "",
        }
    }
}

/// What is deflated, after what is not.
fn join(words: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    let mut packed = u32::try_from(words.len()).ok()?.to_le_bytes().to_vec();
    put(&mut packed, bytes)?;
    deflate(words, &mut packed)?;
    Some(packed)
}

/// Writes what a token says: its JSON among the words, all else among the bytes.
fn unfold(token: Option<&str>, words: &mut Vec<u8>, bytes: &mut Vec<u8>) -> Option<()> {
    let Some(token) = token else {
        bytes.push(ABSENT);
        return Some(());
    };
    let Some((count, parts)) = parts(token) else {
        bytes.push(AS_IT_CAME);
        return put(words, token.as_bytes());
    };
    bytes.push(count);
    for part in parts {
        match u16::try_from(part.len()) {
            Ok(length) if length < A_WORD && part.first() != Some(&b'{') => {
                bytes.extend(length.to_le_bytes());
                bytes.extend(part);
            }
            _ => {
                bytes.extend(A_WORD.to_le_bytes());
                put(words, &part)?;
            }
        }
    }
    Some(())
}

/// The parts of a token of which all are base64 in the one way in which that can be written.
fn parts(token: &str) -> Option<(u8, Vec<Vec<u8>>)> {
    let parts: Vec<_> = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).ok()).collect::<Option<_>>()?;
    let count = u8::try_from(parts.len()).ok().filter(|count| *count < AS_IT_CAME)?;
    Some((count, parts))
}

/// The token as it came.
fn fold(words: &mut &[u8], bytes: &mut &[u8]) -> Option<Option<String>> {
    let (&count, rest) = bytes.split_first()?;
    *bytes = rest;
    if count == ABSENT {
        return Some(None);
    }
    if count == AS_IT_CAME {
        return String::from_utf8(take(words)?.to_vec()).ok().map(Some);
    }
    let mut parts = Vec::with_capacity(count.into());
    for _ in 0..count {
        let (length, rest) = bytes.split_first_chunk()?;
        let length = u16::from_le_bytes(*length);
        *bytes = rest;
        let part = if length == A_WORD { take(words)? } else { split(bytes, length.into())? };
        parts.push(URL_SAFE_NO_PAD.encode(part));
    }
    Some(Some(parts.join(".")))
}

/// Appends a part with its length.
fn put(all: &mut Vec<u8>, part: &[u8]) -> Option<()> {
    all.extend(u32::try_from(part.len()).ok()?.to_le_bytes());
    all.extend(part);
    Some(())
}

/// Takes such a part from the beginning.
fn take<'a>(all: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = all.split_first_chunk()?;
    *all = rest;
    split(all, usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

fn split<'a>(all: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (part, rest) = all.split_at_checked(length)?;
    *all = rest;
    Some(part)
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
    (status == Status::StreamEnd && plain.len() == length).then_some(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;
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
        assert!(packed.len() < json.len() / 3 && packed.len() < 400, "{} of {}", packed.len(), json.len());
        assert_eq!(again(&session), serde_json::to_value(&session).unwrap());
    }

    proptest! {
        #[test]
        fn tokens_come_back_as_they_came(access in "\\PC*|[A-Za-z0-9_.=-]*", id in proptest::option::of("[A-Za-z0-9_.-]*")) {
            let session = session(&access, id.as_deref(), &json!({ "sub": access }));
            prop_assert_eq!(again(&session), serde_json::to_value(&session).unwrap());
        }

        #[test]
        fn nothing_that_was_packed_and_changed_makes_unpacking_panic(
            at: Index, end: Index, byte in 1_u8.., inserted: Vec<u8>, access in "[A-Za-z0-9_.-]*"
        ) {
            let packed = session(&access, None, &json!({ "sub": access })).pack().unwrap();
            let (at, end) = (at.index(packed.len()), end.index(packed.len()));
            let mut flipped = packed.clone();
            flipped[at] ^= byte;
            let unpacked = Session::unpack(&flipped);
            prop_assert!(at >= 4 || unpacked.is_none(), "of another length");
            prop_assert!(Session::unpack(&packed[..at]).is_none());
            let mut other = packed;
            other.splice(at.min(end)..at.max(end), inserted);
            // Whatever comes of it.
            let _ = Session::unpack(&other);
        }

        #[test]
        fn nothing_makes_unpacking_panic(words: Vec<u8>, bytes: Vec<u8>, outside: Vec<u8>) {
            prop_assert!(Session::unpack(&outside).is_none());
            prop_assert!(Session::unpack(&join(&words, &bytes).unwrap()).is_none());
            // Past the JSON, to where tokens are read.
            let mut after_json = Vec::new();
            put(&mut after_json, &serde_json::to_vec(&Rest::of(&session("", None, &Value::Null))).unwrap()).unwrap();
            after_json.extend(&words);
            let tokens = bytes.iter().map(|byte| byte % 4);
            for bytes in [bytes.clone(), tokens.collect()] {
                let _ = Session::unpack(&join(&after_json, &bytes).unwrap());
            }
        }
    }
}
