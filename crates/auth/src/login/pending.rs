//! A login that was begun. It is kept in a cookie of the browser that began it, sealed: the state of another browser's
//! login is no good, each tab has its own, and who begins logins by the million fills no store.

use http::HeaderMap;
use nuncio_ir::auth::{PENDING_PREFIX, SameSite};
use serde::{Deserialize, Serialize};

use crate::Strength;
use crate::cookie::{self, prefixed};
use crate::crypto::{self, Keys};

/// How many a browser keeps; the oldest make way.
const MOST: usize = 5;
/// How long a login may take, in seconds.
const LIFE: u64 = 600;

/// A login that was begun.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Pending {
    /// Which filter began it.
    pub filter: String,
    /// What the provider gives back.
    pub state: String,
    /// What must be in the ID token.
    pub nonce: String,
    /// What only who began it knows (RFC 7636); empty where it is not used.
    pub verifier: String,
    /// Where the browser goes then; absolute.
    pub target: String,
    /// The other origin that sent the browser here: the digest of what its cookie holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binder: Option<String>,
    /// The scopes that are asked for.
    pub scope: Vec<String>,
    /// How the login must be.
    #[serde(default)]
    pub strength: Strength,
    /// What tokens are to be bound to (RFC 9449), where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof_key: Option<String>,
    /// Of the session's cookie.
    #[serde(default)]
    pub same_site: SameSite,
    /// Whether the session's cookie outlives the browser's session.
    #[serde(default)]
    pub is_persistent: bool,
    /// Seconds since 1970.
    pub begun: u64,
}

impl Pending {
    /// As the value of a cookie.
    #[must_use]
    pub fn seal(&self, keys: &Keys) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        keys.seal_text("login", &json)
    }
}

/// A new state. It says of which filter it is and when it was made; nothing is let through by that.
#[must_use]
pub fn new_state(filter: &str, now: u64) -> String {
    format!("{}.{}.{now:x}", crypto::random_text(), tag(&state_digest(filter)))
}

/// Whether a state says that it is of this filter.
#[must_use]
pub fn is_state_of(state: &str, filter: &str) -> bool {
    state.rsplit('.').nth(1) == Some(tag(&state_digest(filter)))
}

/// Whether a state says that its login has taken too long.
#[must_use]
pub fn is_state_over(state: &str, now: u64) -> bool {
    let made = state.rsplit('.').next().and_then(|made| u64::from_str_radix(made, 16).ok());
    made.is_some_and(|made| now.saturating_sub(made) > LIFE)
}

/// The name of the cookie for a state, by which cookies can also be ordered by age, to the millisecond: a browser that opens
/// its tabs again begins several logins in one second.
#[must_use]
pub fn pending_name(state: &str, milliseconds: u64) -> String {
    let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
    format!("{PENDING_PREFIX}{seconds:010x}{rest:03x}{}", tag(&state_digest(state)))
}

/// By which a login is found; it tells nobody the state.
#[must_use]
pub fn state_digest(state: &str) -> String {
    crypto::hex(&crypto::sha256(state.as_bytes()))
}

