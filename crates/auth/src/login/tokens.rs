//! What a provider's token endpoint answers, and what its tokens must be.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nuncio_ir::auth::{Audiences, Presence};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::bearer::is_b64token;
use crate::jwt::{ClaimRules, Unverified, Verified, check_claims};

/// How much a provider's clock may differ from ours.
const LEEWAY: Duration = Duration::from_secs(60);
/// The event of a logout token.
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How old a logout token may be, in seconds.
const LOGOUT_AGE: u64 = 600;

/// The answer of a token endpoint.
#[derive(Clone, Deserialize)]
pub struct TokenResponse {
    /// For upstreams.
    pub access_token: String,
    /// `Bearer`, or `DPoP`.
    #[serde(default)]
    token_type: Option<String>,
    /// Seconds; some providers write a text.
    #[serde(default)]
    expires_in: Option<Json>,
    /// For a new access token.
    #[serde(default)]
    pub refresh_token: Option<String>,
    /// Who it is.
    #[serde(default)]
    pub id_token: Option<String>,
    /// What was granted, where it is not what was asked for.
    #[serde(default)]
    pub scope: Option<String>,
}

impl std::fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenResponse(…)")
    }
}

impl TokenResponse {
    /// Reads an answer.
    ///
    /// # Errors
    /// When it is none, or its token is not of the syntax of RFC 6750 and that is not allowed.
    pub fn parse(json: &[u8], allow_malformed: bool) -> Result<Self, &'static str> {
        let response: Self = serde_json::from_slice(json).map_err(|_| "the provider's answer holds no token")?;
        let is_known = response
            .token_type
            .as_deref()
            .is_none_or(|kind| kind.eq_ignore_ascii_case("bearer") || kind.eq_ignore_ascii_case("dpop"));
        if !is_known {
            return Err("the provider's token is of another kind than Bearer");
        }
        if !allow_malformed && !is_b64token(&response.access_token) {
            return Err("the provider's access token is malformed");
        }
        Ok(response)
    }

    /// Whether the access token is bound to the key that it was asked for with (RFC 9449).
    #[must_use]
    pub fn is_bound(&self) -> bool {
        self.token_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("dpop"))
    }

    /// When the access token expires: as the answer says, or as the token itself does where that is earlier.
    #[must_use]
    pub fn expires_at(&self, now: u64) -> Option<u64> {
        let seconds = match &self.expires_in {
            Some(Json::Number(number)) => number.as_f64(),
            Some(Json::String(text)) => text.parse().ok(),
            _ => None,
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as saturates, below zero too")]
        let said = seconds.map(|seconds: f64| now.saturating_add(seconds as u64));
        let written = Unverified::parse(&self.access_token).ok().and_then(|token| token.claims.get("exp")?.as_u64());
        // A new token that has expired already is by a clock that is not ours: it says nothing.
        said.into_iter().chain(written.filter(|at| *at > now)).min()
    }

    /// What was granted; what was asked for where the answer does not say.
    #[must_use]
    pub fn granted(&self, asked: &[String]) -> Vec<String> {
        match &self.scope {
            Some(scope) => scope.split_ascii_whitespace().map(str::to_owned).collect(),
            None => asked.to_vec(),
        }
    }
}

/// What an ID token must be.
#[derive(Clone, Debug)]
pub struct IdTokenRules<'a> {
    /// The provider's name, to the letter.
    pub issuer: &'a str,
    /// Who we are.
    pub client_id: &'a str,
    /// Of the login; none when it was refreshed.
    pub nonce: Option<&'a str>,
    /// What came with it.
    pub access_token: Option<&'a str>,
}

