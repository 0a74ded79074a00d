//! One comment on each pull request that has previews, which says how they are now.
//!
//! What should stand there follows from what the gateway has; it is compared with what was written last, and written where it
//! differs: of each repository one comment after the other, of several at the same time, so that a forge that takes its time
//! holds up no other. A marker that nobody sees finds the comment again after a restart.

mod text;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use self::wanted::Comment;
use super::forge::{ForgeError, Pull, client};
use super::pulls::{PullRequest, Repository};
use crate::engine::Engine;
use crate::run::lock;

/// How often it is looked whether something has changed.
const LOOK: Duration = Duration::from_secs(1);
/// How long after a failure it is tried again, the first time, and at most.
const RETRY: Duration = Duration::from_secs(5);
const LONGEST_RETRY: Duration = Duration::from_secs(600);

/// What is known of a comment.
#[derive(Clone, Debug, Default)]
struct Known {
    id: Option<u64>,
    /// What it says.
    body: String,
    failures: u32,
    not_before: Option<Instant>,
}

/// The comments that should be there, and those that are.
#[derive(Debug, Default)]
struct Desk {
    wanted: BTreeMap<PullRequest, Comment>,
    known: BTreeMap<PullRequest, Known>,
    /// Where something is being written.
    busy: BTreeSet<Repository>,
}

/// What was written, or tried to be, of one repository.
type Written = (Repository, Vec<(PullRequest, Known)>);

/// Keeps comments in step with previews. Runs until it is dropped.
pub(crate) async fn follow(engine: Arc<Mutex<Engine>>) {
    let client = match client() {
        Ok(client) => client,
        Err(error) => return tracing::error!("no comments are written on pull requests: {error}"),
    };
    let (mut desk, mut writing, mut edition) = (Desk::default(), JoinSet::new(), None);
    let mut tick = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            Some(written) = writing.join_next() => {
                desk.note(written.unwrap_or_else(|error| resume_unwind(error.into_panic())));
            }
        }
        let now = lock(&engine).edition;
        if edition.replace(now) != Some(now) {
            let new = wanted::all(&engine);
            desk.want(new);
        }
        for (repository, due) in desk.due(Instant::now()) {
            writing.spawn(write_all(client.clone(), repository, due));
        }
    }
}

impl Desk {
    /// These should be there from now on. Where there are no previews any more, the comment says so once more.
    fn want(&mut self, new: BTreeMap<PullRequest, Comment>) {
        let old = std::mem::replace(&mut self.wanted, new);
        for (pull, comment) in old.into_iter().filter(|(pull, _)| self.known.contains_key(pull)) {
            self.wanted.entry(pull).or_insert_with(|| comment.into_farewell());
        }
        let said = |pull: &PullRequest| self.known.get(pull).map(|known| &known.body);
        self.wanted.retain(|pull, comment| !comment.is_farewell || said(pull) != Some(&comment.body()));
        self.known.retain(|pull, _| self.wanted.contains_key(pull));
    }

    /// Takes what is to be written now, where nothing is being written.
    fn due(&mut self, now: Instant) -> BTreeMap<Repository, Vec<(PullRequest, Comment, Known)>> {
        let mut due: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (pull, comment) in self.wanted.iter().filter(|(pull, _)| !self.busy.contains(&pull.repository)) {
            // Of what was begun it has to be told that it is gone, too.
            let known = self.known.entry(pull.clone()).or_default();
            let is_early = known.not_before.is_some_and(|time| now < time);
            if !is_early && known.body != comment.body() {
                due.entry(pull.repository.clone()).or_default().push((pull.clone(), comment.clone(), known.clone()));
            }
        }
        self.busy.extend(due.keys().cloned());
        due
    }

    fn note(&mut self, (repository, written): Written) {
        self.busy.remove(&repository);
        self.known.extend(written);
    }
}

async fn write_all(
    client: reqwest::Client,
    repository: Repository,
    due: Vec<(PullRequest, Comment, Known)>,
) -> Written {
    let mut written = Vec::new();
    for (pull, comment, known) in due {
        let known = keep(&client, &pull, &comment, known).await;
        written.push((pull, known));
    }
    (repository, written)
}

