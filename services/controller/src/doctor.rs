//! What may keep a gateway from its work, looked at from outside: for `nuncio doctor`.
//!
//! Each look is a [`Check`]: what was looked at, how it is, and what to do about it. Nothing is changed; where only a try tells
//! (webhooks), it is a dry run.

mod ask;
mod certificates;
mod definitions;
mod gateway;
mod lease;
mod objects;
mod pods;
mod rights;
mod server;
mod statuses;
mod webhook;

use serde::Serialize;

use self::ask::Api;
use crate::source::kubernetes::{Cluster, ClusterAccess, Selection};

pub use self::certificates::certificates;
pub use self::gateway::{gateway, which};
pub use self::objects::objects;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// It was not looked at, for a reason that is told.
    Skipped,
    /// It works, and may not for long, or not wholly.
    Warning,
    /// It does not work.
    Failed,
}

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Under which heading it belongs.
    pub section: &'static str,
    /// What should be, in words: `the API server answers`.
    pub check: String,
    /// How it is.
    pub outcome: Outcome,
    /// What was found, a line each.
    pub found: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Check {
    /// It is as it should be.
    pub fn ok(section: &'static str, check: impl Into<String>) -> Self {
        Self { section, check: check.into(), outcome: Outcome::Ok, found: Vec::new(), hint: None }
    }

    /// It does not work: what was found, and what to do.
    pub fn failed(
        section: &'static str,
        check: impl Into<String>,
        found: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        let found = vec![found.into()];
        Self { outcome: Outcome::Failed, found, hint: Some(hint.into()), ..Self::ok(section, check) }
    }

    /// It works, but.
    pub fn warning(
        section: &'static str,
        check: impl Into<String>,
        found: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { outcome: Outcome::Warning, ..Self::failed(section, check, found, hint) }
    }

    /// It was not looked at.
    pub fn skipped(section: &'static str, check: impl Into<String>, why: impl Into<String>) -> Self {
        Self { outcome: Outcome::Skipped, found: vec![why.into()], ..Self::ok(section, check) }
    }

    /// With a line of what was found.
    #[must_use]
    pub fn with(mut self, found: impl Into<String>) -> Self {
        self.found.push(found.into());
        self
    }
}

/// Lines of what was found before the rest is counted.
const TOLD: usize = 10;

/// The first lines of what was found, and how many more there are.
fn first(mut found: Vec<String>) -> Vec<String> {
    if let Some(more) = found.len().checked_sub(TOLD).filter(|more| *more > 0) {
        found.truncate(TOLD);
        found.push(format!("and {more} more"));
    }
    found
}

/// What to look for in a cluster.
#[derive(Clone, Debug)]
pub struct ClusterQuestions {
    /// Which cluster.
    pub access: ClusterAccess,
    /// Namespace of the gateway.
    pub namespace: String,
    /// Which objects the gateway reads.
    pub selection: Selection,
    /// `AMBASSADOR_ID` of the gateway.
    pub ambassador_id: String,
    /// Namespace and name of the gateway's `ServiceAccount`, whose permissions are looked at; without it those of whoever asks.
    pub account: Option<(String, String)>,
    /// Name of the webhook's Service.
    pub webhook_service: String,
    /// Name of the webhook's `ValidatingWebhookConfiguration`, if it has one.
    pub webhook_configuration: Option<String>,
    /// The console of the gateway may change objects.
    pub edits: bool,
    /// Whether it lets requests change previews.
    pub previews: bool,
    /// The gateway writes statuses.
    pub statuses: bool,
    /// Those of Mappings too.
    pub mapping_statuses: bool,
}

/// Looks at a cluster, and at what of a gateway is to be seen in it. If the API server does not answer, that is all.
pub async fn cluster(questions: &ClusterQuestions) -> Vec<Check> {
    let cluster = match Cluster::find(&questions.access).await {
        Ok(cluster) => cluster,
        Err(error) => return vec![server::no_way(&error)],
    };
    let api = Api::new(cluster.client);
    let mut checks = server::checks(&api, &cluster.server).await;
    if checks.iter().any(|check| check.outcome == Outcome::Failed) {
        return checks;
    }
    let (found, definitions) = definitions::checks(&api).await;
    let mut questions = questions.clone();
    if questions.webhook_configuration.is_none() {
        questions.webhook_configuration = webhook::configuration(&api, &questions).await;
    }
    let questions = &questions;
    let webhook = webhook::Webhook::of(questions, &definitions);
    checks.extend(rights::checks(&api, questions, webhook.is_used()).await);
    checks.extend(found);
    checks.extend(webhook.checks(&api, &definitions).await);
    if questions.statuses || webhook.is_used() {
        checks.push(lease::check(&api, questions).await);
    }
    checks.push(pods::check(&api, questions).await);
    if questions.statuses {
        checks.push(statuses::check(&api, questions).await);
    }
    checks
}
