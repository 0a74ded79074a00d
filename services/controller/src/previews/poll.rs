//! Asks forges how the pull requests are that have previews: without the webhook that says that one was closed, its previews
//! would be there until their time is over.
//!
//! Those that are there when the gateway starts are asked about at once, since nobody has told it of what was meanwhile; all of
//! them every few minutes. Each API is asked one question after the other, a second apart, by the validator of its last
//! answer, so that what has not changed costs nothing of what a forge allows; and not while it wants to be left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nuncio_api::{ObjectId, PreviewRepository};
use tokio::task::JoinSet;

use super::Lifecycle;
use super::forge::{ForgeError, Pull, State, client};
use super::pulls::{self, Of, PullRequest};
use crate::engine::Engine;
use crate::run::lock;

/// How often it is looked whether somebody is to be asked: no API is asked more often.
const LOOK: Duration = Duration::from_secs(1);
/// How often each pull request is asked about.
const EVERY: Duration = Duration::from_secs(300);

/// What a forge is asked about.
#[derive(Clone, Debug, Default)]
struct Question {
    repository: PreviewRepository,
    token: String,
    previews: Vec<ObjectId>,
}

/// A pull request.
#[derive(Debug)]
struct Asked {
    question: Question,
    /// When it is asked about next.
    next: Instant,
    validator: Option<String>,
    /// Why that could not be told last time.
    complaint: String,
}

/// What is asked, and when.
#[derive(Debug, Default)]
struct Round {
    pulls: BTreeMap<PullRequest, Asked>,
    /// When an API may be asked again.
    not_before: BTreeMap<String, Instant>,
    /// The APIs that have not answered yet.
    busy: BTreeSet<String>,
    has_begun: bool,
}

/// What came of a question.
type Answer = (PullRequest, Question, Result<State, ForgeError>);

/// Asks. Runs until it is dropped.
pub(crate) async fn follow(lifecycle: Arc<Lifecycle>, engine: Arc<Mutex<Engine>>) {
    let client = match client() {
        Ok(client) => client,
        Err(error) => return tracing::error!("forges are not asked for pull requests: {error}"),
    };
    let (mut round, mut asking, mut edition) = (Round::default(), JoinSet::new(), None);
    let mut tick = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            Some(answer) = asking.join_next() => {
                let (pull, question, told) = answer.unwrap_or_else(|error| resume_unwind(error.into_panic()));
                if let Some(updated) = round.note(&pull, told, Instant::now()) {
                    let (lifecycle, engine) = (Arc::clone(&lifecycle), Arc::clone(&engine));
                    // It writes, and waits for what it has written.
                    tokio::task::spawn_blocking(move || close(&lifecycle, &engine, &pull, &question, updated));
                }
                continue;
            }
        }
        let now = lock(&engine).edition;
        if edition.replace(now) != Some(now) {
            let (_, found) = pulls::all(&lock(&engine));
            let shown = found.into_iter().filter(|it| !it.has_ended && lifecycle.store.is_own(&it.object));
            round.want(shown, Instant::now());
        }
        for (pull, question, validator) in round.due(Instant::now()) {
            asking.spawn(ask(client.clone(), pull, question, validator));
        }
    }
}

async fn ask(client: reqwest::Client, pull: PullRequest, question: Question, validator: Option<String>) -> Answer {
    let Question { repository, token, .. } = &question;
    let way = Pull { client: &client, repository, token, number: pull.number };
    let told = way.state(validator.as_deref()).await;
    (pull, question, told)
}

/// Ends the previews of a pull request that was closed.
fn close(lifecycle: &Lifecycle, engine: &Mutex<Engine>, pull: &PullRequest, question: &Question, updated: Timestamp) {
    let PullRequest { repository, number } = pull;
    for id in &question.previews {
        match lifecycle.end_closed(engine, id, (&question.repository, *number), updated) {
            Ok(true) => tracing::info!("{id} has ended: {} {number} is closed, as its forge says", repository.name),
            Ok(false) => {}
            Err(error) => tracing::warn!("{id} stays, though {} {number} is closed: {error}", repository.name),
        }
    }
}

impl Round {
    /// These have previews now.
    fn want(&mut self, found: impl Iterator<Item = Of>, now: Instant) {
        let mut questions: BTreeMap<PullRequest, Question> = BTreeMap::new();
        for Of { pull, repository, token, object, .. } in found {
            let question = questions.entry(pull);
            let question = question.or_insert_with(|| Question { repository, token, ..Question::default() });
            question.previews.push(object.id.clone());
        }
        self.pulls.retain(|pull, _| questions.contains_key(pull));
        let next = if self.has_begun { now + EVERY } else { now };
        for (pull, question) in questions {
            let new = Asked { question: Question::default(), next, validator: None, complaint: String::new() };
            let asked = self.pulls.entry(pull).or_insert(new);
            if asked.question.previews != question.previews {
                // What was told before it was told of the others.
                asked.validator = None;
            }
            asked.question = question;
        }
        self.has_begun = true;
    }

    /// What is to be asked now: of each API that has answered one thing, that for which it is time for longest.
    fn due(&mut self, now: Instant) -> Vec<(PullRequest, Question, Option<String>)> {
        let mut first: BTreeMap<&str, (Instant, &PullRequest)> = BTreeMap::new();
        for (pull, asked) in self.pulls.iter().filter(|(_, asked)| asked.next <= now) {
            let api = &*pull.repository.api;
            if !self.busy.contains(api) && self.not_before.get(api).is_none_or(|time| *time <= now) {
                let best = first.entry(api).or_insert((asked.next, pull));
                *best = (*best).min((asked.next, pull));
            }
        }
        let due: Vec<_> = first.into_values().map(|(_, pull)| pull.clone()).collect();
        let mut questions = Vec::new();
        for pull in due {
            let Some(asked) = self.pulls.get_mut(&pull) else { continue };
            asked.next = now + EVERY;
            self.busy.insert(pull.repository.api.clone());
            questions.push((pull, asked.question.clone(), asked.validator.clone()));
        }
        questions
    }

    /// What was answered; when it was changed last, if it is closed.
    fn note(&mut self, pull: &PullRequest, told: Result<State, ForgeError>, now: Instant) -> Option<Timestamp> {
        let api = &pull.repository.api;
        self.busy.remove(api);
        if let Err(error) = &told {
            // It is the API that wants to be left alone, also where its answer is of use to nobody any more.
            self.not_before.insert(api.clone(), now + error.wait());
        }
        let asked = self.pulls.get_mut(pull)?;
        match told {
            Ok(State::Unchanged) => None,
            Ok(State::Told { is_closed, updated, validator }) => {
                asked.complaint.clear();
                // What has not ended by it is to be told of again.
                asked.validator = validator.filter(|_| !is_closed);
                updated.parse().ok().filter(|_| is_closed)
            }
            Err(error) => {
                let why = error.to_string();
                if asked.complaint != why {
                    let (name, number) = (&pull.repository.name, pull.number);
                    tracing::warn!("it is not known whether {name} {number} is closed: {why}");
                    asked.complaint = why;
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
