//! What a Preview says that a request has made, for who changes it.

use std::sync::Mutex;

use nuncio_api::{Kind, Object, ObjectId, Preview, PreviewLifetime, Spec};

use super::Lifecycle;
use super::cluster::MANAGED_BY;
use super::manifest::Manifest;
use crate::admin::{PreviewError, PreviewManifestView, ReadPreview};
use crate::edit::digest;
use crate::engine::Engine;
use crate::run::lock;

impl Lifecycle {
    /// What it says, as a request says it.
    pub(crate) fn read(
        &self,
        engine: &Mutex<Engine>,
        wanted: &ReadPreview,
    ) -> Result<PreviewManifestView, PreviewError> {
        let id = ObjectId::new(Kind::Preview, &*wanted.namespace, &*wanted.name);
        self.is_allowed(engine, &id, wanted.by.as_ref())?;
        let engine = lock(engine);
        let missing = || PreviewError::Missing(format!("{}/{}", id.namespace, id.name));
        let object = engine.files.object(&id).ok_or_else(missing)?;
        if let Some(file) = self.written_in(object) {
            return Err(PreviewError::Conflict(format!("{id} was not made by a request: change {file} instead")));
        }
        let invalid = || PreviewError::Conflict(format!("{id} is not valid: send another manifest in its place"));
        said(&engine, object).ok_or_else(invalid)
    }

    /// Why a new Preview is not called so: there is this one, which no request changes where none has made it.
    pub(super) fn taken(&self, id: &ObjectId, old: Option<&Object>) -> PreviewError {
        let otherwise = match old.and_then(|old| self.written_in(old)) {
            Some(file) => format!("change {file}, where it is written"),
            None => "change it by a manifest".to_owned(),
        };
        PreviewError::Conflict(format!("there is a {id} already: choose another name, or {otherwise}"))
    }
}

/// What a Preview says. What nobody may say, or what stays where nobody says it, is left out: who sends it late takes back nothing
/// that others did meanwhile.
pub(super) fn said(engine: &Engine, object: &Object) -> Option<PreviewManifestView> {
    let Spec::Preview(spec) = &object.spec else { return None };
    let mut labels = object.labels.clone();
    labels.remove(MANAGED_BY.0);
    let mut spec = Preview { source: None, ..(**spec).clone() };
    if let Some(access) = &mut spec.access {
        access.generation = None;
    }
    // One that has ended begins anew by what is sent.
    let has_ended = engine.world.preview_times(object).has_ended;
    if has_ended || is_given(engine, object, &spec) {
        spec.lifetime.get_or_insert_default().expires_at = None;
    }
    let text = Manifest { spec, ..Manifest::new(object.id.clone(), labels) }.text();
    // Whoever had it end did so unseen by who has read it before.
    Some(PreviewManifestView { digest: digest(&format!("{has_ended}\n{text}")), text })
}

/// Whether it ends by its `expiresAt` later than without it: who is given longer keeps that where nobody says a time.
fn is_given(engine: &Engine, object: &Object, spec: &Preview) -> bool {
    let Some(given) = spec.lifetime.as_ref().and_then(PreviewLifetime::end) else { return false };
    let mut without = spec.clone();
    without.lifetime.get_or_insert_default().expires_at = None;
    let without = Object { spec: Spec::Preview(without.into()), ..object.clone() };
    engine.world.preview_times(&without).fixed.is_some_and(|ends| ends < given)
}

/// Whether a Preview still says what somebody has read who changes it.
pub(super) fn is_as_read(engine: &Engine, now: Option<&Object>, digest: &str) -> Result<(), PreviewError> {
    if now.and_then(|object| said(engine, object)).is_some_and(|said| said.digest == digest) {
        return Ok(());
    }
    let why = "somebody has changed it since it was read: read it anew, and change that";
    Err(PreviewError::Conflict(why.to_owned()))
}
