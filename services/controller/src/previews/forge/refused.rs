//! Why a forge does not do what it is asked for, and when it may be asked again.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};

use crate::clock;

/// For how long a forge is not asked at most, whatever it says.
const LONGEST: u64 = 3600;
/// For how long where it does not say.
const USUAL: u64 = 60;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub(in crate::previews) enum ForgeError {
    #[error("the forge cannot be asked: {0}")]
    Http(#[from] reqwest::Error),
    #[error("the forge answers {0}: is the token one that may read pull requests and write comments there?")]
    Refused(StatusCode),
    #[error("the forge answers {status}: it was asked too often, and may be asked again in {} s", .wait.as_secs())]
    TooOften { status: StatusCode, wait: Duration },
    #[error("there are {0} comments of others, and none is looked for among more")]
    TooMany(usize),
}

impl ForgeError {
    /// What an answer says that is no good one.
    pub(super) fn refused(reply: &Response) -> Self {
        let status = reply.status();
        match wait(status, reply.headers(), clock::now()) {
            Some(seconds) => Self::TooOften { status, wait: Duration::from_secs(seconds) },
            None => Self::Refused(status),
        }
    }

    /// For how long nothing more is to be asked there.
    pub(in crate::previews) fn wait(&self) -> Duration {
        if let Self::TooOften { wait, .. } = self { *wait } else { Duration::ZERO }
    }
}

/// For how many seconds a forge wants to be left alone, if that is why it refuses. GitHub answers 403 or 429 with
/// `retry-after`, or with nothing remaining until `x-ratelimit-reset`; GitLab 429 with `retry-after` and `ratelimit-reset`.
fn wait(status: StatusCode, headers: &HeaderMap, now: u64) -> Option<u64> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    let reset = || number("x-ratelimit-reset").or_else(|| number("ratelimit-reset"));
    let is_used_up = number("x-ratelimit-remaining") == Some(0);
    let after = number(RETRY_AFTER.as_str());
    let is_limit =
        status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::FORBIDDEN && (after.is_some() || is_used_up);
    let until_reset = || reset().map(|time| time.saturating_sub(now));
    is_limit.then(|| after.or_else(until_reset).unwrap_or(USUAL).clamp(1, LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forge_that_was_asked_too_often_says_when_it_may_be_asked_again() {
        let wait = |status: u16, headers: &[(&'static str, &str)]| {
            let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            super::wait(StatusCode::from_u16(status).unwrap(), &headers.collect(), 1_000)
        };
        assert_eq!(wait(403, &[]), None, "the token may not");
        assert_eq!(wait(502, &[("retry-after", "7")]), None);
        assert_eq!(wait(403, &[("retry-after", "7")]), Some(7));
        assert_eq!(wait(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1090")]), Some(90));
        assert_eq!(wait(403, &[("x-ratelimit-remaining", "12"), ("x-ratelimit-reset", "1090")]), None);
        assert_eq!(wait(429, &[("ratelimit-reset", "1030")]), Some(30));
        assert_eq!(wait(429, &[("ratelimit-reset", "30")]), Some(1), "that is over");
        assert_eq!(wait(429, &[]), Some(60));
        assert_eq!(wait(429, &[("retry-after", "999999")]), Some(3600));
    }
}
