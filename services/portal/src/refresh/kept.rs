//! What is kept of one document, and when it is looked at next.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::look::{Failure, Looked, Question, Source};
use crate::about::About;
use crate::api::Api;
use crate::catalog::{Checked, Entry, Outage};
use crate::cause::Cause;
use crate::fetch::Target;
use crate::reference::Reference;

/// How long to wait after a first failure.
const FIRST_RETRY: Duration = Duration::from_secs(5);
/// The longest wait; also that for a service of which nobody says that it has a document, when it says that it has none.
const LAST_RETRY: Duration = Duration::from_secs(15 * 60);
/// Documents asked for by hand are not looked at more often than this.
const REST: Duration = Duration::from_secs(2);

/// A document, and how fetching it goes.
pub(super) struct Kept {
    pub(super) api: Arc<Api>,
    reference: Option<Arc<Reference>>,
    about: Arc<About>,
    source: Option<Source>,
    checked: Checked,
    /// The same for pages, until something of it is another.
    entry: Option<Arc<Entry>>,
    trouble: Option<Outage>,
    failures: u32,
    /// When to look next; never where nothing is to be expected.
    due: Option<Instant>,
    looked: Option<Instant>,
    is_looking: bool,
}

impl Kept {
    /// That of `before`, if there was one, for an API as it is now.
    pub(super) fn updated(before: Option<Self>, api: Api, now: Instant) -> Self {
        match before {
            Some(kept) if *kept.api == api => kept,
            Some(kept) => {
                let source = kept.source.clone().filter(|_| kept.api.target == api.target);
                let mut kept = Self { api: Arc::new(api), source, failures: 0, due: Some(now), entry: None, ..kept };
                kept.note_about();
                kept.note_target();
                kept
            }
            None => {
                let mut kept = Self {
                    api: Arc::new(api),
                    reference: None,
                    about: Arc::default(),
                    source: None,
                    checked: Checked::default(),
                    entry: None,
                    trouble: None,
                    failures: 0,
                    due: Some(now),
                    looked: None,
                    is_looking: false,
                };
                kept.note_about();
                kept.note_target();
                kept
            }
        }
    }

    /// Once for all pages that tell of it.
    fn note_about(&mut self) {
        self.about = Arc::new(About::of(&self.api, self.reference.as_deref()));
    }

    /// Without a place there is nothing to look at.
    fn note_target(&mut self) {
        if let Err(why) = &self.api.target {
            let why = Cause::setup(why.as_str());
            self.fail(why);
            self.due = None;
        }
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.due.filter(|_| !self.is_looking)
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.due().is_some_and(|due| due <= now)
    }

    /// Somebody wants it then. What could not be had last has its time, unless that `is_urgent`.
    pub(super) fn wish(&mut self, now: Instant, is_urgent: bool) {
        if self.api.target.is_ok() && (is_urgent || self.failures == 0) {
            let turn = self.looked.map_or(now, |looked| now.max(looked + REST));
            // It may be its turn before.
            self.due = Some(self.due.filter(|_| !is_urgent).map_or(turn, |due| due.min(turn)));
        }
    }

    /// What to look at, from now on.
    pub(super) fn begin(&mut self, target: Target) -> Question {
        self.is_looking = true;
        self.due = None;
        Question { api: Arc::clone(&self.api), target, known: self.reference.clone(), source: self.source.clone() }
    }

    /// Takes what came of it; says whether something that is shown is another.
    pub(super) fn take(&mut self, looked: Looked, poll: Option<Duration>) -> bool {
        let now = Instant::now();
        self.is_looking = false;
        self.looked = Some(now);
        let is_new = !is_same(self.reference.as_ref(), looked.reference.as_ref());
        if is_new {
            self.reference = looked.reference;
            self.note_about();
        }
        // What was asked was another question, and the new one is due already.
        if looked.api != self.api {
            self.due = Some(now);
            self.entry = None;
            return true;
        }
        let before = self.trouble.clone();
        let wait = match looked.answer {
            Ok(source) => {
                self.succeed(source);
                poll.map(jittered)
            }
            Err(Failure { why, is_answer }) => {
                self.fail(why);
                let has_none = is_answer && self.is_without();
                Some(jittered(if has_none { LAST_RETRY } else { retry(self.failures) }))
            }
        };
        // A wish that came while it was looked at stays.
        self.due = self.due.or_else(|| wait.map(|wait| now + wait));
        let is_another = is_new || before != self.trouble;
        if is_another {
            self.entry = None;
        }
        is_another
    }

    /// Nothing came of it; says whether something that is shown is another.
    pub(super) fn lose(&mut self) -> bool {
        let answer = Err(Failure { why: Cause::public("reading it broke off"), is_answer: false });
        self.take(Looked { api: Arc::clone(&self.api), reference: self.reference.clone(), answer }, None)
    }

    fn succeed(&mut self, source: Source) {
        if let Some(Outage { since, .. }) = self.trouble.take() {
            tracing::info!("the document of {} can be had again; it could not since {since}", self.api.id);
        }
        self.source = Some(source);
        self.failures = 0;
        self.checked.note();
    }

    fn fail(&mut self, why: Cause) {
        self.failures += 1;
        let is_news = self.trouble.as_ref().is_none_or(|trouble| trouble.why != why);
        // Nobody said that there is one.
        if is_news && (!self.api.is_probed || self.reference.is_some()) {
            tracing::warn!("no document of {}: {why}", self.api.id);
        }
        let since = self.trouble.as_ref().map_or_else(Timestamp::now, |trouble| trouble.since);
        self.trouble = Some(Outage { since, why });
    }

    /// Whether it is a service that was asked for a document, and has none.
    pub(super) fn is_without(&self) -> bool {
        self.api.is_probed && self.reference.is_none()
    }