/// Brings a comment in step.
async fn keep(client: &reqwest::Client, pull: &PullRequest, comment: &Comment, known: Known) -> Known {
    let Comment { repository, token, .. } = comment;
    let (way, body) = (Pull { client, repository, token, number: pull.number }, comment.body());
    match write(&way, known.id, &comment.marker, &body).await {
        Ok(id) => Known { id: Some(id), body, ..Known::default() },
        Err(error) => {
            tracing::warn!("the comment on {} {}: {error}", repository.name, pull.number);
            let wait = RETRY.saturating_mul(1 << known.failures.min(7)).min(LONGEST_RETRY).max(error.wait());
            // It may have been deleted: then it is looked for again.
            Known { id: None, failures: known.failures + 1, not_before: Some(Instant::now() + wait), ..known }
        }
    }
}

async fn write(pull: &Pull<'_>, id: Option<u64>, marker: &str, body: &str) -> Result<u64, ForgeError> {
    if let Some(id) = id {
        return pull.update(id, body).await.map(|()| id);
    }
    match pull.find(marker).await? {
        Some(comment) if comment.says(body) => Ok(comment.id),
        Some(comment) => pull.update(comment.id, body).await.map(|()| comment.id),
        None => pull.create(body).await,
    }
}

#[cfg(test)]
mod tests {
    use nuncio_api::{Forge, Kind, ObjectId};

    use super::*;

    fn pull(name: &str, number: u64) -> PullRequest {
        let repository =
            Repository { provider: Some(Forge::GitHub), api: "https://forge.example".into(), name: name.into() };
        PullRequest { repository, number }
    }

    fn comments(of: &[(&str, u64)]) -> BTreeMap<PullRequest, Comment> {
        let comment = |name: &str, number: u64| {
            let mut comment = Comment::default();
            comment.add(ObjectId::new(Kind::Preview, "shop", format!("{name}-{number}")), "It is there.".to_owned());
            (pull(name, number), comment)
        };
        of.iter().map(|(name, number)| comment(name, *number)).collect()
    }

    /// What is to be written, by repository.
    fn due(desk: &mut Desk) -> Vec<(String, Vec<u64>)> {
        let due = desk.due(Instant::now()).into_iter();
        due.map(|(it, due)| (it.name, due.iter().map(|(pull, ..)| pull.number).collect())).collect()
    }

    fn write(desk: &mut Desk, name: &str, number: u64) {
        let pull = pull(name, number);
        let body = desk.wanted[&pull].body();
        desk.note((pull.repository.clone(), vec![(pull, Known { id: Some(1), body, ..Known::default() })]));
    }

    #[test]
    fn what_is_being_written_holds_up_its_own_repository_alone() {
        let mut desk = Desk::default();
        desk.want(comments(&[("cart", 1), ("cart", 2)]));
        assert_eq!(due(&mut desk), [("cart".to_owned(), vec![1, 2])]);
        desk.want(comments(&[("cart", 1), ("cart", 2), ("cart", 3), ("web", 1)]));
        assert_eq!(due(&mut desk), [("web".to_owned(), vec![1])]);
        write(&mut desk, "cart", 1);
        assert_eq!(due(&mut desk), [("cart".to_owned(), vec![2, 3])]);
    }

    #[test]
    fn where_the_last_preview_goes_that_is_said_once() {
        let mut desk = Desk::default();
        desk.want(comments(&[("cart", 1)]));
        due(&mut desk);
        write(&mut desk, "cart", 1);
        // Nothing was ever said of the other.
        desk.want(comments(&[("cart", 1), ("web", 1)]));
        desk.want(BTreeMap::new());
        assert_eq!(due(&mut desk), [("cart".to_owned(), vec![1])]);
        write(&mut desk, "cart", 1);
        assert!(desk.known[&pull("cart", 1)].body.contains("It is gone."));
        desk.want(BTreeMap::new());
        assert!(desk.wanted.is_empty() && desk.known.is_empty());
    }
}
