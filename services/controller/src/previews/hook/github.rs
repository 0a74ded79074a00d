//! GitHub's webhooks (docs.github.com, "Webhook events and payloads"): `pull_request`.

use nuncio_auth::crypto::{hmac_sha256, same, unhex};
use serde::Deserialize;

use super::PullRequest;
use crate::admin::PreviewError;

#[derive(Deserialize)]
struct Named {
    repository: Repository,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    action: String,
    /// Which one was put on or taken away, where that is what has happened.
    label: Option<Label>,
    pull_request: Pull,
    repository: Repository,
}

#[derive(Deserialize)]
struct Pull {
    number: u64,
    state: String,
    updated_at: String,
    head: Head,
    #[serde(default)]
    labels: Vec<Label>,
}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "ref")]
    branch: String,
    sha: String,
    /// None where the fork was deleted.
    repo: Option<Repository>,
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

/// The repository that a body names, whoever wrote it.
pub(super) fn repository(body: &str) -> Option<String> {
    serde_json::from_str::<Named>(body).ok().map(|named| named.repository.full_name)
}

/// Whether the header `X-Hub-Signature-256` is right.
pub(super) fn is_signed(header: &str, body: &str, key: &str) -> bool {
    let tag = header.strip_prefix("sha256=").and_then(unhex);
    tag.is_some_and(|tag| same(&tag, &hmac_sha256(key.as_bytes(), body.as_bytes())))
}

/// The pull request that it is about; why there is none otherwise.
pub(super) fn pull_request(event: &str, body: &str) -> Result<Result<PullRequest, String>, PreviewError> {
    if event != "pull_request" {
        return Ok(Err(format!("the event {event:?} says nothing of pull requests")));
    }
    let Event { action, label, pull_request: pull, repository } =
        serde_json::from_str(body).map_err(|error| PreviewError::Invalid(format!("the body: {error}")))?;
    let own = pull.head.repo.is_some_and(|head| head.full_name.eq_ignore_ascii_case(&repository.full_name));
    Ok(Ok(PullRequest {
        number: pull.number,
        branch: pull.head.branch,
        commit: pull.head.sha,
        is_open: pull.state == "open",
        is_fork: !own,
        labels: pull.labels.into_iter().map(|label| label.name).collect(),
        labelled: label.filter(|_| action == "labeled").map(|label| label.name).into_iter().collect(),
        is_opened: matches!(&*action, "opened" | "reopened"),
        updated: pull.updated_at,
    }))
}
