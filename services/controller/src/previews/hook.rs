//! What a forge tells of a pull request, and what that asks for.
//!
//! A delivery is believed if it is signed with the Secret of the repository that it names. It says how the pull request is,
//! not only what has happened, so the same delivery twice does nothing the second time, and one that comes late, or is
//! replayed, is known by its age.

mod branch;
mod github;
mod gitlab;
mod handled;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use nuncio_api::{Forge, Gaps, Kind, ObjectId, PreviewRepository, PreviewSource, Secret};

pub(super) use self::gitlab::rfc3339;
pub(super) use self::handled::Handled;
use super::manifest::Manifest;
use crate::admin::{Delivery, PreviewError};

/// A pull request, as its forge tells.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PullRequest {
    number: u64,
    branch: String,
    commit: String,
    is_open: bool,
    /// Its branch is not the repository's own.
    is_fork: bool,
    labels: Vec<String>,
    /// Those of them that it has just got.
    labelled: Vec<String>,
    /// It was opened just now, or reopened.
    is_opened: bool,
    /// When it was last changed.
    updated: String,
}

/// What the preview of a pull request should be.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) repository: PreviewRepository,
    pub(super) number: u64,
    pub(super) manifest: Manifest,
    standing: Standing,
    /// Somebody wants one now: it was opened or reopened, or has got the label.
    begins: bool,
    /// When the forge last changed the pull request.
    pub(super) updated: Timestamp,
}

/// How a pull request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Closed,
    /// Its branch is the repository's own.
    Own,
    /// It has the label by which previews of forks are allowed, or not; or it has got it just now.
    Fork {
        has_label: bool,
        is_labelled: bool,
    },
}

/// For how long a delivery can make a Preview: those that have ended are known for as long, with what was told of them.
const FRESH: SignedDuration = SignedDuration::from_hours(24);

impl Wanted {
    /// Why it says nothing that is not known already of a Preview that says this of its source.
    pub(super) fn is_known_by(&self, source: Option<&PreviewSource>, has_ended: bool) -> Option<String> {
        let known: Timestamp = source?.updated.as_ref()?.parse().ok()?;
        let is_wanted = self.judged(source).1.is_none();
        let is_old = self.updated < known || self.updated == known && has_ended && is_wanted;
        is_old.then(|| "it is older than what is known of the pull request".to_owned())
    }

    /// What its Preview should say, by what is known of its source; and why there should be none. Who gives a fork's pull
    /// request the label has seen the commit that it had then, and none that its author pushes after that.
    pub(super) fn judged(&self, old: Option<&PreviewSource>) -> (Manifest, Option<String>) {
        let mut manifest = self.manifest.clone();
        let source = manifest.spec.source.get_or_insert_default();
        let unpinned = self.unpinned();
        let (label, known) = (self.repository.fork_label(), old.and_then(|old| old.approved.clone()));
        let (approved, unwanted) = match self.standing {
            Standing::Closed => (known, Some("the pull request is closed".to_owned())),
            Standing::Own => (None, None),
            Standing::Fork { has_label: false, .. } => {
                (None, Some(format!("it is from a fork: it needs the label {label}")))
            }
            Standing::Fork { .. } if unpinned.is_some() => (None, unpinned),
            Standing::Fork { is_labelled: true, .. } => (source.commit.clone(), None),
            Standing::Fork { .. } if known.is_some() && known == source.commit => (known, None),
            Standing::Fork { .. } => {
                let why = format!("it is from a fork, and nobody gave it the label {label} since its newest commit");
                (known, Some(why))
            }
        };
        source.approved = approved;
        source.author = old.and_then(|old| old.author.clone());
        source.author_issuer = old.and_then(|old| old.author_issuer.clone());
        (manifest, unwanted)
    }

    /// Why a fork has no preview by the template: another commit may run there than the one that was looked at.
    fn unpinned(&self) -> Option<String> {
        let index = self.repository.preview.as_ref()?.unpinned()?;
        Some(format!("it is from a fork, and preview.services[{index}].backend of the template has no {{commit}}"))
    }

    /// Why a Preview that has ended, and says this of its source, stays so: whatever else happens to a pull request, somebody may
    /// have deleted it.
    pub(super) fn leaves_ended(&self, source: Option<&PreviewSource>) -> Option<String> {
        let commit = self.manifest.spec.source.as_ref().and_then(|source| source.commit.as_ref());
        let is_same = source.is_some_and(|source| source.commit.as_ref() == commit);
        let label = self.repository.fork_label();
        (is_same && !self.begins).then(|| {
            format!("its preview has ended: it begins anew with a commit, the label {label}, or when the pull request is reopened")
        })
    }

