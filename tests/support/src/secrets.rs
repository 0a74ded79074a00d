//! What must stand in no log: tokens, cookies, passwords and keys that tests have sent, or were given. Whatever a process has
//! printed is searched for them when it has ended ([`Process`](crate::Process)).

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Shorter texts may stand in a log by chance.
const SHORTEST: usize = 16;
/// Headers that hold something secret, beside `authorization`, `cookie` and `set-cookie`.
const SECRET_HEADERS: [&str; 4] =
    ["x-api-key", "x-ambassador-client-secret", "x-ambassador-client-assertion", "x-ambassador-password"];

static KNOWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn known() -> MutexGuard<'static, BTreeSet<String>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has a text count as secret from now on, however short it is.
pub fn keep_secret(text: &str) {
    known().insert(text.to_owned());
}

/// The same for the lines of a key in PEM.
pub(crate) fn keep_key_secret(pem: &str) {
    known().extend(pem.lines().filter(|line| line.len() > SHORTEST && !line.starts_with('-')).map(str::to_owned));
}

/// The same for what is secret in a header of a request or an answer.
pub fn keep_secret_of(name: &str, value: &str) {
    // What chooses a preview is a name, which its URL shows.
    let is_secret = |name: &str| !name.ends_with("nuncio_preview");
    let value_of = |pair: &str| {
        pair.split_once('=').filter(|(name, _)| is_secret(name.trim())).map(|(_, value)| value.trim().to_owned())
    };
    let name = name.to_ascii_lowercase();
    let found: Vec<String> = match &*name {
        "authorization" => value.split([' ', ',']).map(str::to_owned).collect(),
        "cookie" => value.split(';').filter_map(value_of).collect(),
        "set-cookie" => value.split(';').take(1).filter_map(value_of).collect(),
        other if SECRET_HEADERS.contains(&other) => vec![value.to_owned()],
        _ => Vec::new(),
    };
    known().extend(found.into_iter().filter(|text| text.len() >= SHORTEST));
}

/// Looks for secrets in what somebody wrote.
///
/// # Panics
/// If there is one.
pub fn assert_no_secret(who: &str, written: &str) {
    let key = written.lines().find(|line| holds_key_of_preview(line));
    assert!(key.is_none(), "{who} wrote the key of a preview: {key:?}");
    let known = known().clone();
    let mut by_start = vec![Vec::new(); 1 << 16];
    for secret in known.iter().filter_map(|secret| Some((start(secret.as_bytes())?, secret))) {
        by_start[secret.0].push(secret.1);
    }
    let bytes = written.as_bytes();
    for at in 0..bytes.len() {
        let Some(start) = start(&bytes[at..]) else { break };
        if let Some(secret) = by_start[start].iter().find(|secret| bytes[at..].starts_with(secret.as_bytes())) {
            let line = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            panic!("{who} wrote a secret, {secret:?}: {}", written[line..].lines().next().unwrap_or_default());
        }
    }
}

/// The first two bytes: few places of a log begin as a secret does.
fn start(bytes: &[u8]) -> Option<usize> {
    let [first, second, ..] = bytes else { return None };
    Some(usize::from(*first) << 8 | usize::from(*second))
}

/// Whether there is what keys of previews look like.
fn holds_key_of_preview(line: &str) -> bool {
    let letters = |text: &str| text.bytes().take_while(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7')).count();
    line.match_indices("npk").any(|(at, _)| letters(&line[at..]) >= 29)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::Process;

    #[test]
    #[should_panic = "the log wrote a secret"]
    fn a_token_in_a_log_is_found() {
        keep_secret_of("Authorization", "Bearer a-token-of-some-length");
        assert_no_secret("the log", "a line\nGET /?access_token=a-token-of-some-length");
    }

    #[test]
    #[should_panic = "the log wrote a secret"]
    fn a_cookie_in_a_log_is_found() {
        keep_secret_of("set-cookie", "session=a-cookie-of-some-length; Path=/");
        assert_no_secret("the log", "a line with a-cookie-of-some-length");
    }

    #[tokio::test]
    #[should_panic = "echo wrote a secret"]
    async fn a_password_that_a_process_prints_is_found() {
        keep_secret("of-nobody-else");
        let mut process = Process::spawn(Command::new("echo").arg("the password is of-nobody-else"));
        process.line(&["the password"]).await;
        process.exit().await;
    }

    /// It is gone by then, and what it wrote last is not read yet.
    #[tokio::test]
    #[should_panic = "sh wrote a secret"]
    async fn a_password_among_its_last_words_is_found() {
        keep_secret("of-nobody-at-last");
        let script = "echo ready; (sleep 0.3; echo the password is of-nobody-at-last) &";
        let mut process = Process::spawn(Command::new("sh").args(["-c", script]));
        process.line(&["ready"]).await;
        process.exit().await;
    }

    #[test]
    fn other_texts_may_stand_there() {
        keep_secret("a password");
        assert_no_secret("the log", "ann has logged in, a passwor");
    }
}
