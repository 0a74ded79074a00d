//! The thread that turns events into batches.
//!
//! A thread and not a task: reading files blocks, and the timers of the runtime round up to a millisecond, which is a
//! good part of the time that a change may take.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::debounce::{Debounce, Due, Sign, Subject};
use super::tree::Tree;
use super::walk::ROOT;
use super::watch::Watches;
use super::{Batch, FileChange};

/// How long the thread sleeps when nothing is due.
const IDLE: Duration = Duration::from_secs(3600);

/// What the thread is told.
#[derive(Debug)]
pub(super) enum Message {
    /// The file system has something to say.
    Event(notify::Result<notify::Event>),
    /// Nobody listens any more.
    Stop,
}

pub(super) struct Follower {
    tree: Tree,
    watches: Watches,
    events: Receiver<Message>,
    batches: mpsc::Sender<Batch>,
    debounce: Debounce,
    /// When to look at the tree without an event, where events do not tell everything.
    poll_at: Option<Instant>,
}

impl Follower {
    pub(super) fn new(tree: Tree, watches: Watches, events: Receiver<Message>, batches: mpsc::Sender<Batch>) -> Self {
        let debounce = Debounce::new(tree.options());
        let mut follower = Self { tree, watches, events, batches, debounce, poll_at: None };
        follower.plan_poll(Instant::now());
        follower
    }

    /// Runs until it is told to stop or nobody takes its batches.
    pub(super) fn run(mut self) {
        while self.listen() {
            let now = Instant::now();
            self.poll(now);
            let Some(due) = self.debounce.take(now) else { continue };
            let changes = self.look(&due, now);
            if !changes.is_empty() && self.batches.blocking_send(Batch { changes, noticed: due.noticed }).is_err() {
                return;
            }
        }
    }

    /// Waits for events or the next deadline. False when it is time to stop.
    fn listen(&mut self) -> bool {
        let deadline = self.debounce.deadline().into_iter().chain(self.poll_at).min();
        let wait = deadline.map_or(IDLE, |deadline| deadline.saturating_duration_since(Instant::now()));
        match self.events.recv_timeout(wait) {
            Ok(message) => self.hear(&message) && self.hear_all(),
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => false,
        }
    }

    fn hear_all(&mut self) -> bool {
        while let Ok(message) = self.events.try_recv() {
            if !self.hear(&message) {
                return false;
            }
        }
        true
    }

    fn hear(&mut self, message: &Message) -> bool {
        let Message::Event(event) = message else { return false };
        let now = Instant::now();
        for (subject, sign) in self.watches.interpret(event) {
            let is_root = matches!(&subject, Subject::File(file) if **file == *ROOT);
            let (subject, sign) = if is_root { (Subject::Tree, Sign::Complete) } else { (subject, sign) };
            self.debounce.note(subject, sign, now);
        }
        true
    }

    fn look(&mut self, due: &Due, now: Instant) -> Vec<FileChange> {
        let mut changes: Vec<_> = due.emptied.iter().filter_map(|file| self.tree.refresh(file)).collect();
        for file in &due.files {
            changes.extend(self.tree.look(file, &mut self.debounce, now));
        }
        if due.tree {
            changes.append(&mut self.tree.reconcile(&mut self.watches, &mut self.debounce, now));
        }
        self.plan_poll(now);
        changes.sort_by(|a, b| a.file.cmp(&b.file));
        changes
    }

    fn poll(&mut self, now: Instant) {
        if self.poll_at.is_some_and(|at| at <= now) {
            self.debounce.note(Subject::Tree, Sign::Complete, now);
            self.plan_poll(now);
        }
    }

    fn plan_poll(&mut self, now: Instant) {
        let needed = self.watches.are_incomplete() || self.tree.is_lost() || self.tree.lacks_files();
        // What is planned stays planned: events that keep coming put nothing off.
        let planned = self.poll_at.filter(|at| *at > now);
        self.poll_at = needed.then(|| planned.unwrap_or(now + self.tree.options().poll));
    }
}