    pub(super) fn entry(&mut self) -> Arc<Entry> {
        let entry = self.entry.take().unwrap_or_else(|| {
            Arc::new(Entry {
                api: Arc::clone(&self.api),
                reference: self.reference.clone(),
                about: Arc::clone(&self.about),
                checked: self.checked.clone(),
                trouble: self.trouble.clone(),
            })
        });
        Arc::clone(self.entry.insert(entry))
    }
}

/// Whether two documents are one.
fn is_same(one: Option<&Arc<Reference>>, other: Option<&Arc<Reference>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// The wait after so many failures in a row.
fn retry(failures: u32) -> Duration {
    let times = 1_u32 << failures.saturating_sub(1).min(16);
    (FIRST_RETRY * times).min(LAST_RETRY)
}

/// A fifth more or less, so that documents which came together do not stay together.
fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(0.8 + 0.4 * fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tests::of_service;
    use crate::document::Document;
    use crate::fetch::Validators;

    fn source(api: &Api) -> Source {
        Source { place: api.target.clone().unwrap(), validators: Validators::default() }
    }

    fn silent(why: &str) -> Failure {
        Failure { why: Cause::public(why), is_answer: false }
    }

    fn good(api: &Arc<Api>) -> Arc<Reference> {
        let document = Document::read(bytes::Bytes::from_static(b"openapi: 3.1.0")).unwrap();
        Arc::new(Reference::new(Arc::clone(api), Arc::new(document)))
    }

    #[test]
    fn a_good_document_stays_when_it_cannot_be_had_any_more() {
        let now = Instant::now();
        let mut kept = Kept::updated(None, of_service(), now);
        let target = kept.api.target.clone().unwrap();
        assert!(kept.is_due(now));
        let question = kept.begin(target.clone());
        assert!(!kept.is_due(now), "it is being looked at");
        let api = question.api;
        let reference = Some(good(&api));
        assert!(kept.take(Looked { api: Arc::clone(&api), reference, answer: Ok(source(&api)) }, None), "it is new");
        let shown = kept.entry();
        assert_eq!((kept.due(), &shown.trouble), (None, &None));
        let reference = kept.begin(target.clone()).known;
        assert!(
            !kept.take(Looked { api: Arc::clone(&api), reference, answer: Ok(source(&api)) }, None),
            "it is the same"
        );
        assert!(Arc::ptr_eq(&shown, &kept.entry()), "pages are the same, too");

        let soon = now + Duration::from_secs(30);
        kept.wish(soon, false);
        assert_eq!(kept.due(), Some(soon), "strangers wait for their turn");
        kept.wish(now, true);
        assert!(kept.due().unwrap() < soon, "and those who may do not");
        kept.wish(soon, false);
        assert!(kept.due().unwrap() < soon, "nobody has to wait for them");
        let known = kept.begin(target).known;
        kept.take(Looked { api, reference: known, answer: Err(silent("it is gone")) }, None);
        let entry = kept.entry();
        assert!(entry.reference.is_some() && entry.checked.last().is_some());
        assert_eq!(entry.trouble.as_ref().unwrap().why, Cause::public("it is gone"));
        assert!(kept.due().is_some(), "it is tried again");
    }

    #[test]
    fn a_change_is_looked_at_at_once_and_a_stale_answer_is_not_taken_for_it() {
        let now = Instant::now();
        let mut kept = Kept::updated(None, of_service(), now);
        let question = kept.begin(kept.api.target.clone().unwrap());
        let mut changed = of_service();
        changed.served.asks_auth_service = true;
        let mut kept = Kept::updated(Some(kept), changed, now);
        let reference = Some(good(&question.api));
        kept.take(Looked { api: question.api, reference, answer: Err(silent("old")) }, None);
        assert!(kept.entry().trouble.is_none() && kept.is_due(Instant::now()));
    }

    #[test]
    fn a_service_that_has_none_is_left_alone_for_long_and_one_that_is_silent_is_not() {
        let waits = |is_probed, failure: Failure| {
            let mut kept = Kept::updated(None, Api { is_probed, ..of_service() }, Instant::now());
            let Question { api, .. } = kept.begin(kept.api.target.clone().unwrap());
            kept.take(Looked { api, reference: None, answer: Err(failure) }, None);
            kept.due().unwrap() - Instant::now()
        };
        let (soon, late) = (Duration::from_secs(10), Duration::from_secs(600));
        assert!(waits(true, Failure::of_answer("the answer was 404")) > late);
        assert!(waits(true, silent("nobody answers")) < soon);
        assert!(waits(false, Failure::of_answer("the answer was 404")) < soon, "somebody says that there is one");
    }

    #[test]
    fn what_cannot_be_had_has_its_time_whoever_wishes_but_for_those_who_may() {
        let mut kept = Kept::updated(None, of_service(), Instant::now());
        for _ in 0..8 {
            let Question { api, .. } = kept.begin(kept.api.target.clone().unwrap());
            kept.take(Looked { api, reference: None, answer: Err(silent("it hangs")) }, None);
        }
        let (due, now) = (kept.due().unwrap(), Instant::now());
        assert!(due > now + Duration::from_secs(300));
        kept.wish(now, false);
        assert_eq!(kept.due(), Some(due));
        kept.wish(now, true);
        assert!(kept.due().unwrap() <= now + REST);
    }

    #[test]
    fn waits_grow() {
        assert_eq!((retry(1), retry(2), retry(40)), (FIRST_RETRY, 2 * FIRST_RETRY, LAST_RETRY));
        for _ in 0..100 {
            let wait = jittered(Duration::from_secs(10));
            assert!((8.0..=12.0).contains(&wait.as_secs_f64()));
        }
    }
}
