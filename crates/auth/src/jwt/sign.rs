//! Tokens that we sign: assertions of who we are, proofs of possession, assertions of who a user is.

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Map, Value as Json, json};

/// A key that signs.
#[derive(Clone)]
pub struct Signer {
    key: Key,
    name: String,
}

#[derive(Clone)]
enum Key {
    Usual(EncodingKey, Algorithm),
    /// For `ES512`, whose curve the library does not know.
    P521(Arc<EcdsaKeyPair>),
}

impl Key {
    fn p521(pem: &[u8]) -> Option<Self> {
        let key = EncodingKey::from_ec_pem(pem).ok()?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P521_SHA512_FIXED_SIGNING, key.as_bytes()).ok()?;
        Some(Self::P521(Arc::new(pair)))
    }

    fn usual(method: &str, algorithm: Algorithm, secret: &[u8]) -> Option<Self> {
        let key = match method.get(..2) {
            Some("HS") => Ok(EncodingKey::from_secret(secret)),
            Some("RS" | "PS") => EncodingKey::from_rsa_pem(secret),
            Some("ES") => EncodingKey::from_ec_pem(secret),
            _ => EncodingKey::from_ed_pem(secret),
        };
        Some(Self::Usual(key.ok()?, algorithm))
    }

    /// In base64.
    fn sign(&self, message: &[u8]) -> Option<String> {
        match self {
            Self::Usual(key, algorithm) => crypto::sign(message, key, *algorithm).ok(),
            Self::P521(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message).ok()?;
                Some(URL_SAFE_NO_PAD.encode(signature))
            }
        }
    }

    fn public(&self) -> Option<Json> {
        match self {
            Self::Usual(key, algorithm) => serde_json::to_value(Jwk::from_encoding_key(key, *algorithm).ok()?).ok(),
            Self::P521(pair) => {
                // An uncompressed point: a byte that says so, then its coordinates.
                let coordinates = pair.public_key().as_ref().get(1..)?;
                let (x, y) = coordinates.split_at(coordinates.len() / 2);
                let [x, y] = [x, y].map(|coordinate| URL_SAFE_NO_PAD.encode(coordinate));
                Some(json!({ "kty": "EC", "crv": "P-521", "alg": "ES512", "x": x, "y": y }))
            }
        }
    }
}

fn unusable(method: &str) -> InvalidSigner {
    InvalidSigner::Key(method.to_owned())
}

/// A key that cannot sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSigner {
    /// No algorithm has that name, or none that we sign with.
    #[error("there is no signing method {0:?}")]
    Method(String),
    /// The key is not one for the algorithm. Says nothing of the key.
    #[error("the secret is no private key for {0}")]
    Key(String),
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.name)
    }
}

impl Signer {
    /// A signer of this algorithm; the secret is a private key in PEM, or for `HS…` whatever it is.
    ///
    /// # Errors
    /// When the two do not fit.
    pub fn new(method: &str, secret: &str) -> Result<Self, InvalidSigner> {
        let key = if method == "ES512" {
            Key::p521(secret.as_bytes())
        } else {
            let algorithm = method.parse().map_err(|_| InvalidSigner::Method(method.to_owned()))?;
            Key::usual(method, algorithm, secret.as_bytes())
        };
        // A key of the wrong kind is found here rather than with the first login.
        let key = key.filter(|key| key.sign(b"").is_some()).ok_or_else(|| unusable(method))?;
        Ok(Self { key, name: method.to_owned() })
    }

    /// A new key for `ES256`, in this process alone.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn ephemeral() -> Result<Self, InvalidSigner> {
        Self::of_key(&Self::new_key()?)
    }

    /// A new key for `ES256` as text, to be kept where nobody reads it.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn new_key() -> Result<String, InvalidSigner> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        document.map(|document| URL_SAFE_NO_PAD.encode(document.as_ref())).map_err(|_| unusable("ES256"))
    }

    /// A signer with a key that [`Self::new_key`] has made.
    ///
    /// # Errors
    /// When it is none.
    pub fn of_key(text: &str) -> Result<Self, InvalidSigner> {
        let document = URL_SAFE_NO_PAD.decode(text).map_err(|_| unusable("ES256"))?;
        let key = Key::Usual(EncodingKey::from_ec_der(&document), Algorithm::ES256);
        Ok(Self { key, name: "ES256".to_owned() })
    }

    /// A token of these claims. `alg` of the header is written here.
    ///
    /// # Errors
    /// When the key does not sign.
    pub fn sign(&self, mut header: Map<String, Json>, claims: &Json) -> Result<String, InvalidSigner> {
        header.insert("alg".to_owned(), self.name.clone().into());
        let encode = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
        let message = format!("{}.{}", encode(&Json::Object(header)), encode(claims));
        let signature = self.key.sign(message.as_bytes()).ok_or_else(|| unusable(&self.name))?;
        Ok(format!("{message}.{signature}"))
    }

    /// The public half.
    ///
    /// # Errors
    /// When the key has none.
    pub fn public_key(&self) -> Result<Json, InvalidSigner> {
        self.key.public().ok_or_else(|| unusable(&self.name))
    }
}