fn tag(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// The login whose state has this digest that the browser began, and the name of its cookie, prefix included. Where browsers
/// see its origin by HTTPS, only under the name that no clear text and no other host can have set: who could would log the
/// user in as somebody else.
#[must_use]
pub fn find_pending(
    headers: &HeaderMap,
    keys: &Keys,
    digest: &str,
    now: u64,
    is_secure: impl Fn(&Pending) -> bool,
) -> Option<(String, Pending)> {
    let named = cookie::all(headers).filter(|(name, _)| is_pending(name) && name.ends_with(tag(digest)));
    named
        .filter_map(|(name, value)| {
            let pending: Pending = serde_json::from_slice(&keys.open_text("login", value)?).ok()?;
            Some((name.to_owned(), pending))
        })
        .find(|(name, pending)| {
            name.starts_with(&prefixed(PENDING_PREFIX, is_secure(pending), None))
                && crypto::same(state_digest(&pending.state).as_bytes(), digest.as_bytes())
                && now.saturating_sub(pending.begun) <= LIFE
        })
}

/// The cookies that make way for one more.
#[must_use]
pub fn surplus(headers: &HeaderMap) -> Vec<String> {
    let mut names: Vec<&str> = cookie::all(headers).map(|(name, _)| name).filter(|name| is_pending(name)).collect();
    names.sort_unstable_by_key(|name| name.rsplit_once('.').map(|(_, age)| age));
    names.dedup();
    let surplus = (names.len() + 1).saturating_sub(MOST);
    names.into_iter().take(surplus).map(str::to_owned).collect()
}

/// Whether a cookie is of a login that was begun.
fn is_pending(name: &str) -> bool {
    let bare = name.strip_prefix("__Host-").or_else(|| name.strip_prefix("__Secure-")).unwrap_or(name);
    bare.starts_with(PENDING_PREFIX)
}

#[cfg(test)]
mod tests {
    use http::header::COOKIE;

    use super::*;

    fn pending(state: &str, begun: u64) -> Pending {
        Pending {
            filter: "f.default".to_owned(),
            state: state.to_owned(),
            nonce: "n".to_owned(),
            verifier: "v".to_owned(),
            target: "https://a/x".to_owned(),
            binder: None,
            scope: vec!["openid".to_owned()],
            strength: Strength::default(),
            proof_key: None,
            same_site: SameSite::Unset,
            is_persistent: true,
            begun,
        }
    }

    fn headers(cookies: &[(String, String)]) -> HeaderMap {
        let line = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        HeaderMap::from_iter([(COOKIE, line.parse().unwrap())])
    }

    /// Cases 23 and 24.
    #[test]
    fn a_state_is_of_the_browser_that_began_it() {
        let keys = Keys::ephemeral();
        let mine = (format!("__Host-{}", pending_name("s1", 100)), pending("s1", 100).seal(&keys));
        let found = |cookies: &[(String, String)], state: &str, now: u64| {
            find_pending(&headers(cookies), &keys, &state_digest(state), now, |_| true)
        };
        assert_eq!(found(std::slice::from_ref(&mine), "s1", 100).unwrap().1, pending("s1", 100));
        assert!(found(std::slice::from_ref(&mine), "s2", 100).is_none() && found(&[], "s1", 100).is_none());
        assert!(found(std::slice::from_ref(&mine), "s1", 701).is_none(), "too late");
        let forged = (mine.0.clone(), pending("s1", 100).seal(&Keys::ephemeral()));
        assert!(found(&[forged], "s1", 100).is_none());
        let renamed = (format!("__Host-{}", pending_name("s2", 100)), mine.1.clone());
        assert!(found(&[renamed], "s2", 100).is_none(), "another state's content");
        for prefix in ["", "__Secure-", "__Host-__Host-"] {
            let planted = (format!("{prefix}{}", pending_name("s1", 100)), mine.1.clone());
            assert!(found(&[planted], "s1", 100).is_none(), "{prefix}: another host may have set it");
        }
    }

    #[test]
    fn a_state_says_of_which_filter_and_when() {
        let state = new_state("f.default", 100);
        assert!(is_state_of(&state, "f.default") && !is_state_of(&state, "g.default") && !is_state_of("x", "f"));
        assert!(!is_state_over(&state, 700) && is_state_over(&state, 701) && !is_state_over("x.y.z", 701));
    }

    /// Cases 25 and 26.
    #[test]
    fn tabs_have_logins_of_their_own_and_not_without_end() {
        let keys = Keys::ephemeral();
        let mut cookies: Vec<(String, String)> = Vec::new();
        for index in 0..20 {
            let state = crypto::random_text();
            let gone = surplus(&headers(&cookies));
            cookies.retain(|(name, _)| !gone.contains(name));
            // Within two seconds.
            cookies.push((pending_name(&state, 100_000 + 99 * index), pending(&state, 100).seal(&keys)));
        }
        assert_eq!(cookies.len(), MOST);
        let oldest = format!("{PENDING_PREFIX}{:010x}{:03x}", 101, 485);
        assert!(cookies[0].0.starts_with(&oldest), "older ones made way: {cookies:?}");
        assert!(headers(&cookies)[COOKIE].len() < 16 << 10);
        let both =
            [(pending_name("a", 1), pending("a", 1).seal(&keys)), (pending_name("b", 2), pending("b", 2).seal(&keys))];
        for state in ["b", "a"] {
            let found = find_pending(&headers(&both), &keys, &state_digest(state), 3, |_| false);
            assert_eq!(found.unwrap().1.state, state);
        }
    }
}
