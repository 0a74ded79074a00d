//! When to read a file that changed: as soon as it is complete, and no sooner.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use super::Options;

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// The shape of the tree: a directory or a link came, went or moved.
    Tree,
    /// One manifest, by its name relative to the root.
    File(Arc<str>),
}

/// What an event says about its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// It is as its writer wants it: closed, or moved into place.
    Complete,
    /// Its permissions or times changed, which says nothing about whether somebody is writing it.
    Touched,
    /// Somebody is writing it.
    Open,
    /// It is not there any more.
    Removed,
    /// It is there and holds nothing any more.
    Emptied,
}

/// What is now to be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// Look at the whole tree.
    pub(super) tree: bool,
    /// Look at these files.
    pub(super) files: Vec<Arc<str>>,
    /// These files have been empty long enough to count as such.
    pub(super) emptied: Vec<Arc<str>>,
    /// When the first event of all this came.
    pub(super) noticed: Instant,
}

#[derive(Debug)]
struct Pending {
    sign: Sign,
    /// When the first event of this sign came.
    first: Instant,
    /// When it is due by itself. Complete subjects are due together instead.
    due: Option<Instant>,
}

/// Collects events and says when to act on them. Knows no clock and no file system.
#[derive(Debug)]
pub(super) struct Debounce {
    options: Options,
    pending: BTreeMap<Subject, Pending>,
    /// First and last event of the complete subjects.
    complete: Option<(Instant, Instant)>,
}

impl Debounce {
    pub(super) fn new(options: Options) -> Self {
        Self { options, pending: BTreeMap::new(), complete: None }
    }

    /// Takes an event that came at `now`.
    pub(super) fn note(&mut self, subject: Subject, sign: Sign, now: Instant) {
        let sign = match sign {
            Sign::Touched if self.pending.contains_key(&subject) => return,
            Sign::Touched => Sign::Complete,
            other => other,
        };
        let first = match self.pending.get(&subject) {
            Some(pending) if pending.sign == sign => pending.first,
            _ => now,
        };
        let due = match sign {
            Sign::Complete | Sign::Touched => {
                let start = self.complete.map_or(now, |(start, _)| start);
                self.complete = Some((start, now));
                None
            }
            Sign::Open => Some((now + self.options.quiet).min(first + self.options.max_open)),
            Sign::Removed => Some(first + self.options.removal_grace),
            Sign::Emptied => Some(first + self.options.empty_grace),
        };
        self.pending.insert(subject, Pending { sign, first, due });
    }

    /// Whether an event about `file` is waiting.
    pub(super) fn is_pending(&self, file: &Arc<str>) -> bool {
        self.pending.contains_key(&Subject::File(file.clone()))
    }

    /// When to call [`Self::take`] next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let alone = self.pending.values().filter_map(|pending| pending.due).min();
        alone.into_iter().chain(self.complete_due()).min()
    }

    fn complete_due(&self) -> Option<Instant> {
        self.complete.map(|(first, last)| (last + self.options.settle).min(first + self.options.max_delay))
    }

    /// Removes and gives what is due at `now`.
    pub(super) fn take(&mut self, now: Instant) -> Option<Due> {
        let complete = self.complete_due().is_some_and(|due| due <= now);
        if complete {
            self.complete = None;
        }
        let mut due = Due { tree: false, files: Vec::new(), emptied: Vec::new(), noticed: now };
        self.pending.retain(|subject, pending| {
            if !pending.due.map_or(complete, |due| due <= now) {
                return true;
            }
            due.noticed = due.noticed.min(pending.first);
            match subject {
                Subject::Tree => due.tree = true,
                Subject::File(file) if pending.sign == Sign::Emptied => due.emptied.push(file.clone()),
                Subject::File(file) => due.files.push(file.clone()),
            }
            false
        });
        (due.tree || !due.files.is_empty() || !due.emptied.is_empty()).then_some(due)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn file(name: &str) -> Subject {
        Subject::File(name.into())
    }

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn short() -> Options {
        Options { quiet: ms(100), removal_grace: ms(50), empty_grace: ms(50), ..Options::default() }
    }

    fn files(due: Option<Due>) -> Vec<String> {
        due.map(|due| due.files.iter().map(|name| name.to_string()).collect()).unwrap_or_default()
    }

    #[test]
    fn a_closed_file_is_due_after_settling() {
        let (mut debounce, start) = (Debounce::new(Options::default()), Instant::now());
        debounce.note(file("a"), Sign::Open, start);
        debounce.note(file("a"), Sign::Complete, start);
        assert_eq!(debounce.deadline(), Some(start + ms(1)));
        assert_eq!(debounce.take(start), None);
        assert_eq!(files(debounce.take(start + ms(1))), ["a"]);
        assert_eq!(debounce.deadline(), None);
    }

    #[test]
    fn complete_files_wait_for_each_other_but_not_forever() {
        let (mut debounce, start) = (Debounce::new(Options::default()), Instant::now());
        for n in 0..60 {
            debounce.note(file(&format!("{n:02}")), Sign::Complete, start + ms(n));
            assert!(debounce.deadline() <= Some(start + ms(50)));
        }
        assert_eq!(files(debounce.take(start + ms(50))).len(), 60);
    }

    #[test]
    fn a_file_that_is_being_written_waits_until_it_is_quiet() {
        let (mut debounce, start) = (Debounce::new(short()), Instant::now());
        debounce.note(file("slow"), Sign::Open, start);
        debounce.note(file("done"), Sign::Complete, start);
        debounce.note(file("slow"), Sign::Open, start + ms(90));
        assert_eq!(files(debounce.take(start + ms(100))), ["done"]);
        assert_eq!(debounce.deadline(), Some(start + ms(190)));
        assert_eq!(files(debounce.take(start + ms(190))), ["slow"]);
    }

    #[test]
    fn a_file_that_is_written_without_end_is_read_at_last() {
        let (mut debounce, start) = (Debounce::new(Options::default()), Instant::now());
        for n in 0..200 {
            debounce.note(file("log"), Sign::Open, start + ms(n * 90));
        }
        assert_eq!(debounce.deadline(), Some(start + ms(10_000)));
    }

    #[test]
    fn a_file_that_comes_back_was_never_gone() {
        let (mut debounce, start) = (Debounce::new(short()), Instant::now());
        debounce.note(file("a"), Sign::Removed, start);
        assert_eq!(debounce.deadline(), Some(start + ms(50)));
        debounce.note(file("a"), Sign::Open, start + ms(10));
        assert_eq!(debounce.take(start + ms(60)), None);
        debounce.note(file("a"), Sign::Complete, start + ms(70));
        assert_eq!(files(debounce.take(start + ms(71))), ["a"]);
        assert_eq!(debounce.deadline(), None);
    }

    #[test]
    fn a_file_that_stays_empty_is_due_and_one_that_is_written_is_not() {
        let (mut debounce, start) = (Debounce::new(short()), Instant::now());
        debounce.note(file("a"), Sign::Emptied, start);
        debounce.note(file("b"), Sign::Emptied, start);
        debounce.note(file("a"), Sign::Emptied, start + ms(40));
        debounce.note(file("b"), Sign::Complete, start + ms(45));
        let written = debounce.take(start + ms(46)).unwrap();
        assert_eq!((written.files, written.emptied), (vec![Arc::from("b")], Vec::new()));
        let emptied = debounce.take(start + ms(50)).unwrap();
        assert_eq!((emptied.files, emptied.emptied), (Vec::new(), vec![Arc::from("a")]));
    }
}
