//! Changes of Previews, one after the other, each until the gateway has seen it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nuncio_api::{Duration as Length, Object, ObjectId, Preview, PreviewSource, Spec};

use super::manifest::Manifest;
use super::place::{Only, Place};
use crate::admin::{PreviewError, PreviewOutcome};
use crate::clock;
use crate::engine::Engine;
use crate::manifests::Opened;
use crate::run::{Config, lock};

/// For how long a preview is shown that nobody said it of.
const USUAL: Duration = Duration::from_secs(24 * 3600);
/// How long the gateway may take to see what was written, and how often it is looked at.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(2);

/// Writes Previews.
#[derive(Debug)]
pub(super) struct Store {
    place: Place,
    ambassador_id: String,
    is_allowed: bool,
    /// Somebody reads what is written.
    is_followed: bool,
    /// One change at a time.
    turn: Mutex<()>,
}

impl Store {
    pub(super) fn of(config: &Config, source: &Opened) -> Self {
        Self {
            place: Place::of(config, source),
            ambassador_id: config.ambassador_id.clone(),
            is_allowed: config.allow_previews,
            is_followed: true,
            turn: Mutex::default(),
        }
    }

    /// Of a directory that nobody serves, or somebody else.
    pub(super) fn unfollowed(directory: PathBuf, ambassador_id: String) -> Self {
        let place = Place::Directory(directory);
        Self { place, ambassador_id, is_allowed: true, is_followed: false, turn: Mutex::default() }
    }

    /// Whether anything is written here.
    pub(super) fn is_allowed(&self) -> Result<(), PreviewError> {
        if self.is_allowed {
            return Ok(());
        }
        let why = "previews are not changed here: the gateway was not started with --allow-previews";
        Err(PreviewError::Forbidden(why.to_owned()))
    }

