//! Changes of manifests that somebody has in mind: what they would do, found out beside what serves; and writing them.

mod cluster;
mod effects;
mod fields;
mod file;
mod manifest;
mod patch;

use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use nuncio_api::{Defaults, EditError, Kind, Masked, Object, ObjectId, Severity, Spec};
use nuncio_translate::{Settings, World};

use self::effects::{Effects, effects};
use self::fields::{fields, settable};
use self::manifest::{Manifest, Origin};
use crate::admin::{ChangeError, ChangeRequest, DryRunView, ManifestQuery, ManifestView, ProblemView};
use crate::engine::Engine;
use crate::event::LocatedProblem;
use crate::manifests::Opened;
use crate::run::{Config, defaults, lock};

/// The largest text that is looked at.
const MAX_TEXT: usize = 256 << 10;

/// Where manifests are, and whether they may be changed.
#[derive(Clone, Debug)]
pub(crate) struct Editor {
    origin: Origin,
    defaults: Defaults,
    settings: Settings,
    /// Changes may be written.
    is_allowed: bool,
    /// One change is written at a time.
    turn: Arc<Mutex<()>>,
    /// One is looked at at a time: it takes a world of its own.
    trial: Arc<Mutex<()>>,
}

impl Editor {
    /// Of a controller with this configuration, which reads this.
    pub(crate) fn of(config: &Config, source: &Opened, settings: Settings) -> Self {
        Self {
            origin: Origin::of(&config.manifests, source),
            defaults: defaults(&config.namespace, config.expand_environment),
            settings,
            is_allowed: config.allow_edits,
            turn: Arc::default(),
            trial: Arc::default(),
        }
    }

    /// The text of an object.
    pub(crate) fn manifest(&self, engine: &Mutex<Engine>, query: &ManifestQuery) -> Result<ManifestView, ChangeError> {
        let id = editable(&query.kind, &query.namespace, &query.name)?;
        let manifest = self.read(engine, &id)?;
        let shown = shown(&id, &manifest)?;
        Ok(self.view(&id, &manifest, shown.hides(), shown.text))
    }

    /// What a change would do.
    pub(crate) fn dry_run(&self, engine: &Mutex<Engine>, change: &ChangeRequest) -> Result<DryRunView, ChangeError> {
        let _trial = match self.trial.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(ChangeError::Busy),
            // Whoever broke off left nothing behind.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Ok(trial) => trial,
        };
        let id = editable(&change.kind, &change.namespace, &change.name)?;
        let old = self.read(engine, &id)?;
        self.tried(engine, &id, &old, change).map(|(_, view)| view)
    }

    /// Writes a change.
    pub(crate) fn apply(&self, engine: &Mutex<Engine>, change: &ChangeRequest) -> Result<DryRunView, ChangeError> {
        if !self.is_allowed {
            return Err(ChangeError::NotAllowed);
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
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
        let new = new_text(id, &shown, change)?;
        let text = shown.unmask(&new).map_err(|error| invalid(&error))?;
        let object = Arc::new(self.parse(id, old, &text)?);
        let is_usable = !matches!(object.spec, Spec::Invalid(_));
        let of_text = object.problems.iter().map(|(problem, location)| {
            let location = Some(location.clone());
            LocatedProblem { object: Some(id.clone()), problem: problem.clone(), location, snippet: String::new() }
        });
        let mut problems: Vec<_> = of_text.collect();
        // What cannot be used changes nothing: what was last good stays in force.
        let Effects { routes, total, hosts, listeners, problems: among_others } = if is_usable {
            effects(self.copy(engine), &Arc::new(self.parse(id, old, &blinded(&shown, &new)?)?))
        } else {
            Effects::default()
        };
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
        };
        Ok((text, view))
    }

    /// The one object that a text in the place of the old one holds.
    fn parse(&self, id: &ObjectId, old: &Manifest, text: &str) -> Result<Object, ChangeError> {
        if !nuncio_api::is_one_document(text) {
            return Err(ChangeError::Invalid("the text has to be one document of YAML".to_owned()));
        }
        // Places in it are places in the file.
        let shifted = "\n".repeat(old.line as usize - 1) + text;
        let parsed = nuncio_api::parse(shifted.as_bytes(), &old.name, &self.defaults);
        if let Some(problem) = parsed.problems.first() {
            return Err(ChangeError::Invalid(format!("line {}: {}", problem.location.line, problem.problem.message)));
        }
        match <[Object; 1]>::try_from(parsed.objects) {
            Ok([object]) if object.id == *id => Ok(object),
            Ok([other]) => Err(ChangeError::Invalid(format!("the text is {}, not {id}", other.id))),
            Err(_) => Err(ChangeError::Invalid(format!("the text is not {id} alone"))),
        }
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

/// The text of an object as it may be shown: without what is secret in it.
fn shown(id: &ObjectId, manifest: &Manifest) -> Result<Masked, ChangeError> {
    Masked::of(id.kind, &manifest.text).map_err(|error| ChangeError::NotEditable(error.to_string()))
}

/// Whether somebody else may not see a text as it is. One whose secrets cannot be found may hold any.
fn hides(id: &ObjectId, text: &str) -> bool {
    !Masked::of(id.kind, text).is_ok_and(|masked| !masked.hides())
}

/// What is compiled to find out what a text would do. What it does with a secret that somebody guesses is what it does with any
/// other: otherwise nothing would change by the right one, and that would tell him.
fn blinded(shown: &Masked, new: &str) -> Result<String, ChangeError> {
    let more = nuncio_auth::crypto::random_text();
    let text = shown.blinded(new, &more).map_err(|error| invalid(&error))?;
    shown.unmask(&text).map_err(|error| invalid(&error))
}

fn invalid(error: &EditError) -> ChangeError {
    ChangeError::Invalid(error.to_string())
}

fn editable(kind: &str, namespace: &str, name: &str) -> Result<ObjectId, ChangeError> {
    let known = serde_json::from_value::<Kind>(kind.into()).ok().filter(|kind| is_editable(*kind));
    let kind = known.ok_or_else(|| ChangeError::NotEditable(format!("a {kind} cannot be changed here")))?;
    Ok(ObjectId::new(kind, namespace, name))
}

fn new_text(id: &ObjectId, old: &Masked, change: &ChangeRequest) -> Result<String, ChangeError> {
    let mut text = change.text.as_ref().unwrap_or(&old.text).replace("\r\n", "\n");
    if text.len() > MAX_TEXT {
        return Err(ChangeError::Invalid(format!("the text is larger than {} KiB", MAX_TEXT >> 10)));
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    for (field, value) in &change.set {
        if !settable(id.kind, field) {
            return Err(ChangeError::Invalid(format!("{field} cannot be set by itself: change the text")));
        }
        let (path, value) = (field.split('.').collect::<Vec<_>>(), value.trim());
        if nuncio_api::field(&text, &path).unwrap_or_default() != value {
            let value = Some(value).filter(|value| !value.is_empty());
            text = nuncio_api::set_field(&text, &path, value).map_err(|error| invalid(&error))?;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
