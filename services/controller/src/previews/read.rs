//! What a Preview says that a request has made, for who changes it.

use std::sync::Mutex;

use nuncio_api::{Kind, ObjectId, Preview, Spec};

use super::Lifecycle;
use super::cluster::MANAGED_BY;
use super::manifest::Manifest;
use crate::admin::{PreviewError, PreviewManifestView, ReadPreview};
use crate::engine::Engine;
use crate::run::lock;

impl Lifecycle {
    /// What it says, as a request says it. What nobody may say, or what stays where nobody says it, is left out.
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
        let Spec::Preview(spec) = &object.spec else {
            return Err(PreviewError::Conflict(format!("{id} is not valid: send another manifest in its place")));
        };
        let mut labels = object.labels.clone();
        labels.remove(MANAGED_BY.0);
        let mut spec = Preview { source: None, ..(**spec).clone() };
        // One that has ended begins anew by what is sent.
        if engine.world.preview_times(object).has_ended
            && let Some(lifetime) = &mut spec.lifetime
        {
            lifetime.expires_at = None;
        }
        Ok(PreviewManifestView { text: Manifest { spec, ..Manifest::new(id, labels) }.text() })
    }
}
