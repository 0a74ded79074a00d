//! Changes of Previews, one after the other, each until the gateway has seen it.

mod steps;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nuncio_api::{Duration as Length, Object, ObjectId, Preview, PreviewSource, Spec};
use nuncio_translate::PreviewTimes;

use super::manifest::Manifest;
use super::place::{Found, Place, Unwritten};
use crate::admin::{PreviewError, PreviewOutcome};
use crate::clock;
use crate::engine::Engine;
use crate::manifests::Opened;
use crate::run::{Config, lock};

/// How long the gateway may take to see what was written, and how often it is looked at.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(2);
/// How often a change is decided anew because somebody else was faster. An object's status changes its version, too.
const TRIES: usize = 10;

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

/// What there is of a Preview when it is decided what becomes of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now<'o> {
    /// The object, if there is one.
    pub(super) object: Option<&'o Object>,
    pub(super) times: PreviewTimes,
}

impl<'o> Now<'o> {
    /// What it says, if it can be used.
    pub(super) fn spec(&self) -> Option<&'o Preview> {
        match &self.object?.spec {
            Spec::Preview(spec) => Some(spec),
            _ => None,
        }
    }

    /// The same of one that keeps others from its name: one that has ended and is no repository's keeps nobody.
    pub(super) fn in_the_way(&self) -> Option<&'o Preview> {
        let of_repository = |spec: &Preview| spec.source.as_ref().is_some_and(|source| source.repository.is_some());
        self.spec().filter(|spec| !self.times.has_ended || of_repository(spec))
    }

    /// The object of that one. One that cannot be used keeps others from its name as well: nobody knows whose it is.
    pub(super) fn object_in_the_way(&self) -> Option<&'o Object> {
        self.object.filter(|_| self.spec().is_none() || self.in_the_way().is_some())
    }
}

/// What is to become of a Preview.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// It says this. One that has ended begins anew.
    Put(Box<Manifest>),
    /// It ends, and stays for a while as one that has ended, so that what is told late of its source is known to be late.
    /// What is known of its source by now, where that is what ends it; otherwise somebody does, and closes its links by that.
    End(Option<PreviewSource>),
    /// It is shown for so long from now, or as long as the policy lets it be, and ends no sooner by that.
    Extend(Option<Length>),
    /// The links to it that there are let nobody in any more.
    Withdraw,
    /// It is gone.
    Remove,
    /// Nothing.
    Stay,
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

    /// Does what is decided of a Preview as it is, and waits until the gateway has seen it. In a cluster other replicas write,
    /// too: where one was faster, it is decided anew.
    pub(super) fn change(
        &self,
        engine: &Mutex<Engine>,
        id: &ObjectId,
        mut decide: impl FnMut(Now<'_>) -> Result<Step, PreviewError>,
    ) -> Result<PreviewOutcome, PreviewError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut result = Err(Unwritten::Stale);
        for _ in 0..TRIES {
            let found = self.place.find(engine, id)?;
            // Another replica may have had it end a moment ago.
            lock(engine).world.set_time(clock::now());
            let object = found.as_ref().map(|found| &*found.object);
            let times = object.map(|object| lock(engine).world.preview_times(object)).unwrap_or_default();
            let now = Now { object, times };
            result = self.take(engine, (id, found.as_ref()), now, decide(now)?);
            if !matches!(result, Err(Unwritten::Stale)) {
                break;
            }
        }
        Ok(result?)
    }

    /// Tells other replicas of a cluster that somebody asks for a Preview. In a directory there are none.
    pub(super) fn tell_asked(&self, id: &ObjectId, now: u64) -> Result<(), PreviewError> {
        if self.is_allowed { self.place.annotate(id, (Object::ASKED, &clock::text(now))) } else { Ok(()) }
    }

    /// Whether a Preview was made by a request.
    pub(super) fn is_own(&self, object: &Object) -> bool {
        self.place.is_own(&object.id, Some(object)).is_ok()
    }

    /// Writes one in the place of another.
    fn write(
        &self,
        engine: &Mutex<Engine>,
        old: Option<&Found>,
        manifest: Manifest,
    ) -> Result<PreviewOutcome, Unwritten> {
        // Its life may count from a change.
        let before = old.filter(|old| !manifest.is_change_of(&old.object)).and_then(|old| old.object.changed());
        let manifest = Manifest { changed: Some(before.unwrap_or_else(clock::now)), ..manifest };
        let written = self.place.write(old, &manifest)?;
        let outcome = match old {
            None => PreviewOutcome::Created,
            // What others have set in it is still there.
            Some(old) if is_same(&old.object, &written) => PreviewOutcome::Unchanged,
            Some(_) => PreviewOutcome::Updated,
        };
        self.seen(engine, &written, outcome)
    }

    /// Writes when one ends, what is known of its source, and which of its links are good. `changed` is when what it says was
    /// changed, and `ended` when somebody had it end.
    fn amend(
        &self,
        engine: &Mutex<Engine>,
        old: &Found,
        spec: Preview,
        changed: u64,
        ended: Option<u64>,
    ) -> Result<PreviewOutcome, Unwritten> {
        let manifest = Manifest { spec, ..Manifest::new(old.object.id.clone(), old.object.labels.clone()) };
        let manifest = Manifest { changed: Some(changed), ended, ..manifest };
        let written = self.place.change(old, &manifest)?;
        self.seen(engine, &written, PreviewOutcome::Updated)
    }

    /// Takes one away, and waits until the gateway has seen that.
    fn take_away(&self, engine: &Mutex<Engine>, old: &Found) -> Result<(), Unwritten> {
        self.place.remove(old)?;
        let old = &old.object;
        let is_other = |object: &Object| match &old.uid {
            Some(uid) => object.uid.as_ref() != Some(uid),
            None => object.location != old.location,
        };
        Ok(self.wait(engine, |engine| engine.files.object(&old.id).is_none_or(|object| is_other(object)))?)
    }

    /// Waits until the gateway has seen what was written.
    fn seen(
        &self,
        engine: &Mutex<Engine>,
        written: &Object,
        outcome: PreviewOutcome,
    ) -> Result<PreviewOutcome, Unwritten> {
        let id = &written.id;
        let is_seen = |object: &Object| match (object.generation, written.generation) {
            (Some(now), Some(then)) => object.uid == written.uid && now >= then,
            _ => is_same(object, written),
        };
        self.wait(engine, |engine| engine.files.object(id).is_some_and(|object| is_seen(object)))?;
        tracing::info!("{id} was {} by a request", format!("{outcome:?}").to_lowercase());
        Ok(outcome)
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
}

fn is_same(one: &Object, other: &Object) -> bool {
    one.labels == other.labels && one.spec == other.spec
}
