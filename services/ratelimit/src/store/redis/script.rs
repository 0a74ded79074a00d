//! Counters that are more than a number: a script reads and changes each in one step, as `algorithm` does in memory.
//!
//! A script has one key, so that it works in a cluster, and takes several actions on it, one after the other: those that
//! met in a batch. It answers with a value for each, and then with the state that they left.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::LazyLock;

use bytes::BytesMut;
use sha1::{Digest, Sha1};

use super::resp::{self, Reply};
use crate::algorithm::SlidingState;
use crate::store::{Action, Count, Meter, StoreError};

const GCRA: &str = include_str!("script/gcra.lua");
const SLIDING: &str = include_str!("script/sliding.lua");

/// The scripts' SHA-1 in hexadecimal, by which servers know them.
static DIGESTS: LazyLock<[String; 2]> = LazyLock::new(|| [digest(GCRA), digest(SLIDING)]);

/// A script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    None,
    Gcra,
    Sliding,
}

impl Script {
    /// The script for counters of this kind.
    pub(super) fn of(meter: Meter) -> Self {
        match meter {
            Meter::Number(_) => Self::None,
            Meter::Gcra(..) => Self::Gcra,
            Meter::Sliding(..) => Self::Sliding,
        }
    }

    pub(super) fn text(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gcra => GCRA,
            Self::Sliding => SLIDING,
        }
    }

    /// Writes the command for `actions` on `key`: with the script's text where it is sent `whole`.
    pub(super) fn write(
        self,
        out: &mut BytesMut,
        whole: bool,
        key: &[u8],
        meter: Meter,
        actions: impl Iterator<Item = Action>,
    ) {
        let (command, script) = match (self, whole) {
            (_, true) => ("EVAL", self.text()),
            (Self::Sliding, false) => ("EVALSHA", DIGESTS[1].as_str()),
            (_, false) => ("EVALSHA", DIGESTS[0].as_str()),
        };
        let mut numbers = match meter {
            Meter::Number(_) => String::new(),
            Meter::Gcra(gcra, now) => format!("{now} {} {} {}", gcra.cost, gcra.rate, gcra.burst),
            Meter::Sliding(sliding, now) => format!("{now} {} {} {}", sliding.part, sliding.parts, sliding.limit),
        };
        for action in actions {
            _ = match action {
                Action::Add(hits) => write!(numbers, " {hits}"),
                Action::Refund(hits) => write!(numbers, " -{hits}"),
                Action::Read => write!(numbers, " 0"),
            };
        }
        resp::command(out, &[command.as_bytes(), script.as_bytes(), b"1", key, numbers.as_bytes()]);
    }
}

fn digest(text: &str) -> String {
    Sha1::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether the server does not have the script: it was restarted, or is another one now.
pub(super) fn is_missing(error: &StoreError) -> bool {
    matches!(error, StoreError::Reply(text) if text.starts_with("NOSCRIPT"))
}

/// The counts that a script's reply gives for so many actions.
pub(super) fn counts(meter: Meter, actions: usize, reply: Reply) -> Vec<Result<Count, StoreError>> {
    let failed = |text: String| vec![Err(StoreError::Reply(text)); actions];
    let numbers = match reply {
        Reply::Array(items) => items.iter().map(number).collect::<Option<Vec<u64>>>(),
        Reply::Error(text) => return failed(text),
        _ => None,
    };
    match numbers.filter(|numbers| numbers.len() > actions) {
        Some(numbers) => {
            let (values, state) = numbers.split_at(actions);
            values.iter().map(|value| Ok(Count { value: *value, reset: reset(meter, state, *value) })).collect()
        }
        None => failed("the script's reply is not understood".to_owned()),
    }
}

fn number(reply: &Reply) -> Option<u64> {
    match reply {
        Reply::Int(number) => Some(u64::try_from(*number).unwrap_or(0)),
        _ => None,
    }
}

/// When it is worth trying again, from the state that the script left.
fn reset(meter: Meter, state: &[u64], value: u64) -> u64 {
    match (meter, state) {
        (Meter::Gcra(gcra, _), [level, ..]) => gcra.reset(u128::from(*level), value),
        (Meter::Sliding(sliding, _), [now, counts @ ..]) => {
            let mut counts: Vec<_> = counts.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
            counts.sort_unstable();
            sliding.reset(&SlidingState { counts: VecDeque::from(counts) }, *now, value)
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithm::Gcra;
    use crate::window::Window;

    #[test]
    fn digests_are_of_the_whole_text() {
        // What `SCRIPT LOAD ""` of a real server answers.
        assert_eq!(digest(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    }

    #[test]
    fn a_reply_is_values_and_then_the_state() {
        let gcra = Gcra::new(60, Window::from_name("minute").unwrap(), 3);
        let reply = Reply::Array([2, 4, 2_000].map(Reply::Int).to_vec());
        let counts = counts(Meter::Gcra(gcra, 0), 2, reply);
        assert_eq!(counts, [Ok(Count { value: 2, reset: 2_000 }), Ok(Count { value: 4, reset: 1_000 })]);
    }

    #[test]
    fn errors_are_everybodys() {
        let gcra = Gcra::new(60, Window::from_name("minute").unwrap(), 3);
        let meter = Meter::Gcra(gcra, 0);
        assert_eq!(counts(meter, 2, Reply::Error("OOM".to_owned())), vec![Err(StoreError::Reply("OOM".to_owned())); 2]);
        assert!(counts(meter, 1, Reply::Int(1)).iter().all(Result::is_err));
        assert!(counts(meter, 2, Reply::Array(vec![Reply::Int(1)])).iter().all(Result::is_err));
    }
}
