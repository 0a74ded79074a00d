//! Which Secrets are wanted, and which of them are to be fetched: a book without I/O.
//!
//! Of all other Secrets nothing is kept, not even their names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::object::Item;
use super::request::Failure;
use crate::source::{Content, FileChange};

/// Wait before a Secret that could not be fetched is tried again.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// And the longest, which is how long it may take until a permission that was given late is noticed.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A Secret that is to be fetched. Numbered, because an answer may come when it is no longer waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fetch {
    pub(super) file: Arc<str>,
    number: u64,
}

/// What happened when a Secret was fetched.
pub(super) type Fetched = Result<Item, Failure>;

/// The wanted Secrets.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    wanted: BTreeMap<Arc<str>, Wanted>,
    /// To be fetched.
    due: BTreeSet<Arc<str>>,
    /// Fetches that were begun.
    begun: u64,
    /// While a listing is under way: wanted ones that it has not mentioned yet.
    unlisted: Option<BTreeSet<Arc<str>>>,
}

#[derive(Debug, Default)]
struct Wanted {
    /// The version that was handed on last.
    given: Option<u128>,
    /// The fetch that is under way.
    fetching: Option<u64>,
    /// It changed while it was fetched.
    again: bool,
    /// Something was answered, be it that there is none.
    answered: bool,
    /// What was said of it last, so that it is not said twice.
    said: Option<String>,
    /// Tries that failed since one did not.
    failures: u32,
}

impl Secrets {
    /// From now on these are wanted, and no others. Says which files are gone by it.
    pub(super) fn want(&mut self, files: BTreeSet<Arc<str>>) -> Vec<FileChange> {
        let before = std::mem::take(&mut self.wanted);
        let (kept, gone): (BTreeMap<_, _>, BTreeMap<_, _>) =
            before.into_iter().partition(|(file, _)| files.contains(file));
        self.wanted = kept;
        self.due.retain(|file| files.contains(file));
        for file in files {
            if !self.wanted.contains_key(&file) {
                self.wanted.insert(Arc::clone(&file), Wanted::default());
                self.due.insert(file);
            }
        }
        let known = gone.into_iter().filter(|(_, wanted)| wanted.given.is_some() || wanted.said.is_some());
        known.map(|(file, _)| FileChange { file, content: Content::Gone }).collect()
    }

    /// Whether everything that is wanted was answered.
    pub(super) fn is_answered(&self) -> bool {
        self.wanted.values().all(|wanted| wanted.answered)
    }

    /// A listing begins.
    pub(super) fn begin(&mut self) {
        self.unlisted = Some(self.wanted.keys().cloned().collect());
    }

    /// A Secret is there in this version.
    pub(super) fn seen(&mut self, file: &Arc<str>, version: u128) {
        if let Some(unlisted) = &mut self.unlisted {
            unlisted.remove(file);
        }
        if self.wanted.get(file).is_some_and(|wanted| wanted.given != Some(version) || wanted.said.is_some()) {
            self.ask_again(file);
        }
    }

    /// A Secret is gone, or so it was then: whether it is so now is what a fetch will tell.
    pub(super) fn gone(&mut self, file: &Arc<str>) {
        if self.wanted.contains_key(file) {
            self.ask_again(file);
        }
    }

    /// A listing is complete.
    pub(super) fn end(&mut self) {
        for file in self.unlisted.take().unwrap_or_default() {
            // One that was missing before still is.
            if self.wanted.get(&file).is_some_and(|wanted| wanted.given.is_some() && wanted.said.is_none()) {
                self.ask_again(&file);
            }
        }
    }

    fn ask_again(&mut self, file: &Arc<str>) {
        let Some(wanted) = self.wanted.get_mut(file) else { return };
        if wanted.fetching.is_some() {
            wanted.again = true;
        } else {
            self.due.insert(Arc::clone(file));
        }
    }

    /// Takes up to `most` Secrets that are to be fetched.
    pub(super) fn take_due(&mut self, most: usize) -> Vec<Fetch> {
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some(file) = self.due.pop_first()
        {
            if let Some(wanted) = self.wanted.get_mut(&file) {
                self.begun += 1;
                wanted.fetching = Some(self.begun);
                taken.push(Fetch { file, number: self.begun });
            }
        }
        taken
    }

    #[cfg(test)]
    fn is_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// A fetch ended. Says what changed, and after which while to try again.
    pub(super) fn fetched(&mut self, fetch: &Fetch, fetched: Fetched) -> (Option<FileChange>, Option<Duration>) {
        let Fetch { file, number } = fetch;
        // It may be unwanted by now, or wanted anew.
        let Some(wanted) = self.wanted.get_mut(file).filter(|wanted| wanted.fetching == Some(*number)) else {
            return (None, None);
        };
        wanted.fetching = None;
        if std::mem::take(&mut wanted.again) {
            self.due.insert(Arc::clone(file));
        }
        let change = |content| Some(FileChange { file: Arc::clone(file), content });
        let failures = std::mem::take(&mut wanted.failures);
        let later = FIRST_WAIT.saturating_mul(1 << failures.min(8)).min(LONGEST_WAIT);
        match fetched {
            Ok(item) => {
                wanted.answered = true;
                let said = wanted.said.take().is_some();
                let same = wanted.given.replace(item.digest) == Some(item.digest);
                if same && !said { (None, None) } else { (change(Content::Json(item.bytes)), None) }
            }
            Err(Failure::Missing) => {
                wanted.answered = true;
                let deleted = wanted.given.is_some().then(|| wanted.say("the Secret was deleted")).flatten();
                (deleted.and_then(change), None)
            }
            Err(Failure::Denied(message)) => {
                wanted.answered = true;
                wanted.failures = failures + 1;
                (wanted.say(&message).and_then(change), Some(later))
            }
            Err(_) => {
                wanted.failures = failures + 1;
                (None, Some(later))
            }
        }
    }

    /// Fetches it once more.
    pub(super) fn retry(&mut self, file: &Arc<str>) {
        self.ask_again(file);
    }
}

impl Wanted {
    /// What was read before stays; that is said once.
    fn say(&mut self, message: &str) -> Option<Content> {
        let new = self.said.as_deref() != Some(message);
        self.said = Some(message.to_owned());
        new.then(|| Content::Unreadable(message.to_owned()))
    }
}

#[cfg(test)]
mod tests;
