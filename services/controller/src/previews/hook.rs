//! What a forge tells of a pull request, and what that asks for.
//!
//! A delivery is believed if it is signed with the Secret of the repository that it names. It says how the pull request is,
//! not only what has happened, so the same delivery twice does nothing the second time, and one that comes late, or is
//! replayed, is known by its age.

mod github;
mod gitlab;
mod handled;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use nuncio_api::{Forge, Gaps, Kind, ObjectId, PreviewRepository, PreviewSource, Secret};

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
    /// When it was last changed.
    updated: String,
}

/// What the preview of a pull request should be.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) repository: PreviewRepository,
    pub(super) number: u64,
    pub(super) manifest: Manifest,
    /// Why there should be none.
    pub(super) unwanted: Option<String>,
    /// When the forge last changed the pull request.
    pub(super) updated: Timestamp,
}

/// For how long a delivery can make a Preview: those that have ended are known for as long, with what was told of them.
const FRESH: SignedDuration = SignedDuration::from_hours(24);

impl Wanted {
    /// Why it says nothing that is not known already of a Preview that says this of its source.
    pub(super) fn is_known_by(&self, source: Option<&PreviewSource>, has_ended: bool) -> Option<String> {
        let known: Timestamp = source?.updated.as_ref()?.parse().ok()?;
        let is_old = self.updated < known || self.updated == known && has_ended && self.unwanted.is_none();
        is_old.then(|| "it is older than what is known of the pull request".to_owned())
    }

    /// Why it makes no Preview where none is: nobody can tell what has become of the pull request since.
    pub(super) fn is_stale(&self, now: Timestamp) -> Option<String> {
        (now.duration_since(self.updated) > FRESH).then(|| "the pull request has not changed for a day".to_owned())
    }
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
    let gaps = Gaps::new(told.number, &told.branch, &told.commit);
    let filled =
        template.fill(&gaps).map_err(|(_, field, error)| PreviewError::Invalid(format!("{field}: {error}")))?;
    let mut spec = filled.spec;
    let unwanted = unwanted(&told, repository);
    spec.source = Some(PreviewSource {
        author: None,
        provider: Some(provider),
        repository: Some(repository.name.clone()),
        pull_request: Some(told.number),
        branch: Some(told.branch),
        commit: Some(told.commit),
        updated: Some(told.updated),
    });
    let id = ObjectId::new(Kind::Preview, &*repository.namespace, filled.name);
    let manifest = Manifest { spec, ..Manifest::new(id, BTreeMap::new()) };
    let repository = repository.clone();
    Ok(Ok(Wanted { repository, number: told.number, manifest, unwanted, updated }))
}

/// Why a pull request should have no preview.
fn unwanted(told: &PullRequest, repository: &PreviewRepository) -> Option<String> {
    let label = repository.fork_label();
    if !told.is_open {
        Some("the pull request is closed".to_owned())
    } else if told.is_fork && !told.labels.iter().any(|it| it == label) {
        Some(format!("it is from a fork: it needs the label {label}"))
    } else {
        None
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
