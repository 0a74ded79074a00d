//! Changes of manifests that somebody has in mind: what they would do, found out beside what serves; and writing them.

mod cluster;
mod conflict;
mod effects;
mod fields;
mod file;
mod lines;
mod manifest;
mod patch;
mod start;
mod text;
mod tried;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use nuncio_api::{Defaults, Kind, Object, ObjectId};
use nuncio_translate::{Settings, World};

use self::conflict::Shown;
pub(crate) use self::conflict::digest;
use self::fields::form;
use self::manifest::{Manifest, Origin};
use self::text::{hides, new_text, parse, shown};
use crate::admin::{Act, ChangeError, ChangeRequest, ConflictView, DryRunView, ManifestQuery, ManifestView};
use crate::engine::Engine;
use crate::manifests::Opened;
use crate::run::{Config, defaults, lock};

/// Where manifests are, and whether they may be changed.
#[derive(Clone, Debug)]
pub(crate) struct Editor {
    origin: Origin,
    defaults: Defaults,
    settings: Settings,
    /// Changes may be written.
    is_allowed: bool,
    /// One change is looked at, or written, at a time: it takes a world of its own.
    trial: Arc<Mutex<()>>,
    /// What was shown to those who may change it.
    seen: Arc<Shown>,
    /// In which files objects were created that the engine may not have read yet.
    created: Arc<Mutex<BTreeMap<ObjectId, Arc<str>>>>,
}

impl Editor {
    /// Of a controller with this configuration, which reads this.
    pub(crate) fn of(config: &Config, source: &Opened, settings: Settings) -> Self {
        Self {
            origin: Origin::of(&config.manifests, source),
            defaults: defaults(&config.namespace, config.expand_environment),
            settings,
            is_allowed: config.allow_edits,
            trial: Arc::default(),
            seen: Arc::default(),
            created: Arc::default(),
        }
    }

    /// The text of an object.
    pub(crate) fn manifest(&self, engine: &Mutex<Engine>, query: &ManifestQuery) -> Result<ManifestView, ChangeError> {
        let id = editable(&query.kind, &query.namespace, &query.name)?;
        if query.new {
            let manifest = self.place(engine, &id, query.file.as_deref())?;
            return Ok(self.view(&id, &manifest, false, manifest.text.clone()));
        }
        let manifest = self.read(engine, &id)?;
        let shown = shown(&id, &manifest)?;
        self.seen.keep(&manifest.digest, &shown.text);
        let is_read = self.is_read(engine, &id, &manifest);
        Ok(ManifestView { is_read, ..self.view(&id, &manifest, shown.hides(), shown.text) })
    }

    /// What a change would do.
    pub(crate) fn dry_run(&self, engine: &Mutex<Engine>, change: &ChangeRequest) -> Result<DryRunView, ChangeError> {
        let _trial = self.trial()?;
        let (id, old) = self.subject(engine, change)?;
        let is_late = change.digest.as_ref().is_some_and(|digest| *digest != old.digest);
        if is_late {
            return self.made_already(engine, &id, &old, change);
        }
        self.tried(engine, &id, &old, change).map(|(_, view)| view)
    }

    /// The object that a change is of, as it stands, or where it is to stand.
    fn subject(&self, engine: &Mutex<Engine>, change: &ChangeRequest) -> Result<(ObjectId, Manifest), ChangeError> {
        let id = editable(&change.kind, &change.namespace, &change.name)?;
        let manifest = match change.act {
            Act::Create => self.place(engine, &id, change.file.as_deref())?,
            Act::Change | Act::Delete => self.read(engine, &id)?,
        };
        Ok((id, manifest))
    }

    /// Where a new object is to stand.
    fn place(&self, engine: &Mutex<Engine>, id: &ObjectId, file: Option<&str>) -> Result<Manifest, ChangeError> {
        let text = start::text(id)?;
        if lock(engine).files.object(id).is_some() {
            return Err(ChangeError::Exists(id.to_string()));
        }
        let manifest = self.origin.place(id, file, text)?;
        if self.stands_beside(id, &manifest) || self.was_created(engine, id) {
            return Err(ChangeError::Exists(id.to_string()));
        }
        Ok(manifest)
    }

