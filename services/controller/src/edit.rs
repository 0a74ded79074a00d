//! Changes of manifests that somebody has in mind: what they would do, found out beside what serves; and writing them.

mod cluster;
mod conflict;
mod effects;
mod fields;
mod file;
mod manifest;
mod patch;
mod text;

use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use nuncio_api::{Defaults, Kind, Object, ObjectId, Severity, Spec};
use nuncio_translate::{Settings, World};
use xxhash_rust::xxh3::xxh3_128;

use self::conflict::Shown;
use self::effects::{Effects, effects};
use self::fields::fields;
use self::manifest::{Manifest, Origin};
use self::text::{blinded, hides, invalid, new_text, parse, shown};
use crate::admin::{
    ChangeError, ChangeRequest, ConflictView, DryRunView, LossView, ManifestQuery, ManifestView, ProblemView,
};
use crate::engine::Engine;
use crate::event::LocatedProblem;
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
        }
    }

    /// The text of an object.
    pub(crate) fn manifest(&self, engine: &Mutex<Engine>, query: &ManifestQuery) -> Result<ManifestView, ChangeError> {
        let id = editable(&query.kind, &query.namespace, &query.name)?;
        let manifest = self.read(engine, &id)?;
        let shown = shown(&id, &manifest)?;
        self.seen.keep(&manifest.digest, &shown.text);
        let is_read = self.is_read(engine, &id, &manifest);
        Ok(ManifestView { is_read, ..self.view(&id, &manifest, shown.hides(), shown.text) })
    }

    /// What a change would do.
    pub(crate) fn dry_run(&self, engine: &Mutex<Engine>, change: &ChangeRequest) -> Result<DryRunView, ChangeError> {
        let _trial = self.trial()?;
        let id = editable(&change.kind, &change.namespace, &change.name)?;
        let old = self.read(engine, &id)?;
        if change.digest.as_ref().is_some_and(|digest| *digest != old.digest) {
            return Err(ChangeError::Conflict(old.name.to_string()));
        }
        self.tried(engine, &id, &old, change).map(|(_, view)| view)
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
        let text = new_text(&id, base.as_deref().unwrap_or(&shown.text), change)?;
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
        let id = editable(&change.kind, &change.namespace, &change.name)?;
        let old = self.read(engine, &id)?;
        if change.digest.as_ref() != Some(&old.digest) {
            return Err(ChangeError::Conflict(old.name.to_string()));
        }
        let (text, view) = self.tried(engine, &id, &old, change)?;
        if !view.is_valid {
            let why = view.problems.iter().map(|problem| format!("{}: {}", problem.field, problem.message));
            return Err(ChangeError::Invalid(why.collect::<Vec<_>>().join("; ")));
        }
        if view.confirm != change.confirm && view.confirm.is_some() {
            return Err(ChangeError::Unconfirmed(view.lost.len()));
        }
        old.write(&text, |written| self.is_same(&id, &old, &text, written))?;
        tracing::info!("{id} was changed in {} by a request to the diagnostics", old.name);
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
        let manifest = self.origin.read(id, &location)?;
        self.parse(id, &manifest, &manifest.text).map_err(|_| {
            let reason = "the object does not stand in a document of its own: change the file";
            ChangeError::NotEditable(reason.to_owned())
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

    fn tried(
        &self,
        engine: &Mutex<Engine>,
        id: &ObjectId,
        old: &Manifest,
        change: &ChangeRequest,
    ) -> Result<(String, DryRunView), ChangeError> {
        let shown = shown(id, old)?;
        let new = new_text(id, &shown.text, change)?;
        self.seen.keep(&old.digest, &shown.text);
        let text = shown.unmask(&new).map_err(|error| invalid(&error))?;
        let object = Arc::new(self.parse(id, old, &text)?);
        let is_usable = !matches!(object.spec, Spec::Invalid(_));
        let of_text = object.problems.iter().map(|(problem, location)| {
            let location = Some(location.clone());
            LocatedProblem { object: Some(id.clone()), problem: problem.clone(), location, snippet: String::new() }
        });
        let mut problems: Vec<_> = of_text.collect();
        // What cannot be used changes nothing: what was last good stays in force.
        let effects = if is_usable {
            effects(self.copy(engine), &Arc::new(self.parse(id, old, &blinded(&shown, &new)?)?))
        } else {
            Effects::default()
        };
        let Effects { routes, total, hosts, listeners, whole_listeners, lost, problems: among_others } = effects;
        problems.extend(among_others.into_iter().map(|problem| LocatedProblem::of(Some(&object), problem)));
        let is_valid = problems.iter().all(|problem| problem.problem.severity != Severity::Error);
        let view = DryRunView {
            patch: patch::unified(&old.name, old.line, &shown.text, &new),
            manifest: self.view(id, old, shown.hides() || hides(id, &new), new),
            is_valid,
            problems: problems.iter().map(ProblemView::from).collect(),
            routes,
            routes_total: total,
            hosts,
            listeners,
            whole_listeners,
            confirm: confirmation(&lost),
            lost,
        };
        Ok((text, view))
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
        ManifestView {
            file: manifest.name.to_string(),
            line: manifest.line,
            fields: fields(id.kind, &text),
            is_file: manifest.is_file(),
            is_read: true,
            has_secret,
            text,
            digest: manifest.digest.clone(),
            may_apply: self.is_allowed,
        }
    }
}

/// By what the loss of exactly this protection is confirmed.
fn confirmation(lost: &[LossView]) -> Option<String> {
    let told = serde_json::to_vec(lost).unwrap_or_default();
    (!lost.is_empty()).then(|| format!("{:032x}", xxh3_128(&told)))
}

/// Those that are Kubernetes' own are others'.
pub(crate) fn is_editable(kind: Kind) -> bool {
    kind.is_ours()
}

fn editable(kind: &str, namespace: &str, name: &str) -> Result<ObjectId, ChangeError> {
    let known = serde_json::from_value::<Kind>(kind.into()).ok().filter(|kind| is_editable(*kind));
    let kind = known.ok_or_else(|| ChangeError::NotEditable(format!("a {kind} cannot be changed here")))?;
    Ok(ObjectId::new(kind, namespace, name))
}

#[cfg(test)]
pub(crate) mod tests;
