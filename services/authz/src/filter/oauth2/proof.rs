//! Proofs that tokens are ours (RFC 9449), where they are bound to a key: one for each login, so that every replica has it
//! with the session.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nuncio_auth::crypto::{random_text, sha256};
use nuncio_auth::jwt::Signer;
use serde_json::{Map, json};

use crate::clock::now;
use crate::idp::Answer;

/// What a request is that a proof is for.
#[derive(Clone, Copy)]
pub(super) struct Proven<'a> {
    pub(super) method: &'static str,
    pub(super) endpoint: &'a str,
    /// The access token that goes with it.
    pub(super) token: Option<&'a str>,
    /// What the other side wants to read in it.
    pub(super) nonce: Option<&'a str>,
}

/// A proof by this key.
pub(super) fn proof(key: &str, request: Proven<'_>) -> Result<String, String> {
    let signer = Signer::of_key(key).map_err(|error| error.to_string())?;
    let known = signer.public_key().map_err(|error| error.to_string())?;
    let mut public = Map::new();
    for name in ["kty", "crv", "x", "y"] {
        public.insert(name.to_owned(), known.get(name).cloned().unwrap_or_default());
    }
    let header = Map::from_iter([("typ".to_owned(), "dpop+jwt".into()), ("jwk".to_owned(), public.into())]);
    let endpoint = request.endpoint.split(['?', '#']).next().unwrap_or_default();
    let mut claims = json!({ "jti": random_text(), "htm": request.method, "htu": endpoint, "iat": now() });
    if let Some(token) = request.token {
        claims["ath"] = URL_SAFE_NO_PAD.encode(sha256(token.as_bytes())).into();
    }
    if let Some(nonce) = request.nonce {
        claims["nonce"] = nonce.into();
    }
    signer.sign(header, &claims).map_err(|error| error.to_string())
}

/// The nonce that an answer asks for (section 8).
pub(super) fn wanted_nonce(answer: &Answer) -> Option<String> {
    answer.headers.get("dpop-nonce")?.to_str().ok().map(str::to_owned)
}