    /// Makes a Preview be so, and waits until the gateway has seen it. One that has ended begins anew.
    pub(super) fn put(&self, engine: &Mutex<Engine>, manifest: &Manifest) -> Result<PreviewOutcome, PreviewError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let manifest = self.place.marked(self.for_this_instance(manifest));
        let has_ended = lock(engine).world.preview_has_ended(&manifest.id, false);
        let old = lock(engine).files.object(&manifest.id).map(Arc::clone);
        match &old {
            Some(old) if !has_ended && manifest.is_said_by(old) => return Ok(PreviewOutcome::Unchanged),
            Some(_) if !has_ended => return self.write(engine, old.as_deref(), manifest),
            _ => self.is_room(engine, &manifest.id)?,
        }
        if let Some(old) = old {
            self.take_away(engine, &old, Only::Same)?;
        }
        let outcome = self.write(engine, None, manifest)?;
        Ok(if has_ended { PreviewOutcome::Updated } else { outcome })
    }

    /// Ends a Preview, which stays for a while as one that has ended, so that what is told late of its source is known to be
    /// late. Tells whether there was one that had not.
    pub(super) fn end(
        &self,
        engine: &Mutex<Engine>,
        id: &ObjectId,
        source: &PreviewSource,
    ) -> Result<bool, PreviewError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let has_ended = lock(engine).world.preview_has_ended(id, false);
        let Some(old) = lock(engine).files.object(id).map(Arc::clone) else { return Ok(false) };
        let Spec::Preview(spec) = &old.spec else { return Ok(false) };
        if has_ended && spec.source.as_ref() == Some(source) {
            return Ok(false);
        }
        let mut spec = (**spec).clone();
        spec.source = Some(source.clone());
        if !has_ended {
            spec.lifetime.get_or_insert_default().expires_at = Some(clock::text(clock::now()));
        }
        self.change(engine, &old, spec)?;
        Ok(!has_ended)
    }

    /// Has a Preview shown for so long from now, or as long as the policy lets it be. It ends no sooner by that.
    pub(super) fn extend(
        &self,
        engine: &Mutex<Engine>,
        id: &ObjectId,
        length: Option<Length>,
    ) -> Result<PreviewOutcome, PreviewError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let found = lock(engine).files.object(id).map(Arc::clone);
        let old = found.ok_or_else(|| PreviewError::Missing(format!("{}/{}", id.namespace, id.name)))?;
        let Spec::Preview(spec) = &old.spec else {
            return Err(PreviewError::Invalid(format!("{id} is not valid")));
        };
        let (ends, latest, usual) = {
            let engine = lock(engine);
            let usual = engine.world.preview_policy().and_then(|(_, policy)| policy.ttl);
            (engine.world.preview_expires(id), engine.world.preview_ends_at_latest(id), usual)
        };
        let own = spec.lifetime.as_ref().and_then(|lifetime| lifetime.ttl);
        let length = length.or(own).or(usual).map_or(USUAL, |length| length.0);
        let wanted = clock::now().saturating_add(length.as_secs());
        let end = latest.map_or(wanted, |latest| latest.min(wanted));
        match ends {
            None => return Ok(PreviewOutcome::Unchanged),
            Some(ends) if ends >= end && end < wanted => {
                let why = format!("the PreviewPolicy lets it be shown until {} and no longer", clock::text(end));
                return Err(PreviewError::Conflict(why));
            }
            Some(ends) if ends >= end => return Ok(PreviewOutcome::Unchanged),
            Some(_) => {}
        }
        let mut spec = (**spec).clone();
        spec.lifetime.get_or_insert_default().expires_at = Some(clock::text(end));
        self.change(engine, &old, spec)
    }

    /// Tells other replicas of a cluster that somebody asks for a Preview. In a directory there are none.
    pub(super) fn tell_asked(&self, id: &ObjectId, now: u64) -> Result<(), PreviewError> {
        if self.is_allowed { self.place.annotate(id, (Object::ASKED, &clock::text(now))) } else { Ok(()) }
    }

    /// Whether a Preview was made by a request.
    pub(super) fn is_own(&self, object: &Object) -> bool {
        self.place.is_own(&object.id, Some(object)).is_ok()
    }

    /// Takes a Preview away, and waits until the gateway has seen it; tells whether there was one.
    pub(super) fn remove(&self, engine: &Mutex<Engine>, id: &ObjectId) -> Result<bool, PreviewError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(old) = lock(engine).files.object(id).map(Arc::clone) else { return Ok(false) };
        self.take_away(engine, &old, Only::Same)?;
        tracing::info!("{id} was removed by a request");
        Ok(true)
    }

    /// Takes a Preview away that has ended for long, unless a request has begun it anew since that was found.
    pub(super) fn remove_ended(&self, engine: &Mutex<Engine>, id: &ObjectId) -> Result<bool, PreviewError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let found = {
            let engine = lock(engine);
            engine.files.object(id).filter(|_| engine.world.preview_has_ended(id, true)).map(Arc::clone)
        };
        let Some(old) = found else { return Ok(false) };
        self.take_away(engine, &old, Only::Unchanged)?;
        tracing::info!("{id} has ended for long and was removed");
        Ok(true)
    }

    /// Writes one in the place of another.
    fn write(
        &self,
        engine: &Mutex<Engine>,
        old: Option<&Object>,
        manifest: Manifest,
    ) -> Result<PreviewOutcome, PreviewError> {
        let manifest = Manifest { changed: Some(clock::now()), ..manifest };
        let written = self.place.write(old, &manifest)?;
        let outcome = match old {
            None => PreviewOutcome::Created,
            // What others have set in it is still there.
            Some(old) if is_same(old, &written) => PreviewOutcome::Unchanged,
            Some(_) => PreviewOutcome::Updated,
        };
        self.seen(engine, &manifest.id, &written, outcome)
    }

    /// Writes when one ends, and what is known of its source.
    fn change(&self, engine: &Mutex<Engine>, old: &Object, spec: Preview) -> Result<PreviewOutcome, PreviewError> {
        let manifest = Manifest { spec, ..Manifest::new(old.id.clone(), old.labels.clone()) };
        let manifest = Manifest { changed: Some(clock::now()), ..manifest };
        let written = self.place.change(old, &manifest)?;
        self.seen(engine, &manifest.id, &written, PreviewOutcome::Updated)
    }

    /// Waits until the gateway has seen what was written.
    fn seen(
        &self,
        engine: &Mutex<Engine>,
        id: &ObjectId,
        written: &Object,
        outcome: PreviewOutcome,
    ) -> Result<PreviewOutcome, PreviewError> {
        let is_seen = |object: &Object| match (object.generation, written.generation) {
            (Some(now), Some(then)) => object.uid == written.uid && now >= then,
            _ => is_same(object, written),
        };
        self.wait(engine, |engine| engine.files.object(id).is_some_and(|object| is_seen(object)))?;
        tracing::info!("{id} was {} by a request", format!("{outcome:?}").to_lowercase());
        Ok(outcome)
    }

    fn take_away(&self, engine: &Mutex<Engine>, old: &Object, only: Only) -> Result<(), PreviewError> {
        self.place.remove(old, only)?;
        let is_other = |object: &Object| object.location != old.location || object.uid != old.uid;
        self.wait(engine, |engine| engine.files.object(&old.id).is_none_or(|object| is_other(object)))
    }

    /// How many there may be is for the policy to say; more would not be served.
    fn is_room(&self, engine: &Mutex<Engine>, id: &ObjectId) -> Result<(), PreviewError> {
        let engine = lock(engine);
        let most = engine.world.preview_policy().map_or(0, |(_, policy)| policy.max_previews());
        let namespace = &id.namespace;
        if engine.world.previews_that_count(namespace) < most {
            return Ok(());
        }
        Err(PreviewError::Conflict(format!("the namespace {namespace} has as many previews as it may have, {most}")))
    }

    /// Waits until the gateway has seen what was written.
    fn wait(&self, engine: &Mutex<Engine>, is_seen: impl Fn(&Engine) -> bool) -> Result<(), PreviewError> {
        let begun = Instant::now();
        while self.is_followed && !is_seen(&lock(engine)) {
            if begun.elapsed() > PATIENCE {
                let why = "it is written, but the gateway does not see it: is the directory the one that it reads?";
                return Err(PreviewError::Conflict(why.to_owned()));
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// A gateway of another id than the usual takes no object that does not name it.
    fn for_this_instance(&self, manifest: &Manifest) -> Manifest {
        let mut manifest = manifest.clone();
        if manifest.spec.ambassador_id.is_empty() && self.ambassador_id != "default" {
            manifest.spec.ambassador_id = vec![self.ambassador_id.clone()];
        }
        manifest
    }
}

fn is_same(one: &Object, other: &Object) -> bool {
    one.labels == other.labels && one.spec == other.spec
}

#[cfg(test)]
mod tests {
    use nuncio_api::Kind;
    use serde_json::json;

    use super::*;
    use crate::manifests::Manifests;
    use crate::offline::{OfflineConfig, load};

    #[tokio::test]
    async fn what_has_begun_anew_since_it_was_found_to_have_ended_stays() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("previews")).unwrap();
        let policy = json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": "PreviewPolicy", "metadata": {"name": "previews"},
            "spec": {"domain": "preview.example", "namespaces": ["*"], "hosts": ["*"], "access": ["Public"],
                "backends": "Any"}});
        std::fs::write(directory.path().join("policy.yaml"), policy.to_string()).unwrap();
        let file = directory.path().join("previews/default.tax.json");
        let id = ObjectId::new(Kind::Preview, "default", "tax");
        for (lifetime, goes) in [(json!({"ttl": "1h"}), false), (json!({"expiresAt": "2020-01-01T00:00:00Z"}), true)] {
            let preview = json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": "Preview", "metadata": {"name": "tax"},
                "spec": {"services": [{"baseline": "app", "backend": "127.0.0.1:9"}], "access": {"mode": "Public"},
                    "entrypoints": [{"name": "web", "host": "shop.example"}], "lifetime": lifetime}});
            std::fs::write(&file, preview.to_string()).unwrap();
            let config = OfflineConfig {
                ambassador_id: "default".to_owned(),
                namespace: "default".to_owned(),
                expand_environment: false,
                topology: nuncio_translate::Topology::default(),
            };
            let read = load(&Manifests::Directory(directory.path().to_owned()), &config).await.unwrap();
            let (ambassador_id, engine) = read.into_parts();
            let store = Store::unfollowed(directory.path().to_owned(), ambassador_id);
            let engine = Mutex::new(engine);
            assert!(lock(&engine).files.object(&id).is_some());
            assert_eq!((store.remove_ended(&engine, &id), file.exists()), (Ok(goes), !goes), "{lifetime}");
        }
    }
}