    /// Whether an object that the engine has not read yet stands where it was created.
    fn was_created(&self, engine: &Mutex<Engine>, id: &ObjectId) -> bool {
        let file = {
            let engine = lock(engine);
            let mut created = self.created();
            created.retain(|id, _| engine.files.object(id).is_none());
            created.get(id).cloned()
        };
        // Somebody may have taken it away again.
        let there = file.and_then(|file| self.origin.place(id, Some(&file), String::new()).ok());
        there.is_some_and(|there| self.stands_beside(id, &there))
    }

    fn created(&self) -> MutexGuard<'_, BTreeMap<ObjectId, Arc<str>>> {
        self.created.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an object stands elsewhere in the file of a text, also where the engine has not read that yet.
    fn stands_beside(&self, id: &ObjectId, manifest: &Manifest) -> bool {
        let parsed = |rest: String| nuncio_api::parse(rest.as_bytes(), &manifest.name, &self.defaults);
        manifest.rest().map(parsed).is_some_and(|parsed| parsed.objects.iter().any(|object| object.id == *id))
    }

    /// The turn of whoever tries a change: a world is made for it, and one of them at a time is enough.
    fn trial(&self) -> Result<MutexGuard<'_, ()>, ChangeError> {
        match self.trial.try_lock() {
            Err(TryLockError::WouldBlock) => Err(ChangeError::Busy),
            // Whoever broke off left nothing behind.
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Ok(trial) => Ok(trial),
        }
    }

    /// A change of a text that is not the object's any more, and what it was changed to.
    pub(crate) fn compare(&self, engine: &Mutex<Engine>, change: &ChangeRequest) -> Result<ConflictView, ChangeError> {
        let id = editable(&change.kind, &change.namespace, &change.name)?;
        let now = self.read(engine, &id)?;
        let shown = shown(&id, &now)?;
        let base = change.digest.as_deref().and_then(|digest| self.seen.text(digest));
        let text = new_text(&id, base.as_deref().unwrap_or(&shown.text), change, engine)?;
        let patch = |old: &str, new: &str| patch::unified(&now.name, now.line, old, new);
        self.seen.keep(&now.digest, &shown.text);
        Ok(ConflictView {
            yours: patch(base.as_deref().unwrap_or(&shown.text), &text),
            others: base.as_deref().map(|base| patch(base, &shown.text)).unwrap_or_default(),
            merged: base.and_then(|base| conflict::merged(&base, &text, &shown.text)),
            manifest: self.view(&id, &now, shown.hides() || hides(&id, &text), shown.text),
            text,
        })
    }

    /// Writes a change.
    pub(crate) fn apply(&self, engine: &Mutex<Engine>, change: &ChangeRequest) -> Result<DryRunView, ChangeError> {
        if !self.is_allowed {
            return Err(ChangeError::NotAllowed);
        }
        let _trial = self.trial()?;
        let (id, old) = self.subject(engine, change)?;
        if change.act != Act::Create && change.digest.as_ref() != Some(&old.digest) {
            return self.made_already(engine, &id, &old, change);
        }
        let (text, view) = self.tried(engine, &id, &old, change)?;
        if !view.is_valid {
            let why = view.problems.iter().map(|problem| format!("{}: {}", problem.field, problem.message));
            return Err(ChangeError::Invalid(why.collect::<Vec<_>>().join("; ")));
        }
        if view.confirm != change.confirm && view.confirm.is_some() {
            return Err(ChangeError::Unconfirmed(view.lost.len()));
        }
        let is_same = |written: &str| self.is_same(&id, &old, &text, written);
        let done = match change.act {
            Act::Change => old.write(&text, is_same).map(|()| "changed"),
            Act::Create => old.create(&text, is_same).map(|()| "created"),
            Act::Delete => old.remove().map(|()| "deleted"),
        }?;
        if change.act == Act::Create {
            self.created().insert(id.clone(), Arc::clone(&old.name));
        }
        tracing::info!("{id} was {done} in {} by a request to the diagnostics", old.name);
        Ok(view)
    }

    fn read(&self, engine: &Mutex<Engine>, id: &ObjectId) -> Result<Manifest, ChangeError> {
        let (location, is_annotated) = {
            let engine = lock(engine);
            let object = engine.files.object(id).ok_or(ChangeError::Missing)?;
            (object.location.clone(), object.annotated)
        };
        if is_annotated {
            return Err(ChangeError::NotEditable(
                "it stands in an annotation of another object: change that".to_owned(),
            ));
        }
        let manifest = self.origin.read(id, &location).map_err(|error| match error {
            // Where it stood is nothing now.
            ChangeError::Missing => cannot_be_read(engine, id).map_or(ChangeError::Missing, ChangeError::NotEditable),
            other => other,
        })?;
        self.parse(id, &manifest, &manifest.text).map_err(|_| {
            let reason = "the object does not stand in a document of its own: change the file";
            ChangeError::NotEditable(cannot_be_read(engine, id).unwrap_or_else(|| reason.to_owned()))
        })?;
        Ok(manifest)
    }

    /// Whether the engine knows the text of an object.
    fn is_read(&self, engine: &Mutex<Engine>, id: &ObjectId, manifest: &Manifest) -> bool {
        let known = lock(engine).files.object(id).map(|object| object.spec.clone());
        known.is_some() && self.parse(id, manifest, &manifest.text).ok().map(|object| object.spec) == known
    }

    /// Whether what was written says what was wanted.
    fn is_same(&self, id: &ObjectId, old: &Manifest, wanted: &str, written: &str) -> bool {
        let spec = |text: &str| self.parse(id, old, text).map(|object| object.spec);
        matches!((spec(wanted), spec(written)), (Ok(wanted), Ok(written)) if wanted == written)
    }

    fn parse(&self, id: &ObjectId, old: &Manifest, text: &str) -> Result<Object, ChangeError> {
        parse(&self.defaults, id, old, text)
    }

    /// A world of the same objects. It is made while nobody waits for the one that serves.
    fn copy(&self, engine: &Mutex<Engine>) -> World {
        let (objects, out) = {
            let engine = lock(engine);
            let objects: Vec<_> =
                engine.world.objects().map(|object| (object.id.clone(), Some(Arc::clone(object)))).collect();
            let out: Vec<_> =
                objects.iter().map(|(id, _)| id).filter(|id| engine.world.is_quarantined(id)).cloned().collect();
            (objects, out)
        };
        let mut world = World::new(self.settings.clone());
        world.apply(objects);
        out.iter().for_each(|id| drop(world.quarantine(id, "it was refused before")));
        world
    }

    /// What is told of a manifest that has this text.
    fn view(&self, id: &ObjectId, manifest: &Manifest, has_secret: bool, text: String) -> ManifestView {
        let form = form(id.kind, &text);
        ManifestView {
            file: manifest.name.to_string(),
            line: manifest.line_of_object(),
            fields: form.fields,
            sections: form.sections,
            adds: form.adds,
            sections_left_out: form.left_out,
            is_file: manifest.is_file(),
            is_read: true,
            has_secret,
            text,
            digest: manifest.digest.clone(),
            may_apply: self.is_allowed,
        }
    }
}

/// Those that are Kubernetes' own are others'.
pub(crate) fn is_editable(kind: Kind) -> bool {
    kind.is_ours()
}

/// Why an object is as it was read before, where it is.
fn cannot_be_read(engine: &Mutex<Engine>, id: &ObjectId) -> Option<String> {
    let found = lock(engine).files.problems_behind(id).into_iter().next()?;
    Some(format!("its file cannot be read ({}: {}): change that", found.location, found.problem.message))
}

fn editable(kind: &str, namespace: &str, name: &str) -> Result<ObjectId, ChangeError> {
    let known = serde_json::from_value::<Kind>(kind.into()).ok().filter(|kind| is_editable(*kind));
    let kind = known.ok_or_else(|| ChangeError::NotEditable(format!("a {kind} cannot be changed here")))?;
    Ok(ObjectId::new(kind, namespace, name))
}

#[cfg(test)]
pub(crate) mod tests;
