//! What must stand in no log: tokens, cookies, passwords and keys that tests have sent, or were given.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard};

use http::HeaderMap;
use http::header::{AUTHORIZATION, SET_COOKIE};

/// Shorter texts may stand in a log by chance.
const SHORTEST: usize = 16;
/// Headers that hold something secret.
const SECRET_HEADERS: [&str; 4] =
    ["x-api-key", "x-ambassador-client-secret", "x-ambassador-client-assertion", "x-ambassador-password"];

static KNOWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn known() -> MutexGuard<'static, BTreeSet<String>> {
    KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Has a text count as secret from now on, however short it is.
pub fn keep_secret(text: &str) {
    known().insert(text.to_owned());
}

/// The same for what headers of a request or an answer hold.
pub(crate) fn keep_secret_of(headers: &HeaderMap) {
    let text = |value: &http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let tokens = headers.get_all(AUTHORIZATION).iter().map(text);
    let tokens = tokens.filter_map(|line| line.split_once(' ').map(|(_, token)| token.trim().to_owned()));
    let cookies = headers.get_all(SET_COOKIE).iter().map(text);
    let cookies = cookies.filter_map(|line| Some(line.split(';').next()?.split_once('=')?.1.to_owned()));
    let others = SECRET_HEADERS.iter().filter_map(|name| headers.get(*name)).map(text);
    known().extend(tokens.chain(cookies).chain(others).filter(|text| text.len() >= SHORTEST));
}

/// Looks for secrets in what somebody wrote.
///
/// # Panics
/// If there is one.
pub fn assert_no_secret(who: &str, written: &str) {
    for line in written.lines() {
        let found = known().iter().find(|secret| line.contains(secret.as_str())).cloned();
        assert!(found.is_none(), "{who} wrote a secret, {found:?}: {line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic = "the log wrote a secret"]
    fn a_token_in_a_log_is_found() {
        let header = "Bearer a-token-of-some-length".parse().unwrap();
        keep_secret_of(&HeaderMap::from_iter([(AUTHORIZATION, header)]));
        assert_no_secret("the log", "a line\nGET /?access_token=a-token-of-some-length");
    }

    #[test]
    #[should_panic = "the log wrote a secret"]
    fn a_cookie_in_a_log_is_found() {
        let header = "session=a-cookie-of-some-length; Path=/".parse().unwrap();
        keep_secret_of(&HeaderMap::from_iter([(SET_COOKIE, header)]));
        assert_no_secret("the log", "a line with a-cookie-of-some-length");
    }

    #[test]
    fn other_texts_may_stand_there() {
        keep_secret("a password");
        assert_no_secret("the log", "ann has logged in");
    }
}
