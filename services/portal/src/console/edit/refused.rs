//! A change of which nothing comes: what was typed stays, with the reason and a way on.

use axum::response::{IntoResponse, Response};

use super::super::model::{DryRun, Manifest};
use super::super::page::{Trouble, ask};
use super::subject::{Act, Change, Pairs, Subject};
use super::trial::Trial;
use super::{Page, conflict, show, tell};
use crate::gateway::GatewayError;
use crate::web::{Visit, respond};

/// Why nothing came of a change.
pub(super) struct Refused {
    pub(super) title: String,
    /// What the form calls the field that it is about.
    pub(super) label: Option<String>,
    pub(super) why: String,
}

/// The editor with what was to be tried, and why it was not.
pub(super) async fn answer(
    site: &Visit,
    subject: &Subject,
    change: &Change<'_>,
    error: GatewayError,
) -> Result<Response, Trouble> {
    let GatewayError::Refused { reason, field, .. } = &error else { return Err(kept(site, &error, change)) };
    if reason == "conflict" && subject.act == Act::Change {
        return conflict::answer(site, &subject.id, change).await.map_err(|error| kept(site, &error, change));
    }
    let status = error.status();
    let Trouble { title, why, .. } = Trouble::of(site, &error);
    let refused = |label| Some(Refused { title, label, why: why.clone() });
    if reason == "unconfirmed" || reason == "conflict" && subject.act == Act::Delete {
        let anew = Change { digest: None, confirm: None, ..change.clone() };
        let told: DryRun = tell(site, "dry-run", &anew).await.map_err(|error| kept(site, &error, change))?;
        let (manifest, trial) = Trial::of(site.texts(), told);
        let page = Page { trial: Some(trial), refused: refused(None), ..show(site, subject, manifest) };
        return Ok((status, respond(&page)).into_response());
    }
    let mut manifest = form(site, subject, change).await.map_err(|trouble| trouble.keeping(change.text))?;
    manifest.keep(change);
    let label = field.as_deref().and_then(|field| manifest.blame(site.texts(), field, &why));
    Ok((status, respond(&Page { refused: refused(label), ..show(site, subject, manifest) })).into_response())
}

/// The form that was filled in: that of the text that it was made of, where this can be read.
async fn form(site: &Visit, subject: &Subject, change: &Change<'_>) -> Result<Manifest, Trouble> {
    if change.text.is_some() && !change.set.is_empty() {
        let alone = Change { set: Pairs::new(), add: None, remove: None, ..change.clone() };
        if let Ok(told) = tell::<DryRun>(site, "dry-run", &alone).await {
            return Ok(told.manifest);
        }
    }
    ask(site, &subject.manifest()).await
}

/// There is no editor to show it in: the text alone.
fn kept(site: &Visit, error: &GatewayError, change: &Change<'_>) -> Trouble {
    Trouble::of(site, error).keeping(change.text)
}
