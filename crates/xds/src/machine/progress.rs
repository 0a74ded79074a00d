//! Which revision a client has caught up with.

use std::collections::BTreeMap;

use crate::resource::Revision;

/// Counts what is still due, by the revision that made it due.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    due: BTreeMap<Revision, usize>,
    /// The newest revision reported.
    reported: Revision,
    /// Whether anything was accepted since the last report.
    moved: bool,
}

impl Progress {
    /// Something of this revision has to reach the client.
    pub(crate) fn add(&mut self, revision: Revision) {
        *self.due.entry(revision).or_default() += 1;
    }

    /// Something of this revision has reached the client, or never will.
    pub(crate) fn release(&mut self, revision: Revision) {
        self.moved = true;
        if let Some(count) = self.due.get_mut(&revision) {
            *count -= 1;
            if *count == 0 {
                self.due.remove(&revision);
            }
        }
    }

    /// The newest revision that was reported; `None` before the first report.
    pub(crate) fn reported(&self) -> Option<Revision> {
        (self.reported.0 > 0).then_some(self.reported)
    }

    /// The revision to report now, `current` being the newest there is; `None` when nothing has changed.
    pub(crate) fn report(&mut self, current: Revision) -> Option<Revision> {
        let reached = match self.due.keys().next() {
            Some(oldest) => Revision(oldest.0.saturating_sub(1)),
            None => current,
        };
        let caught_up_again = self.due.is_empty() && self.moved;
        if reached.0 == 0 || (reached <= self.reported && !caught_up_again) {
            return None;
        }
        self.moved = false;
        self.reported = reached;
        Some(reached)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_the_oldest_revision_without_anything_due() {
        let mut progress = Progress::default();
        assert_eq!(progress.report(Revision(0)), None, "nothing was served yet");
        progress.add(Revision(2));
        progress.add(Revision(3));
        assert_eq!(progress.report(Revision(3)), Some(Revision(1)));
        progress.release(Revision(3));
        assert_eq!(progress.report(Revision(3)), None, "2 is still due");
        progress.release(Revision(2));
        assert_eq!(progress.report(Revision(3)), Some(Revision(3)));
        assert_eq!(progress.report(Revision(3)), None, "once");
        progress.add(Revision(3));
        progress.release(Revision(3));
        assert_eq!(progress.report(Revision(3)), Some(Revision(3)), "caught up with a new subscription");
    }
}