    /// Why it makes no Preview where none is: nobody can tell what has become of the pull request since.
    pub(super) fn is_stale(&self, now: Timestamp) -> Option<String> {
        (!is_fresh(self.updated, now)).then(|| "the pull request has not changed for a day".to_owned())
    }
}

fn is_fresh(updated: Timestamp, now: Timestamp) -> bool {
    now.duration_since(updated) <= FRESH
}

/// Whether a delivery that is known by what a Preview says of its source would make it anew, if it was not there to say so.
pub(super) fn may_come_again(source: Option<&PreviewSource>, now: Timestamp) -> bool {
    let known = source.and_then(|source| source.updated.as_ref()?.parse().ok());
    known.is_some_and(|known| is_fresh(known, now))
}

/// What a delivery asks for, or why for nothing.
pub(super) fn read<'s>(
    delivery: &Delivery,
    repositories: &[PreviewRepository],
    secret: impl Fn(&PreviewRepository) -> Option<&'s Secret>,
) -> Result<Result<Wanted, String>, PreviewError> {
    let provider = match &*delivery.provider {
        "github" => Forge::GitHub,
        "gitlab" => Forge::GitLab,
        other => return Err(PreviewError::Missing(format!("webhook of {other}"))),
    };
    let repository = signed(delivery, provider, repositories, secret)?;
    let Some(template) = &repository.preview else {
        return Err(PreviewError::Invalid(format!("the PreviewPolicy has no preview for {}", repository.name)));
    };
    let told = match provider {
        Forge::GitHub => github::pull_request(&delivery.event, &delivery.body)?,
        Forge::GitLab => gitlab::pull_request(&delivery.event, &delivery.body)?,
    };
    let told = match told {
        Ok(told) => told,
        Err(why) => return Ok(Err(why)),
    };
    let updated = told.updated.parse().map_err(|error| PreviewError::Invalid(format!("the body: {error}")))?;
    let gaps = Gaps::new(told.number, branch::part_of_name(&told.branch), &told.commit);
    let filled =
        template.fill(&gaps).map_err(|(_, field, error)| PreviewError::Invalid(format!("{field}: {error}")))?;
    let mut spec = filled.spec;
    let standing = standing(&told, repository);
    let begins = told.is_opened || told.labelled.iter().any(|it| it == repository.fork_label());
    spec.source = Some(PreviewSource {
        author: None,
        author_issuer: None,
        provider: Some(provider),
        repository: Some(repository.name.clone()),
        pull_request: Some(told.number),
        branch: Some(told.branch),
        commit: Some(told.commit),
        fork: told.is_fork.then_some(true),
        approved: None,
        updated: Some(told.updated),
    });
    let id = ObjectId::new(Kind::Preview, &*repository.namespace, filled.name);
    let manifest = Manifest { spec, ..Manifest::new(id, BTreeMap::new()) };
    let repository = repository.clone();
    Ok(Ok(Wanted { repository, number: told.number, manifest, standing, begins, updated }))
}

fn standing(told: &PullRequest, repository: &PreviewRepository) -> Standing {
    let has = |labels: &[String]| labels.iter().any(|it| it == repository.fork_label());
    match (told.is_open, told.is_fork) {
        (false, _) => Standing::Closed,
        (true, false) => Standing::Own,
        (true, true) => Standing::Fork { has_label: has(&told.labels), is_labelled: has(&told.labelled) },
    }
}

/// The repository that signed it. Who cannot sign does not learn which there are.
fn signed<'r, 's>(
    delivery: &Delivery,
    provider: Forge,
    repositories: &'r [PreviewRepository],
    secret: impl Fn(&PreviewRepository) -> Option<&'s Secret>,
) -> Result<&'r PreviewRepository, PreviewError> {
    let name = match provider {
        Forge::GitHub => github::repository(&delivery.body),
        Forge::GitLab => gitlab::repository(&delivery.body),
    };
    let named = |it: &&PreviewRepository| {
        it.provider == Some(provider) && name.as_ref().is_some_and(|name| it.name.eq_ignore_ascii_case(name))
    };
    let is_signed = |it: &PreviewRepository| {
        let key = secret(it).and_then(|secret| secret.text(PreviewRepository::WEBHOOK));
        key.is_some_and(|key| match provider {
            Forge::GitHub => github::is_signed(&delivery.signature, &delivery.body, key),
            Forge::GitLab => nuncio_auth::crypto::same(delivery.signature.as_bytes(), key.as_bytes()),
        })
    };
    repositories.iter().filter(named).find(|it| is_signed(it)).ok_or_else(|| {
        PreviewError::Unauthorized("it is not signed as a repository of the PreviewPolicy would sign it".to_owned())
    })
}

#[cfg(test)]
mod tests;
