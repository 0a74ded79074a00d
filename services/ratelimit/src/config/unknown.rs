//! What a newer management server says and this version does not know.

use std::collections::BTreeSet;

/// How many fields are noted: of more there is no need to know.
const MOST: usize = 32;

/// Names of fields. They are passed over, as those of messages are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unknown(BTreeSet<String>);

impl Unknown {
    pub(super) fn note(&mut self, field: impl Into<String>) {
        if self.0.len() < MOST {
            self.0.insert(field.into());
        }
    }

    /// Notes what another found, and tells what of it is new.
    pub(crate) fn learn(&mut self, other: Self) -> Vec<String> {
        let room = MOST - self.0.len();
        let news: Vec<_> = other.0.into_iter().filter(|field| !self.0.contains(field)).take(room).collect();
        self.0.extend(news.iter().cloned());
        news
    }
}

#[cfg(test)]
mod tests {
    use super::Unknown;

    #[test]
    fn a_field_is_news_once_and_there_is_no_end_of_memory() {
        let found = |range: std::ops::Range<usize>| {
            let mut found = Unknown::default();
            range.for_each(|field| found.note(field.to_string()));
            found
        };
        let mut known = Unknown::default();
        assert_eq!(known.learn(found(0..2)), ["0", "1"]);
        assert_eq!(known.learn(found(1..3)), ["2"]);
        assert_eq!(known.learn(found(100..1_000)).len(), super::MOST - 3);
        assert!(known.learn(found(2_000..3_000)).is_empty());
    }
}
