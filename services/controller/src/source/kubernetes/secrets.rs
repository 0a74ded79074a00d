//! Which Secrets are wanted, and which of them are to be fetched: a book without I/O.
//!
//! Of all other Secrets nothing is kept, not even their names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::object::Item;
use super::request::Failure;
use crate::source::{Content, FileChange};

/// What happened when a Secret was fetched.
pub(super) type Fetched = Result<Item, Failure>;

/// The wanted Secrets.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    wanted: BTreeMap<Arc<str>, Wanted>,
    /// To be fetched.
    due: BTreeSet<Arc<str>>,
    /// While a listing is under way: wanted ones that it has not mentioned yet.
    unlisted: Option<BTreeSet<Arc<str>>>,
}

#[derive(Debug, Default)]
struct Wanted {
    /// The version that was handed on last.
    given: Option<u128>,
    /// A fetch is under way.
    fetching: bool,
    /// It changed while it was fetched.
    again: bool,
    /// Something was answered, be it that there is none.
    answered: bool,
    /// What was said of it last, so that it is not said twice.
    said: Option<String>,
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
        if wanted.fetching {
            wanted.again = true;
        } else {
            self.due.insert(Arc::clone(file));
        }
    }

    /// Takes up to `most` Secrets that are to be fetched.
    pub(super) fn take_due(&mut self, most: usize) -> Vec<Arc<str>> {
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some(file) = self.due.pop_first()
        {
            if let Some(wanted) = self.wanted.get_mut(&file) {
                wanted.fetching = true;
                taken.push(file);
            }
        }
        taken
    }

    #[cfg(test)]
    fn is_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// A fetch ended. Says what changed, and whether to try again after a while.
    pub(super) fn fetched(&mut self, file: &Arc<str>, fetched: Fetched) -> (Option<FileChange>, Retry) {
        // It may be unwanted by now.
        let Some(wanted) = self.wanted.get_mut(file) else { return (None, Retry::No) };
        wanted.fetching = false;
        if std::mem::take(&mut wanted.again) {
            self.due.insert(Arc::clone(file));
        }
        let change = |content| Some(FileChange { file: Arc::clone(file), content });
        match fetched {
            Ok(item) => {
                wanted.answered = true;
                let said = wanted.said.take().is_some();
                let same = wanted.given.replace(item.digest) == Some(item.digest);
                if same && !said { (None, Retry::No) } else { (change(Content::Json(item.bytes)), Retry::No) }
            }
            Err(Failure::Missing) => {
                wanted.answered = true;
                let deleted = wanted.given.is_some().then(|| wanted.say("the Secret was deleted")).flatten();
                (deleted.and_then(change), Retry::No)
            }
            Err(Failure::Denied(message)) => {
                wanted.answered = true;
                (wanted.say(&message).and_then(change), Retry::Later)
            }
            Err(_) => (None, Retry::Later),
        }
    }

    /// Fetches it once more.
    pub(super) fn retry(&mut self, file: &Arc<str>) {
        self.ask_again(file);
    }
}

/// Whether a fetch is to be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    No,
    Later,
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
mod tests {
    use super::*;

    fn files(names: &[&str]) -> BTreeSet<Arc<str>> {
        names.iter().map(|name| Arc::from(*name)).collect()
    }

    fn item(name: &str, digest: u128) -> Fetched {
        Ok(Item { file: name.into(), digest, bytes: b"{}".to_vec(), status: (0, serde_json::Value::Null) })
    }

    fn name() -> Arc<str> {
        "tls".into()
    }

    /// A book in which one Secret was fetched in version 1.
    fn with_one() -> Secrets {
        let mut secrets = Secrets::default();
        assert_eq!(secrets.want(files(&["tls"])), []);
        assert_eq!(secrets.take_due(8), [name()]);
        assert!(!secrets.is_answered());
        let (change, retry) = secrets.fetched(&name(), item("tls", 1));
        assert_eq!((change.unwrap().content, retry), (Content::Json(b"{}".to_vec()), Retry::No));
        assert!(secrets.is_answered() && !secrets.is_due());
        secrets
    }