/// Holds an ID token against the rules (OpenID Connect Core, 3.1.3.7). Its signature is verified already.
///
/// # Errors
/// With what is wrong with it.
pub fn check_id_token(rules: &IdTokenRules<'_>, token: &Verified, now: u64) -> Result<(), String> {
    // RFC 9068.
    if token.is_typed(&["at+jwt"]) {
        return Err("it is an access token".to_owned());
    }
    check_claims(&claim_rules(rules.issuer, rules.client_id), &token.claims, now).map_err(|error| error.to_string())?;
    let azp = token.text("azp");
    let several = token.claims.get("aud").and_then(Json::as_array).is_some_and(|audiences| audiences.len() > 1);
    if azp.is_some_and(|azp| azp != rules.client_id) || (several && azp.is_none()) {
        return Err("it is for another client".to_owned());
    }
    if token.text("sub").is_none_or(str::is_empty) {
        return Err("it says of nobody".to_owned());
    }
    if let Some(nonce) = rules.nonce
        && token.text("nonce") != Some(nonce)
    {
        return Err("it is of another login".to_owned());
    }
    match (token.claims.get("at_hash"), rules.access_token) {
        (Some(hash), Some(access)) if hash.as_str() != half_hash(token, access).as_deref() => {
            Err("it is for another access token".to_owned())
        }
        _ => Ok(()),
    }
}

/// What the claims of an access token must be, as far as it has them.
#[must_use]
pub fn access_token_rules(issuer: &str) -> ClaimRules {
    let optional = Presence { required: false, leeway: LEEWAY };
    ClaimRules {
        issuer: Some(issuer.to_owned()),
        expires_at: optional,
        issued_at: optional,
        not_before: optional,
        ..ClaimRules::default()
    }
}

fn claim_rules(issuer: &str, client_id: &str) -> ClaimRules {
    let required = Presence { required: true, leeway: LEEWAY };
    ClaimRules {
        audiences: Audiences::Any(vec![client_id.into()]),
        require_audience: true,
        issuer: Some(issuer.to_owned()),
        require_issuer: true,
        expires_at: required,
        issued_at: required,
        not_before: Presence { required: false, leeway: LEEWAY },
    }
}

/// `at_hash`: the left half of the digest that the token's algorithm uses.
fn half_hash(token: &Verified, access: &str) -> Option<String> {
    let algorithm = match token.header.get("alg")?.as_str()? {
        alg if alg.ends_with("256") => &SHA256,
        alg if alg.ends_with("384") => &SHA384,
        _ => &SHA512,
    };
    let hash = digest(algorithm, access.as_bytes());
    let hash = hash.as_ref();
    Some(URL_SAFE_NO_PAD.encode(&hash[..hash.len() / 2]))
}

/// Whether what is offered as an access token is an ID token: it says who logged in, not what may be done.
#[must_use]
pub fn is_id_token(token: &Verified) -> bool {
    token.is_typed(&["id"]) || token.claims.get("at_hash").is_some()
}

/// Whose sessions a provider ends (OpenID Connect Back-Channel Logout 1.0).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutToken {
    /// Once only.
    pub id: String,
    /// All sessions of this one.
    pub subject: Option<String>,
    /// This session of the provider's.
    pub session: Option<String>,
}

/// Holds a logout token against the rules. Its signature is verified already.
///
/// # Errors
/// With what is wrong with it.
pub fn check_logout_token(issuer: &str, client_id: &str, token: &Verified, now: u64) -> Result<LogoutToken, String> {
    let mut rules = claim_rules(issuer, client_id);
    rules.expires_at.required = false;
    check_claims(&rules, &token.claims, now).map_err(|error| error.to_string())?;
    let issued = token.claims.get("iat").and_then(Json::as_u64).unwrap_or(0);
    if now.saturating_sub(issued) > LOGOUT_AGE {
        return Err("it is too old".to_owned());
    }
    if token.claims.get("nonce").is_some() {
        return Err("it is an ID token".to_owned());
    }
    if !token.claims.get("events").and_then(|events| events.get(LOGOUT_EVENT)).is_some_and(Json::is_object) {
        return Err("it is of no logout".to_owned());
    }
    let text = |claim: &str| token.text(claim).filter(|text| !text.is_empty()).map(str::to_owned);
    let (subject, session) = (text("sub"), text("sid"));
    if subject.is_none() && session.is_none() {
        return Err("it says of nobody".to_owned());
    }
    Ok(LogoutToken { id: text("jti").ok_or("it has no jti")?, subject, session })
}

#[cfg(test)]
mod tests;
