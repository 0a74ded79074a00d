//! Sets of keys (RFC 7517).

use aws_lc_rs::signature::{ECDSA_P521_SHA512_FIXED, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use nuncio_ir::auth::JwtAlgorithm;
use serde::Deserialize;
use serde_json::Value as Json;

use super::Invalid;

/// How many keys of a set are looked at.
const MOST: usize = 100;
/// The bytes of a coordinate (RFC 7518, 6.2.1.2).
const P521_COORDINATE: usize = 66;

/// An issuer's public keys.
#[derive(Default)]
pub struct KeySet {
    keys: Vec<Key>,
    /// How many entries could not be used: symmetric keys, other curves, keys for encryption.
    pub unusable: usize,
}

struct Key {
    id: Option<String>,
    /// What it says it is for.
    only_for: Option<String>,
    kind: Kind,
    public: Public,
}

/// A public key.
enum Public {
    Known(DecodingKey),
    /// Of P-521, which the library does not know: the point, uncompressed.
    Point(Vec<u8>),
}

/// What a key can verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
    P521,
    Ed25519,
}

/// Not a set of keys.
#[derive(Debug, thiserror::Error)]
#[error("not a set of keys: {0}")]
pub struct InvalidKeySet(#[from] serde_json::Error);

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeySet").field("keys", &self.keys.len()).field("unusable", &self.unusable).finish()
    }
}

impl KeySet {
    /// Reads a set. Entries that cannot be used are passed over, as RFC 7517 wants it.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(json: &[u8]) -> Result<Self, InvalidKeySet> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<Json>,
        }
        let document: Document = serde_json::from_slice(json)?;
        let all = document.keys.len();
        let keys: Vec<Key> = document.keys.into_iter().take(MOST).filter_map(Key::read).collect();
        Ok(Self { unusable: all - keys.len(), keys })
    }

    /// Whether there is none that can be used.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Verifies a signature by the keys of that id which fit the algorithm; without an id, by all that fit.
    pub(super) fn verify(
        &self,
        id: Option<&str>,
        algorithm: JwtAlgorithm,
        message: &str,
        signature: &str,
    ) -> Result<(), Invalid> {
        let kind = kind(algorithm).ok_or(Invalid::UnknownKey)?;
        let fits = |key: &&Key| {
            key.kind == kind
                && key.only_for.as_deref().is_none_or(|only| only == name(algorithm))
                // A set of one key need not name it.
                && (id.is_none() || key.id.as_deref() == id || (key.id.is_none() && self.keys.len() == 1))
        };
        let mut result = Err(Invalid::UnknownKey);
        for key in self.keys.iter().filter(fits) {
            if key.public.verifies(algorithm, message, signature) {
                return Ok(());
            }
            result = Err(Invalid::Signature);
        }
        result
    }
}

impl Key {
    fn read(json: Json) -> Option<Self> {
        let only_for = json.get("alg").and_then(Json::as_str).map(str::to_owned);
        let jwk: Jwk = serde_json::from_value(json).ok()?;
        if matches!(&jwk.common.public_key_use, Some(usage) if *usage != PublicKeyUse::Signature) {
            return None;
        }
        let kind = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => Kind::Rsa,
            AlgorithmParameters::EllipticCurve(key) => match key.curve {
                EllipticCurve::P256 => Kind::P256,
                EllipticCurve::P384 => Kind::P384,
                EllipticCurve::P521 => Kind::P521,
                _ => return None,
            },
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Kind::Ed25519,
            _ => return None,
        };
        let public = match &jwk.algorithm {
            AlgorithmParameters::EllipticCurve(key) if kind == Kind::P521 => Public::Point(point(&key.x, &key.y)?),
            _ => Public::Known(DecodingKey::from_jwk(&jwk).ok()?),
        };
        Some(Self { id: jwk.common.key_id, only_for, kind, public })
    }
}

impl Public {
    fn verifies(&self, algorithm: JwtAlgorithm, message: &str, signature: &str) -> bool {
        match self {
            Self::Known(key) => method(algorithm)
                .is_some_and(|method| crypto::verify(signature, message.as_bytes(), key, method).unwrap_or(false)),
            Self::Point(point) => URL_SAFE_NO_PAD.decode(signature).is_ok_and(|signature| {
                UnparsedPublicKey::new(&ECDSA_P521_SHA512_FIXED, point).verify(message.as_bytes(), &signature).is_ok()
            }),
        }
    }
}

/// A point of P-521 as SEC 1 writes it.
fn point(x: &str, y: &str) -> Option<Vec<u8>> {
    let coordinate = |text: &str| URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == P521_COORDINATE);
    Some([vec![4], coordinate(x)?, coordinate(y)?].concat())
}

/// The kind of key of an algorithm. None of them is symmetric: a public key is never a secret.
fn kind(algorithm: JwtAlgorithm) -> Option<Kind> {
    Some(match algorithm {
        JwtAlgorithm::None => return None,
        JwtAlgorithm::RS256
        | JwtAlgorithm::RS384
        | JwtAlgorithm::RS512
        | JwtAlgorithm::PS256
        | JwtAlgorithm::PS384
        | JwtAlgorithm::PS512 => Kind::Rsa,
        JwtAlgorithm::ES256 => Kind::P256,
        JwtAlgorithm::ES384 => Kind::P384,
        JwtAlgorithm::ES512 => Kind::P521,
        JwtAlgorithm::EdDSA => Kind::Ed25519,
    })
}

/// The library's name for an algorithm that it knows.
fn method(algorithm: JwtAlgorithm) -> Option<Algorithm> {
    name(algorithm).parse().ok()
}

fn name(algorithm: JwtAlgorithm) -> &'static str {
    match algorithm {
        JwtAlgorithm::None => "none",
        JwtAlgorithm::RS256 => "RS256",
        JwtAlgorithm::RS384 => "RS384",
        JwtAlgorithm::RS512 => "RS512",
        JwtAlgorithm::PS256 => "PS256",
        JwtAlgorithm::PS384 => "PS384",
        JwtAlgorithm::PS512 => "PS512",
        JwtAlgorithm::ES256 => "ES256",
        JwtAlgorithm::ES384 => "ES384",
        JwtAlgorithm::ES512 => "ES512",
        JwtAlgorithm::EdDSA => "EdDSA",
    }
}
