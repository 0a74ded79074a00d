//! What claims must be.

use nuncio_ir::auth::{Audiences, Jwt, Presence};
use serde_json::Value as Json;

use super::Invalid;

/// What claims must be.
#[derive(Clone, Debug, Default)]
pub struct ClaimRules {
    /// `aud`.
    pub audiences: Audiences,
    /// It must be there.
    pub require_audience: bool,
    /// `iss`.
    pub issuer: Option<String>,
    /// It must be there.
    pub require_issuer: bool,
    /// `exp`.
    pub expires_at: Presence,
    /// `nbf`.
    pub not_before: Presence,
    /// `iat`.
    pub issued_at: Presence,
}

impl From<&Jwt> for ClaimRules {
    fn from(filter: &Jwt) -> Self {
        Self {
            audiences: filter.audiences.clone(),
            require_audience: filter.require_audience,
            issuer: filter.issuer.as_deref().map(str::to_owned),
            require_issuer: filter.require_issuer,
            expires_at: filter.expires_at,
            not_before: filter.not_before,
            issued_at: filter.issued_at,
        }
    }
}

/// Holds claims against rules at a time (seconds since 1970).
///
/// # Errors
/// With the first that is not as it must be.
pub fn check_claims(rules: &ClaimRules, claims: &Json, now: u64) -> Result<(), Invalid> {
    let leeway = |presence: &Presence| presence.leeway.as_secs();
    // At the second of `exp` a token is not good any longer (RFC 7519).
    match time(claims, "exp", &rules.expires_at)? {
        Some(expires) if now >= expires.saturating_add(leeway(&rules.expires_at)) => return Err(Invalid::Expired),
        _ => {}
    }
    match time(claims, "nbf", &rules.not_before)? {
        Some(begins) if now.saturating_add(leeway(&rules.not_before)) < begins => return Err(Invalid::NotYetValid),
        _ => {}
    }
    match time(claims, "iat", &rules.issued_at)? {
        Some(issued) if now.saturating_add(leeway(&rules.issued_at)) < issued => return Err(Invalid::IssuedInFuture),
        _ => {}
    }
    check_audience(rules, claims)?;
    check_issuer(rules, claims)
}

/// A `NumericDate`. Anything else that is there is wrong.
fn time(claims: &Json, name: &'static str, presence: &Presence) -> Result<Option<u64>, Invalid> {
    match claims.get(name) {
        None | Some(Json::Null) if presence.required => Err(Invalid::Claim(name)),
        None | Some(Json::Null) => Ok(None),
        Some(Json::Number(number)) => {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as saturates, below zero too")]
            let seconds = number.as_u64().or_else(|| number.as_f64().map(|seconds| seconds as u64));
            seconds.map(Some).ok_or(Invalid::Claim(name))
        }
        Some(_) => Err(Invalid::Claim(name)),
    }
}

fn check_audience(rules: &ClaimRules, claims: &Json) -> Result<(), Invalid> {
    let have: Vec<&str> = match claims.get("aud") {
        None | Some(Json::Null) if rules.require_audience => return Err(Invalid::Claim("aud")),
        None | Some(Json::Null) => return Ok(()),
        Some(Json::String(one)) => vec![one],
        Some(Json::Array(several)) => {
            several.iter().map(Json::as_str).collect::<Option<_>>().ok_or(Invalid::Claim("aud"))?
        }
        Some(_) => return Err(Invalid::Claim("aud")),
    };
    let has = |wanted: &std::sync::Arc<str>| have.contains(&wanted.as_ref());
    let is_good = match &rules.audiences {
        Audiences::Any(wanted) => wanted.is_empty() || wanted.iter().any(has),
        Audiences::All(wanted) => wanted.iter().all(has),
    };
    if is_good { Ok(()) } else { Err(Invalid::Audience) }
}

fn check_issuer(rules: &ClaimRules, claims: &Json) -> Result<(), Invalid> {
    match (claims.get("iss"), &rules.issuer) {
        (None | Some(Json::Null), _) if rules.require_issuer => Err(Invalid::Claim("iss")),
        (None | Some(Json::Null), _) => Ok(()),
        (Some(Json::String(have)), Some(wanted)) if have != wanted => Err(Invalid::Issuer),
        (Some(Json::String(_)), _) => Ok(()),
        (Some(_), _) => Err(Invalid::Claim("iss")),
    }
}

/// Whether `scope` (a text with spaces, or a list; `scp` where there is none) holds all of these.
#[must_use]
pub fn has_scopes(claims: &Json, wanted: &[impl AsRef<str>]) -> bool {
    let have: Vec<&str> = match claims.get("scope").or_else(|| claims.get("scp")) {
        Some(Json::String(text)) => text.split_ascii_whitespace().collect(),
        Some(Json::Array(items)) => items.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    };
    wanted.iter().all(|wanted| have.contains(&wanted.as_ref()))
}

/// The same as a result.
///
/// # Errors
/// With the scopes wanted when one is missing.
pub fn check_scope(claims: &Json, wanted: &[impl AsRef<str>]) -> Result<(), String> {
    if has_scopes(claims, wanted) {
        return Ok(());
    }
    Err(wanted.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(" "))
}
