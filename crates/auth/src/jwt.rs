//! JSON Web Tokens: taken apart, verified by a set of keys, their claims held against rules.

mod claims;
mod keys;
mod sign;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nuncio_expr::template::Value;
use nuncio_ir::auth::{Jwt, JwtAlgorithm};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

pub use claims::{ClaimRules, check_claims, check_scope, has_scopes};
pub use keys::{InvalidKeySet, KeySet};
pub use sign::{InvalidSigner, Signer};

/// The longest token that is looked at, in bytes.
pub const LONGEST: usize = 64 << 10;

/// A token taken apart. Nothing about it is verified yet.
#[derive(Clone, Debug)]
pub struct Unverified<'a> {
    raw: &'a str,
    /// What is signed.
    message: &'a str,
    signature: &'a str,
    /// Of the header.
    pub header: Header,
    header_json: Map<String, Json>,
    /// The claims.
    pub claims: Map<String, Json>,
}

/// What a header says about the signature. Keys that a token brings itself (`jwk`, `jku`, `x5u`, `x5c`) are not even read.
#[derive(Clone, Debug, Deserialize)]
pub struct Header {
    /// The algorithm.
    pub alg: String,
    /// The key.
    #[serde(default)]
    pub kid: Option<String>,
    /// What kind of token.
    #[serde(default)]
    pub typ: Option<String>,
    /// What a reader must understand: nothing is understood.
    #[serde(default)]
    crit: Option<Json>,
}

/// A token that is good.
#[derive(Clone, Debug)]
pub struct Verified {
    /// As it was sent.
    pub raw: String,
    /// Its header.
    pub header: Map<String, Json>,
    /// Its claims.
    pub claims: Json,
}

/// What tokens say of themselves (RFC 8725, 3.11) that are for something else than to ask an API. Some are Keycloak's words.
const OTHER_KINDS: [&str; 6] = ["id", "refresh", "offline", "logout", "logout+jwt", "dpop+jwt"];

/// Why a token is not good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It is no JWT.
    #[error("Token is malformed: {0}")]
    Malformed(&'static str),
    /// It is signed in a way that is not accepted.
    #[error("signing method {0} is invalid")]
    Algorithm(String),
    /// None of the keys is the one.
    #[error("no key of the issuer fits the token")]
    UnknownKey,
    /// The signature is not of that key.
    #[error("signature is invalid")]
    Signature,
    /// `exp`.
    #[error("Token is expired")]
    Expired,
    /// `nbf`.
    #[error("Token is not valid yet")]
    NotYetValid,
    /// `iat`.
    #[error("Token used before issued")]
    IssuedInFuture,
    /// `aud`.
    #[error("Token has wrong audience")]
    Audience,
    /// `iss`.
    #[error("Token has wrong issuer")]
    Issuer,
    /// It is no access token.
    #[error("Token is for something else than to ask an API")]
    Kind,
    /// A claim is not there, or not what it should be.
    #[error("Token has no valid {0:?}")]
    Claim(&'static str),
}

impl Invalid {
    /// The bits by which the original's templates tell errors apart.
    #[must_use]
    pub fn bits(&self) -> i64 {
        match self {
            Self::Malformed(_) => 1,
            Self::Algorithm(_) | Self::UnknownKey => 2,
            Self::Signature => 4,
            Self::Audience => 8,
            Self::Expired => 16,
            Self::IssuedInFuture => 32,
            Self::Issuer => 64,
            Self::NotYetValid => 128,
            Self::Claim(_) | Self::Kind => 512,
        }
    }

    /// Whether other keys of the issuer might change that.
    #[must_use]
    pub fn may_be_new_key(&self) -> bool {
        matches!(self, Self::UnknownKey)
    }
}

impl<'a> Unverified<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// When it is no JWT in the compact form, or has something critical.
    pub fn parse(raw: &'a str) -> Result<Self, Invalid> {
        if raw.len() > LONGEST {
            return Err(Invalid::Malformed("it is too long"));
        }
        let (message, signature) = raw.rsplit_once('.').ok_or(Invalid::Malformed("it has no three parts"))?;
        let (header, claims) = message.split_once('.').ok_or(Invalid::Malformed("it has no three parts"))?;
        let header = object(header).ok_or(Invalid::Malformed("its header cannot be read"))?;
        let claims = object(claims).ok_or(Invalid::Malformed("its claims cannot be read"))?;
        let known: Header = serde_json::from_value(Json::Object(header.clone()))
            .map_err(|_| Invalid::Malformed("its header cannot be read"))?;
        if known.crit.is_some() {
            return Err(Invalid::Malformed("it has critical parameters"));
        }
        Ok(Self { raw, message, signature, header: known, header_json: header, claims })
    }

    /// The whole header, as templates see it.
    #[must_use]
    pub fn header_value(&self) -> Value {
        Value::from(&Json::Object(self.header_json.clone()))
    }

    /// Verifies the signature by one of the keys, and that its algorithm is one of these. Empty: any by a public key. `none`
    /// counts only where it stands alone: beside others it would let everybody in who leaves the signature out.
    ///
    /// # Errors
    /// When it is not signed so.
    pub fn verify(self, accepted: &[JwtAlgorithm], keys: &KeySet) -> Result<Verified, Invalid> {
        let refused = || Invalid::Algorithm(self.header.alg.chars().take(16).collect());
        let algorithm = algorithm(&self.header.alg).ok_or_else(refused)?;
        let is_accepted = match algorithm {
            JwtAlgorithm::None => !accepted.is_empty() && accepted.iter().all(|name| *name == JwtAlgorithm::None),
            signed => accepted.is_empty() || accepted.contains(&signed),
        };
        if !is_accepted {
            return Err(refused());
        }
        if algorithm == JwtAlgorithm::None {
            if !self.signature.is_empty() {
                return Err(Invalid::Signature);
            }
        } else {
            keys.verify(self.header.kid.as_deref(), algorithm, self.message, self.signature)?;
        }
        Ok(Verified { raw: self.raw.to_owned(), header: self.header_json, claims: Json::Object(self.claims) })
    }
}

