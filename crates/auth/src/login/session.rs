//! A session: what is kept of a login, on our side. Browsers hold nothing but a name for it that cannot be guessed.

use nuncio_ir::auth::{SESSION_PREFIX, SameSite};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::Strength;

/// Claims that say how a login was, and not what is true of its user now.
const OF_LOGIN: [&str; 4] = ["acr", "amr", "auth_time", "sid"];

/// What is kept of a login.
#[derive(Clone, Serialize, Deserialize)]
pub struct Session {
    /// Of which filter.
    pub filter: String,
    /// Of which client of the provider: another one's sessions are none.
    pub client_id: String,
    /// Counts the changes.
    pub revision: u64,
    /// As the provider sent it.
    pub access_token: String,
    /// As the provider sent it.
    #[serde(default)]
    pub refresh_token: Option<String>,
    /// As the provider sent it.
    #[serde(default)]
    pub id_token: Option<String>,
    /// What the tokens are bound to (RFC 9449), where they are.
    #[serde(default)]
    pub proof_key: Option<String>,
    /// When the access token expires, where the provider said so.
    #[serde(default)]
    pub expires_at: Option<u64>,
    /// Scopes that were asked for.
    pub asked: Vec<String>,
    /// How the login was asked to be.
    #[serde(default)]
    pub strength: Strength,
    /// Scopes that were granted.
    pub granted: Vec<String>,
    /// Of the ID token.
    pub claims: Json,
    /// When the login was.
    pub begun: u64,
    /// When it ends whatever happens, where that is limited.
    #[serde(default)]
    pub ends_at: Option<u64>,
    /// How long it lives without requests, in seconds.
    pub idle: u64,
    /// Of its cookie.
    #[serde(default)]
    pub same_site: SameSite,
    /// Whether its cookie outlives the browser's session.
    #[serde(default)]
    pub is_persistent: bool,
    /// What pages of ours send with a logout.
    pub xsrf: String,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("filter", &self.filter)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A claim of the ID token that is a text.
    #[must_use]
    pub fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim)?.as_str()
    }

    /// Takes over the claims of a newer ID token. What it leaves out of the login itself stays: that was no other one.
    pub fn renew_claims(&mut self, claims: &Json) {
        let mut claims = claims.clone();
        for name in OF_LOGIN {
            if let (Some(claims), Some(old)) = (claims.as_object_mut(), self.claims.get(name)) {
                claims.entry(name).or_insert_with(|| old.clone());
            }
        }
        self.claims = claims;
    }

    /// Whether the access token must be replaced.
    #[must_use]
    pub fn is_stale(&self, margin: u64, now: u64) -> bool {
        self.expires_at.is_some_and(|at| at <= now.saturating_add(margin))
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self, now: u64) -> bool {
        self.ends_at.is_some_and(|at| at <= now)
    }

    /// Seconds until it ends without requests.
    #[must_use]
    pub fn lifetime(&self, now: u64) -> u64 {
        self.ends_at.map_or(self.idle, |at| at.saturating_sub(now).min(self.idle)).max(1)
    }
}

/// The name of the cookie of a filter's sessions, without the prefix.
#[must_use]
pub fn session_cookie(filter: &str) -> String {
    format!("{SESSION_PREFIX}{filter}")
}

/// The name of the cookie that pages read for a logout, which has no prefix: the original's.
#[must_use]
pub fn xsrf_cookie(filter: &str) -> String {
    format!("ambassador_xsrf.{filter}")
}
