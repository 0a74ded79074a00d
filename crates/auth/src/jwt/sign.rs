//! Tokens that we sign: assertions of who we are, proofs of possession, assertions of who a user is.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Map, Value as Json};

/// A key that signs.
#[derive(Clone)]
pub struct Signer {
    key: EncodingKey,
    algorithm: Algorithm,
    name: String,
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
        let algorithm: Algorithm = method.parse().map_err(|_| InvalidSigner::Method(method.to_owned()))?;
        let pem = secret.as_bytes();
        let key = match method.get(..2) {
            Some("HS") => Ok(EncodingKey::from_secret(pem)),
            Some("RS" | "PS") => EncodingKey::from_rsa_pem(pem),
            Some("ES") => EncodingKey::from_ec_pem(pem),
            _ => EncodingKey::from_ed_pem(pem),
        };
        let signer = Self { key: key.map_err(|_| unusable(method))?, algorithm, name: method.to_owned() };
        // A key of the wrong kind is found here rather than with the first login.
        crypto::sign(b"", &signer.key, algorithm).map_err(|_| unusable(method))?;
        Ok(signer)
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
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
        let random = aws_lc_rs::rand::SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        document.map(|document| URL_SAFE_NO_PAD.encode(document.as_ref())).map_err(|_| unusable("ES256"))
    }

    /// A signer with a key that [`Self::new_key`] has made.
    ///
    /// # Errors
    /// When it is none.
    pub fn of_key(text: &str) -> Result<Self, InvalidSigner> {
        let document = URL_SAFE_NO_PAD.decode(text).map_err(|_| unusable("ES256"))?;
        let key = EncodingKey::from_ec_der(&document);
        Ok(Self { key, algorithm: Algorithm::ES256, name: "ES256".to_owned() })
    }

    /// A token of these claims. `alg` of the header is written here.
    ///
    /// # Errors
    /// When the key does not sign.
    pub fn sign(&self, mut header: Map<String, Json>, claims: &Json) -> Result<String, InvalidSigner> {
        header.insert("alg".to_owned(), self.name.clone().into());
        let encode = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
        let message = format!("{}.{}", encode(&Json::Object(header)), encode(claims));
        let signature =
            crypto::sign(message.as_bytes(), &self.key, self.algorithm).map_err(|_| unusable(&self.name))?;
        Ok(format!("{message}.{signature}"))
    }

    /// The public half.
    ///
    /// # Errors
    /// When the key has none.
    pub fn public_key(&self) -> Result<Json, InvalidSigner> {
        let jwk = Jwk::from_encoding_key(&self.key, self.algorithm).map_err(|_| unusable(&self.name))?;
        serde_json::to_value(jwk).map_err(|_| unusable(&self.name))
    }
}