impl Verified {
    /// Whether it says of itself that it is one of these, in its header or, as Keycloak writes it, in its claims.
    #[must_use]
    pub fn is_typed(&self, kinds: &[&str]) -> bool {
        [self.header.get("typ"), self.claims.get("typ")].into_iter().any(|typ| is_one_of(typ, kinds))
    }

    /// Whether it may be an access token.
    ///
    /// # Errors
    /// When it says of itself that it is none.
    pub fn check_kind(&self) -> Result<(), Invalid> {
        if self.is_typed(&OTHER_KINDS) { Err(Invalid::Kind) } else { Ok(()) }
    }

    /// A claim that is a text.
    #[must_use]
    pub fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim)?.as_str()
    }

    /// As templates see it.
    #[must_use]
    pub fn template_value(&self) -> Value {
        let signature = self.raw.rsplit_once('.').map_or("", |(_, signature)| signature);
        Value::map([
            ("Raw", Value::Text(self.raw.clone())),
            ("Header", Value::from(&Json::Object(self.header.clone()))),
            ("Claims", Value::from(&self.claims)),
            ("Signature", Value::from(signature)),
        ])
    }
}

/// Whether claims say of their token, as Keycloak's do, that it is none for access.
#[must_use]
pub fn is_other_kind(claims: &Json) -> bool {
    is_one_of(claims.get("typ"), &OTHER_KINDS)
}

fn is_one_of(typ: Option<&Json>, kinds: &[&str]) -> bool {
    let typ = typ.and_then(Json::as_str).unwrap_or_default().to_ascii_lowercase();
    kinds.contains(&typ.strip_prefix("application/").unwrap_or(&typ))
}

/// Checks a token as a filter says.
///
/// # Errors
/// With the first reason for which it is not good.
pub fn check(filter: &Jwt, token: &str, keys: &KeySet, now: u64) -> Result<Verified, Invalid> {
    let verified = Unverified::parse(token)?.verify(&filter.valid_algorithms, keys)?;
    verified.check_kind()?;
    check_claims(&ClaimRules::from(filter), &verified.claims, now)?;
    Ok(verified)
}

fn object(part: &str) -> Option<Map<String, Json>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn algorithm(name: &str) -> Option<JwtAlgorithm> {
    serde_json::from_value(Json::String(name.to_owned())).ok()
}

#[cfg(test)]
mod tests;