    #[test]
    fn what_nobody_wants_is_not_fetched() {
        let mut secrets = with_one();
        secrets.seen(&"other".into(), 7);
        secrets.gone(&"other".into());
        assert!(!secrets.is_due());
    }

    #[test]
    fn a_version_that_is_known_is_not_fetched_again() {
        let mut secrets = with_one();
        secrets.seen(&name(), 1);
        assert!(!secrets.is_due());
        secrets.seen(&name(), 2);
        assert_eq!(secrets.take_due(8), [name()]);
        secrets.seen(&name(), 3);
        assert!(!secrets.is_due(), "one fetch at a time");
        assert!(secrets.fetched(&name(), item("tls", 2)).0.is_some());
        assert_eq!(secrets.take_due(8), [name()], "it changed meanwhile");
        assert_eq!(secrets.fetched(&name(), item("tls", 2)), (None, Retry::No));
    }

    #[test]
    fn one_that_is_deleted_stays_with_a_problem_until_it_is_back() {
        let mut secrets = with_one();
        secrets.gone(&name());
        secrets.take_due(8);
        let (change, _) = secrets.fetched(&name(), Err(Failure::Missing));
        assert_eq!(change.unwrap().content, Content::Unreadable("the Secret was deleted".to_owned()));
        secrets.begin();
        secrets.end();
        assert!(!secrets.is_due(), "that it is gone is known");
        secrets.seen(&name(), 1);
        secrets.take_due(8);
        assert!(matches!(secrets.fetched(&name(), item("tls", 1)).0.unwrap().content, Content::Json(_)));
    }

    #[test]
    fn one_that_a_listing_lacks_is_looked_at() {
        let mut secrets = with_one();
        secrets.begin();
        secrets.seen(&name(), 1);
        secrets.end();
        assert!(!secrets.is_due());
        secrets.begin();
        secrets.end();
        assert_eq!(secrets.take_due(8), [name()]);
    }

    #[test]
    fn one_that_is_wanted_no_more_is_gone() {
        let mut secrets = with_one();
        let gone = FileChange { file: name(), content: Content::Gone };
        assert_eq!(secrets.want(files(&["new"])), [gone]);
        assert_eq!(secrets.fetched(&name(), item("tls", 9)), (None, Retry::No), "late answers do not count");
        assert_eq!(secrets.take_due(8), [Arc::from("new")]);
        assert_eq!(secrets.want(files(&[])), [], "what was never there is not gone");
    }

    #[test]
    fn one_that_is_missing_is_answered_and_fetched_once_it_comes() {
        let mut secrets = Secrets::default();
        secrets.want(files(&["tls"]));
        secrets.take_due(8);
        assert_eq!(secrets.fetched(&name(), Err(Failure::Missing)), (None, Retry::No));
        assert!(secrets.is_answered());
        secrets.seen(&name(), 4);
        assert_eq!(secrets.take_due(8), [name()]);
    }

    #[test]
    fn failures_are_tried_again_and_a_refusal_is_said_once() {
        let mut secrets = Secrets::default();
        secrets.want(files(&["tls"]));
        secrets.take_due(8);
        assert_eq!(secrets.fetched(&name(), Err(Failure::Lost("reset".to_owned()))), (None, Retry::Later));
        assert!(!secrets.is_answered());
        secrets.retry(&name());
        secrets.take_due(8);
        let denied = || Err(Failure::Denied("no".to_owned()));
        let (change, retry) = secrets.fetched(&name(), denied());
        assert_eq!((change.unwrap().content, retry), (Content::Unreadable("no".to_owned()), Retry::Later));
        assert!(secrets.is_answered());
        assert_eq!(secrets.fetched(&name(), denied()), (None, Retry::Later));
    }
}
