//! Previews that come, change and go by requests: who may do what, where they are written, and what forges ask for.
//!
//! ```text
//!  portal ── by somebody ──► rights ─┐
//!  portal ── a delivery ───► hook ───┴─► store ─► a file, which the gateway reads like any other
//! ```

mod cluster;
pub(crate) mod comments;
mod forge;
mod hook;
pub(crate) mod offline;
mod place;
mod rights;
mod share;
mod store;

use std::sync::Mutex;

use nuncio_api::{Kind, ObjectId, PreviewPolicy, PreviewRepository, Secret, Spec};

use self::hook::{Handled, Wanted};
use self::rights::Grant;
use self::store::{Manifest, Store};
use crate::admin::{Caller, DeletePreview, Delivery, PreviewChanged, PreviewError, PreviewOutcome, PutPreview};
use crate::engine::Engine;
use crate::manifests::Opened;
use crate::run::{Config, lock};
use crate::view::preview_view;

/// What looks after Previews.
#[derive(Debug)]
pub(crate) struct Lifecycle {
    store: Store,
    /// What forges told last of each pull request.
    handled: Mutex<Handled>,
}

impl Lifecycle {
    /// Of a controller with this configuration.
    pub(crate) fn of(config: &Config, source: &Opened) -> Self {
        Self { store: Store::of(config, source), handled: Mutex::default() }
    }

    /// Makes a Preview be as somebody writes it.
    pub(crate) fn put(&self, engine: &Mutex<Engine>, wanted: &PutPreview) -> Result<PreviewChanged, PreviewError> {
        let mut manifest = Manifest::parse(&wanted.namespace, &wanted.name, &wanted.text)?;
        self.is_allowed(engine, &manifest.id, wanted.by.as_ref())?.note(&mut manifest.spec);
        self.write(engine, &manifest)
    }

    /// Takes a Preview away.
    pub(crate) fn delete(
        &self,
        engine: &Mutex<Engine>,
        wanted: &DeletePreview,
    ) -> Result<PreviewChanged, PreviewError> {
        let id = ObjectId::new(Kind::Preview, &*wanted.namespace, &*wanted.name);
        self.is_allowed(engine, &id, wanted.by.as_ref())?;
        if self.store.remove(engine, &id)? {
            return Ok(done(PreviewOutcome::Deleted));
        }
        Err(PreviewError::Missing(format!("{}/{}", wanted.namespace, wanted.name)))
    }

    /// Does what a forge's webhook asks for.
    pub(crate) fn hook(&self, engine: &Mutex<Engine>, delivery: &Delivery) -> Result<PreviewChanged, PreviewError> {
        self.store.is_allowed()?;
        let (policy, event) = {
            let engine = lock(engine);
            let (policy_id, policy) = policy(&engine)?;
            let event = hook::read(delivery, &policy.repositories, |name| secret(&engine, policy_id, name))?;
            (policy.clone(), event)
        };
        let wanted = match event {
            Ok(event) => event,
            Err(why) => return Ok(ignored(why)),
        };
        let mut handled = self.handled.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Err(why) = handled.is_news(&wanted) {
            return Ok(ignored(why));
        }
        let changed = self.follow(engine, &policy, &wanted)?;
        handled.note(&wanted);
        Ok(changed)
    }

    /// Brings the Preview of a pull request in step with it.
    fn follow(
        &self,
        engine: &Mutex<Engine>,
        policy: &PreviewPolicy,
        wanted: &Wanted,
    ) -> Result<PreviewChanged, PreviewError> {
        let Wanted { repository, manifest, .. } = wanted;
        rights::in_namespace(policy, &manifest.id.namespace)?;
        let old = spec(&lock(engine), &manifest.id);
        if let Some(old) = &old {
            Grant::of(repository).covers(Some(old))?;
            let updated = old.source.as_ref().and_then(|source| source.updated.as_deref());
            if updated.is_some_and(|updated| wanted.is_older_than(updated)) {
                return Ok(ignored("it is older than what is known of the pull request".to_owned()));
            }
        }
        match &wanted.unwanted {
            None => self.write(engine, manifest),
            Some(_) if self.store.remove(engine, &manifest.id)? => Ok(done(PreviewOutcome::Deleted)),
            Some(why) => Ok(ignored(why.clone())),
        }
    }

    /// Whether somebody may change a Preview, and as whom.
    fn is_allowed(&self, engine: &Mutex<Engine>, id: &ObjectId, by: Option<&Caller>) -> Result<Grant, PreviewError> {
        self.store.is_allowed()?;
        let engine = lock(engine);
        let (_, policy) = policy(&engine)?;
        let grant = rights::grant(policy, by, &id.namespace)?;
        grant.covers(spec(&engine, id).as_ref())?;
        Ok(grant)
    }

    fn write(&self, engine: &Mutex<Engine>, manifest: &Manifest) -> Result<PreviewChanged, PreviewError> {
        let outcome = self.store.put(engine, manifest)?;
        let engine = lock(engine);
        let preview = engine.files.object(&manifest.id).map(|object| preview_view(&engine, object));
        Ok(PreviewChanged { outcome, why: String::new(), preview })
    }
}

fn done(outcome: PreviewOutcome) -> PreviewChanged {
    PreviewChanged { outcome, why: String::new(), preview: None }
}

fn ignored(why: String) -> PreviewChanged {
    PreviewChanged { outcome: PreviewOutcome::Ignored, why, preview: None }
}

/// The policy that is in force.
fn policy(engine: &Engine) -> Result<(&ObjectId, &PreviewPolicy), PreviewError> {
    engine.world.preview_policy().ok_or_else(|| {
        PreviewError::Forbidden("there is no PreviewPolicy in the gateway's namespace, so there are no previews".into())
    })
}

/// What a Preview says that is there.
fn spec(engine: &Engine, id: &ObjectId) -> Option<nuncio_api::Preview> {
    match &engine.files.object(id)?.spec {
        Spec::Preview(spec) => Some((**spec).clone()),
        _ => None,
    }
}

/// The Secret that a repository names, beside the policy.
fn secret<'e>(engine: &'e Engine, policy: &ObjectId, repository: &PreviewRepository) -> Option<&'e Secret> {
    let name = repository.secret_name.as_deref()?;
    match &engine.files.object(&ObjectId::new(Kind::Secret, policy.namespace.clone(), name))?.spec {
        Spec::Secret(secret) => Some(secret),
        _ => None,
    }
}

/// The text under a key of a Secret. A line break at its end is none of it.
fn text<'s>(secret: &'s Secret, key: &str) -> Option<&'s str> {
    let text = std::str::from_utf8(secret.data.get(key)?.expose()).ok()?.trim_end_matches(['\r', '\n']);
    Some(text).filter(|text| !text.is_empty())
}
