//! Two changes of the same text.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use similar::{Algorithm, DiffOp, DiffTag, capture_diff_slices};
use xxhash_rust::xxh3::xxh3_128;

/// How much is kept of texts that were shown.
const MOST: usize = 8 << 20;

/// Texts as they were shown, by their digests, so that it can be told what has become of one: the last of them.
#[derive(Debug, Default)]
pub(super) struct Shown(Mutex<VecDeque<(String, Arc<str>)>>);

impl Shown {
    /// Keeps a text.
    pub(super) fn keep(&self, digest: &str, text: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(known, _)| known != digest);
        all.push_back((digest.to_owned(), text.into()));
        let mut size: usize = all.iter().map(|(_, text)| text.len()).sum();
        while size > MOST {
            size -= all.pop_front().map_or(size, |(_, text)| text.len());
        }
    }

    /// What was shown with this digest.
    pub(super) fn text(&self, digest: &str) -> Option<Arc<str>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|(known, _)| known == digest).map(|(_, text)| Arc::clone(text))
    }
}

/// Another whenever what is shown is another; the same at every replica, and after a start. Made of what is not shown, it would
/// tell whoever guesses that whether he is right.
pub(crate) fn digest(shown: &str) -> String {
    format!("{:032x}", xxh3_128(shown.as_bytes()))
}

/// Both changes of a text in one, unless they meet: line by line.
pub(super) fn merged(base: &str, yours: &str, others: &str) -> Option<String> {
    let lines = |text: &str| text.split_inclusive('\n').map(ToOwned::to_owned).collect::<Vec<_>>();
    let (base, yours, others) = (lines(base), lines(yours), lines(others));
    let changes = |new: &[String]| {
        let all = capture_diff_slices(Algorithm::Myers, &base, new);
        all.into_iter().filter(|change| change.tag() != DiffTag::Equal).collect::<Vec<_>>()
    };
    let (of_yours, of_others) = (changes(&yours), changes(&others));
    let same = |one: &DiffOp, other: &DiffOp| {
        one.old_range() == other.old_range() && yours[one.new_range()] == others[other.new_range()]
    };
    let meet = |one: &DiffOp, other: &DiffOp| {
        one.old_range().start <= other.old_range().end && other.old_range().start <= one.old_range().end
    };
    let mut all: Vec<_> = of_yours.iter().map(|change| (change.old_range(), &yours[change.new_range()])).collect();
    for change in &of_others {
        if of_yours.iter().any(|own| same(own, change)) {
            continue;
        }
        if of_yours.iter().any(|own| meet(own, change)) {
            return None;
        }
        all.push((change.old_range(), &others[change.new_range()]));
    }
    all.sort_by_key(|(range, _)| range.start);
    let (mut text, mut at) = (String::new(), 0);
    for (range, new) in all {
        text += &base[at..range.start].concat();
        text += &new.concat();
        at = range.end;
    }
    Some(text + &base[at..].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_that_do_not_meet_are_both_made() {
        let base = "a: 1\nb: 1\nc: 1\nd: 1\n";
        let merged = |yours: &str, others: &str| merged(base, yours, others);
        let yours = "a: 2\nb: 1\nc: 1\nd: 1\n";
        assert_eq!(merged(yours, "a: 1\nb: 1\nc: 1\nd: 2\nx: 1\n").unwrap(), "a: 2\nb: 1\nc: 1\nd: 2\nx: 1\n");
        assert_eq!(merged(yours, "a: 1\nb: 1\nd: 1\n").unwrap(), "a: 2\nb: 1\nd: 1\n");
        assert_eq!(merged(yours, yours).unwrap(), yours, "the same is no conflict");
        assert_eq!(merged(yours, base).unwrap(), yours);
        assert_eq!(merged(yours, "a: 3\nb: 1\nc: 1\nd: 1\n"), None);
        assert_eq!(merged(yours, "a: 1\nb: 2\nc: 1\nd: 1\n"), None, "next to each other is too near");
        assert_eq!(merged(&format!("{base}x: 1\n"), &format!("{base}y: 1\n")), None, "both at one place");
    }

    #[test]
    fn of_texts_that_were_shown_the_last_are_known() {
        let shown = Shown::default();
        let large = "x".repeat(MOST / 2);
        shown.keep("a", "a");
        shown.keep("b", &large);
        assert_eq!(shown.text("a").as_deref(), Some("a"));
        shown.keep("c", &large);
        assert_eq!((shown.text("a"), shown.text("c").map(|text| text.len())), (None, Some(MOST / 2)));
    }
}
