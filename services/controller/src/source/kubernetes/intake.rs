//! Gathers changes into batches: a change goes out at once, those that follow on its heels together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::source::{Batch, Content, FileChange};

/// Least time between batches. A change after a pause does not wait; a rollout's are taken in together.
const APART: Duration = Duration::from_millis(2);

/// Changes that were not handed on yet. Of two of one file the later counts.
#[derive(Debug, Default)]
pub(super) struct Intake {
    changes: BTreeMap<Arc<str>, Content>,
    noticed: Option<Instant>,
    last: Option<Instant>,
}

impl Intake {
    pub(super) fn put(&mut self, changes: impl IntoIterator<Item = FileChange>, noticed: Instant) {
        for FileChange { file, content } in changes {
            self.noticed.get_or_insert(noticed);
            self.changes.insert(file, content);
        }
    }

    /// When the next batch may go out; `None` when there is nothing to go.
    pub(super) fn due(&self) -> Option<Instant> {
        let noticed = self.noticed?;
        Some(self.last.map_or(noticed, |last| last + APART))
    }

    /// Everything that waits, if it may go out by now.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Batch> {
        self.due().filter(|due| *due <= now).map(|_| self.take(now))
    }

    /// Everything that waits, be it nothing.
    pub(super) fn take(&mut self, now: Instant) -> Batch {
        self.last = Some(now);
        let changes = std::mem::take(&mut self.changes);
        let changes = changes.into_iter().map(|(file, content)| FileChange { file, content }).collect();
        Batch { changes, noticed: self.noticed.take().unwrap_or(now) }
    }

    /// What waits of the files that `is_of` names.
    pub(super) fn take_of(&mut self, is_of: impl Fn(&str) -> bool) -> Vec<FileChange> {
        let changes = std::mem::take(&mut self.changes);
        let (taken, left): (BTreeMap<_, _>, BTreeMap<_, _>) = changes.into_iter().partition(|(file, _)| is_of(file));
        self.changes = left;
        if self.changes.is_empty() {
            self.noticed = None;
        }
        taken.into_iter().map(|(file, content)| FileChange { file, content }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(file: &str, text: &str) -> FileChange {
        FileChange { file: file.into(), content: Content::Json(text.into()) }
    }

    #[test]
    fn one_change_goes_at_once_and_the_next_ones_together() {
        let mut intake = Intake::default();
        let start = Instant::now();
        assert!(intake.take_due(start).is_none());
        intake.put([change("a", "1")], start);
        assert_eq!(intake.take_due(start).unwrap().changes, [change("a", "1")]);
        intake.put([change("b", "1")], start);
        assert!(intake.take_due(start).is_none());
        intake.put([change("a", "2"), change("b", "2")], start);
        let batch = intake.take_due(start + APART).unwrap();
        assert_eq!(batch.changes, [change("a", "2"), change("b", "2")]);
        assert_eq!(batch.noticed, start);
        assert_eq!(intake.due(), None);
    }

    #[test]
    fn some_files_can_be_taken_before_the_others() {
        let mut intake = Intake::default();
        intake.put([change("a", "1"), change("b", "1")], Instant::now());
        assert_eq!(intake.take_of(|file| file == "a"), [change("a", "1")]);
        assert!(intake.due().is_some());
        assert_eq!(intake.take_of(|file| file == "b"), [change("b", "1")]);
        assert_eq!(intake.due(), None);
    }
}
