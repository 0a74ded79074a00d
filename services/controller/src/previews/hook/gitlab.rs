//! GitLab's webhooks (docs.gitlab.com, "Webhook events"): merge requests.

use serde::Deserialize;

use super::PullRequest;
use crate::admin::PreviewError;

#[derive(Deserialize)]
struct Named {
    project: Project,
}

#[derive(Deserialize)]
struct Project {
    path_with_namespace: String,
}

#[derive(Deserialize)]
struct Event {
    object_attributes: Attributes,
    #[serde(default)]
    labels: Vec<Label>,
    #[serde(default)]
    changes: Changes,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Changes {
    labels: Change,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Change {
    previous: Vec<Label>,
    current: Vec<Label>,
}

#[derive(Deserialize)]
struct Attributes {
    iid: u64,
    state: String,
    source_branch: String,
    source_project_id: Option<u64>,
    target_project_id: u64,
    last_commit: Commit,
    updated_at: String,
    /// What has happened; nothing where a system hook tells how it is.
    #[serde(default)]
    action: String,
}

#[derive(Deserialize)]
struct Commit {
    id: String,
}

#[derive(Deserialize, PartialEq, Eq)]
struct Label {
    title: String,
}

/// The project that a body names, whoever wrote it.
pub(super) fn repository(body: &str) -> Option<String> {
    serde_json::from_str::<Named>(body).ok().map(|named| named.project.path_with_namespace)
}

/// The merge request that it is about; why there is none otherwise.
pub(super) fn pull_request(event: &str, body: &str) -> Result<Result<PullRequest, String>, PreviewError> {
    if event != "Merge Request Hook" {
        return Ok(Err(format!("the event {event:?} says nothing of merge requests")));
    }
    let Event { object_attributes: told, labels, changes } =
        serde_json::from_str(body).map_err(|error| PreviewError::Invalid(format!("the body: {error}")))?;
    let Change { previous, current } = changes.labels;
    let labelled = current.into_iter().filter(|label| !previous.contains(label));
    Ok(Ok(PullRequest {
        number: told.iid,
        branch: told.source_branch,
        commit: told.last_commit.id,
        is_open: told.state == "opened",
        is_fork: told.source_project_id != Some(told.target_project_id),
        labels: labels.into_iter().map(|label| label.title).collect(),
        labelled: labelled.map(|label| label.title).collect(),
        is_opened: matches!(&*told.action, "open" | "reopen"),
        updated: rfc3339(&told.updated_at),
    }))
}

/// Older releases write `2026-11-29 06:42:00 UTC`, newer ones as RFC 3339 has it.
pub(in crate::previews) fn rfc3339(time: &str) -> String {
    time.strip_suffix(" UTC").map_or_else(|| time.to_owned(), |time| format!("{}Z", time.replacen(' ', "T", 1)))
}
