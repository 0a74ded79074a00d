//! A change of which nothing comes: what was typed stays, with the reason and a way on.

use axum::response::{IntoResponse, Response};

use super::super::model::{DryRun, ObjectRef};
use super::super::page::Trouble;
use super::trial::Trial;
use super::{Change, Page, conflict, manifest, show, tell};
use crate::gateway::GatewayError;
use crate::web::{Visit, respond};

/// Why nothing came of a change.
pub(super) struct Refused {
    pub(super) title: String,
    pub(super) why: String,
}

/// The editor with what was to be tried, and why it was not.
pub(super) async fn answer(
    site: &Visit,
    id: &ObjectRef,
    change: &Change<'_>,
    error: GatewayError,
) -> Result<Response, Trouble> {
    let GatewayError::Refused { reason, .. } = &error else { return Err(kept(site, &error, change)) };
    if reason == "conflict" {
        return conflict::answer(site, id, change).await.map_err(|error| kept(site, &error, change));
    }
    let status = error.status();
    let Trouble { title, why, .. } = Trouble::of(site, &error);
    let refused = Some(Refused { title, why });
    if reason == "unconfirmed" {
        let told: DryRun = tell(site, "dry-run", change).await.map_err(|error| kept(site, &error, change))?;
        let (manifest, trial) = Trial::of(site.texts(), told);
        let page = Page { trial: Some(trial), refused, ..show(site, id, manifest) };
        return Ok((status, respond(&page)).into_response());
    }
    let mut manifest = manifest(site, id).await.map_err(|trouble| trouble.keeping(change.text))?;
    if let Some(text) = change.text {
        text.clone_into(&mut manifest.text);
    }
    for field in &mut manifest.fields {
        field.value = change.set.get(&field.path).unwrap_or(&field.value).clone();
    }
    // It was made of that, whatever stands there now.
    if let Some(digest) = change.digest {
        digest.clone_into(&mut manifest.digest);
    }
    Ok((status, respond(&Page { refused, ..show(site, id, manifest) })).into_response())
}

/// There is no editor to show it in: the text alone.
fn kept(site: &Visit, error: &GatewayError, change: &Change<'_>) -> Trouble {
    Trouble::of(site, error).keeping(change.text)
}
