//! Why something is not there: the whole for those who run the gateway, since it names addresses, Secrets and files; for
//! everybody else the cause in plain words, and a reference by which those find the whole in the log.

use std::fmt::{self, Display, Formatter};
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use crate::fetch::FetchError;
use crate::gateway::GatewayError;
use crate::texts::Texts;

/// A cause. Displayed, it is for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    sort: Sort,
    whole: String,
}

/// What everybody may know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    /// All.
    Public,
    /// The controller cannot be asked.
    Away,
    Unreachable,
    Slow,
    TooLarge,
    /// It may not be asked, or not as somebody has set it up.
    Setup,
}

impl Cause {
    /// One of which everybody may know everything.
    pub(crate) fn public(whole: impl Into<String>) -> Self {
        Self { sort: Sort::Public, whole: whole.into() }
    }

    /// Something is set up wrongly.
    pub(crate) fn setup(whole: impl Into<String>) -> Self {
        Self { sort: Sort::Setup, whole: whole.into() }
    }

    /// For those who run the gateway, or for somebody else.
    pub(crate) fn told(&self, texts: &Texts, is_operator: bool) -> String {
        let name = match self.sort {
            _ if is_operator => return self.whole.clone(),
            Sort::Public => return self.whole.clone(),
            Sort::Away => "cause_away",
            Sort::Unreachable => "cause_unreachable",
            Sort::Slow => "cause_slow",
            Sort::TooLarge => "cause_too_large",
            Sort::Setup => "cause_setup",
        };
        texts.fill("cause_reference", &[("cause", &texts.text(name)), ("reference", &self.reference())])
    }

    /// By what it is found in the log. Whoever guesses addresses does not find out by it whether he is right.
    fn reference(&self) -> String {
        static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        format!("{:08x}", KEY.hash_one(&self.whole) >> 32)
    }
}

impl Display for Cause {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.sort {
            Sort::Public => f.write_str(&self.whole),
            _ => write!(f, "{} (reference {})", self.whole, self.reference()),
        }
    }
}

impl From<&FetchError> for Cause {
    fn from(error: &FetchError) -> Self {
        let sort = match error {
            FetchError::Status(_) | FetchError::Redirects => Sort::Public,
            FetchError::Unreachable(_) => Sort::Unreachable,
            FetchError::TimedOut(_) => Sort::Slow,
            FetchError::TooLarge(_) => Sort::TooLarge,
            FetchError::NotAllowed(_) => Sort::Setup,
        };
        Self { sort, whole: error.to_string() }
    }
}

impl From<&GatewayError> for Cause {
    fn from(error: &GatewayError) -> Self {
        let sort = match error {
            GatewayError::NoAnswer { .. } => Sort::Away,
            // It is about what was asked.
            GatewayError::Refused { .. } => Sort::Public,
        };
        Self { sort, whole: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn addresses_secrets_and_files_are_for_operators() {
        let away = GatewayError::NoAnswer { address: "10.0.0.1:8877".into(), reason: "cannot be reached".into() };
        let fetches = [
            FetchError::Unreachable("cannot connect: 10.0.0.2:80".to_owned()),
            FetchError::NotAllowed("the Secret 10.0.0.3 is not there".to_owned()),
        ];
        let causes = fetches.iter().map(Cause::from).chain([Cause::from(&away), Cause::setup("10.0.0.4 is a file")]);
        for cause in causes {
            let (all, some) = (cause.told(&Texts::default(), true), cause.told(&Texts::default(), false));
            assert!(all.contains("10.0.0.") && !some.contains("10.0.0."), "{all}: {some}");
            let (_, reference) = some.split_once("reference ").unwrap();
            assert!(cause.to_string().contains(reference.trim_end_matches(')')), "the log has it: {cause}: {some}");
        }
    }

    #[test]
    fn what_a_service_says_is_for_everybody() {
        let texts = Texts::default();
        let status = Cause::from(&FetchError::Status(http::StatusCode::SERVICE_UNAVAILABLE));
        assert_eq!(status.told(&texts, false), "the answer was 503 Service Unavailable");
        let slow = Cause::from(&FetchError::TimedOut(Duration::from_secs(1)));
        assert!(slow.told(&texts, false).contains("does not answer in time"), "{slow}");
    }
}
