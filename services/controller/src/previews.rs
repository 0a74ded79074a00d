//! Previews that come, change and go by requests: who may do what, where they are written, and what forges ask for.
//!
//! ```text
//!  portal ── by somebody ──► rights ──────┐
//!  portal ── a delivery ───► deliveries ──┼─► store ─► a file, which the gateway reads like any other
//!  a forge that is asked ──► poll ────────┤
//!                            the time ────┘
//!  portal ── a connection ─► tunnel, which requests go down that have come for a service
//! ```

mod cluster;
mod comments;
mod deliveries;
pub(crate) mod events;
mod forge;
mod hook;
mod keys;
mod manifest;
mod needs;
pub(crate) mod offline;
mod peers;
mod place;
mod places;
mod poll;
mod probe;
mod pulls;
mod read;
mod rights;
pub(crate) mod seen;
mod share;
pub(crate) mod sightings;
mod steps;
mod store;
mod sweep;
mod tombstones;
pub(crate) mod traffic;
mod tunnel;
pub(crate) mod usage;
mod watch;

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::OptionFuture;
use nuncio_api::{Kind, Object, ObjectId, Preview, PreviewPolicy, PreviewRepository, Problem, Secret, Spec};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::task::AbortOnDropHandle;

pub(crate) use self::steps::has_links;

use self::hook::Handled;
use self::keys::Keys;
use self::manifest::Manifest;
use self::needs::forbidden_first;
use self::peers::Peers;
use self::rights::Grant;
use self::steps::{
    cut, delete_step, extend_step, is_to_come, keep_generation, keep_source, kept, length, note_author, own_length,
};
use self::store::{Now, Step, Store};
use self::tombstones::Tombstones;
use self::tunnel::{Carrier, Tunnels};
use self::watch::Watching;
use crate::admin::{
    Caller, Carry, DeletePreview, ExtendPreview, OpenTunnel, PreviewChanged, PreviewError, PreviewOutcome, PutPreview,
};
use crate::clock;
use crate::engine::{Engine, TunnelChange};
use crate::leader::Leadership;
use crate::manifests::Opened;
use crate::run::{Config, lock};
use crate::view::preview_view;

/// What looks after Previews.
#[derive(Debug)]
pub(crate) struct Lifecycle {
    store: Store,
    /// What forges told last of each pull request.
    handled: Mutex<Handled>,
    /// Places for what they tell.
    deliveries: Semaphore,
    tunnels: Arc<Tunnels>,
    /// The admin socket of the Envoy beside the controller, which tells of requests that are followed.
    envoy: Option<PathBuf>,
    /// Held while one is followed: they would take each other's lines away.
    probing: Arc<tokio::sync::Mutex<()>>,
    /// What another gateway follows.
    watching: Mutex<Option<Watching>>,
    /// The other gateways.
    peers: Peers,
    /// Where it is kept what keys are made of.
    keys: Option<Keys>,
    /// And which Previews somebody deleted.
    tombstones: Option<Tombstones>,
}

impl Lifecycle {
    /// Of a controller with this configuration; and what it tells of processes that stand in for services.
    pub(crate) fn of(config: &Config, source: &Opened) -> (Self, mpsc::UnboundedReceiver<TunnelChange>) {
        let (tunnels, told) = Tunnels::of(config);
        let envoy = config.envoy_admin.clone();
        let (store, handled) = (Store::of(config, source), Mutex::default());
        let here = config.manifests.directory().map(|directory| Keys::Directory(directory.to_owned()));
        let keys = here.or_else(|| source.cluster().map(Keys::Cluster));
        let here = config.manifests.directory().map(|directory| Tombstones::Directory(directory.to_owned()));
        let tombstones = here.or_else(|| source.cluster().map(Tombstones::Cluster));
        let deliveries = Semaphore::new(deliveries::MOST_AT_ONCE);
        (
            Self {
                store,
                handled,
                deliveries,
                tunnels,
                envoy,
                probing: Arc::default(),
                watching: Mutex::default(),
                peers: Peers::of(config),
                keys,
                tombstones,
            },
            told,
        )
    }

    /// Keeps comments in step with previews, asks forges which pull requests are closed, takes away what has ended, and has keys
    /// made that all replicas share. Runs until it is dropped.
    pub(crate) async fn keep(self: Arc<Self>, engine: Arc<Mutex<Engine>>) {
        let keys = self.keys.clone();
        let keys = OptionFuture::from(keys.map(|keys| keys::follow(keys, Arc::clone(&engine))));
        let tombstones = self.tombstones.clone();
        let tombstones =
            OptionFuture::from(tombstones.map(|tombstones| tombstones::follow(tombstones, Arc::clone(&engine))));
        let polled = poll::follow(Arc::clone(&self), Arc::clone(&engine));
        tokio::join!(comments::follow(Arc::clone(&engine)), polled, keys, tombstones, sweep::follow(self, engine));
    }

    /// The same for as long as this replica leads. What others knew of Previews that were deleted it says whether it leads or not.
    pub(crate) async fn keep_as_leader(self: Arc<Self>, engine: Arc<Mutex<Engine>>, mut leadership: Leadership) {
        let recalled = self.tombstones.clone().map(|tombstones| {
            let engine = Arc::clone(&engine);
            AbortOnDropHandle::new(tokio::spawn(async move { drop(tombstones::recall(&tombstones, &engine).await) }))
        });
        let _recalled = recalled;
        loop {
            leadership.gained().await;
            tokio::select! {
                () = Arc::clone(&self).keep(Arc::clone(&engine)) => {}
                () = leadership.lost() => {}
            }
        }
    }

    /// Makes a Preview be as somebody writes it.
    pub(crate) fn put(&self, engine: &Mutex<Engine>, wanted: &PutPreview) -> Result<PreviewChanged, PreviewError> {
        let parsed = Manifest::parse(&wanted.namespace, &wanted.name, &wanted.text);
        let manifest = parsed.map_err(|wrong| match wanted.only_allowed {
            true => forbidden_first(&lock(engine), wanted, wrong),
            false => wrong,
        })?;
        let (by, was) = (wanted.by.as_ref(), Cell::new(None));
        let changed = self.change(engine, &manifest.id, by, |grant, now| {
            grant.covers_object(now.object_in_the_way())?;
            was.set(now.spec().and_then(own_length));
            if let Some(digest) = &wanted.digest {
                read::is_as_read(&lock(engine), now.object, digest)?;
            }
            is_to_come(&manifest.spec, now.spec())?;
            may_make(&lock(engine), &grant, by, &manifest)?;
            if wanted.only_allowed {
                is_shown(&lock(engine), &manifest)?;
            }
            let (mut manifest, old) = (manifest.clone(), now.in_the_way());
            keep_source(&mut manifest.spec, old);
            keep_generation(&mut manifest.spec, now.spec());
            grant.note(&mut manifest.spec);
            note_author(&mut manifest.spec, old, by.filter(|_| grant == Grant::All));
            if wanted.only_new && old.is_some() && !self.store.is_sent_again(&manifest, now, by) {
                return Err(self.taken(&manifest.id, now.object));
            }
            Ok(Step::Put(manifest.into()))
        })?;
        let ends = changed.preview.as_ref().and_then(|preview| preview.expires_at);
        let why = kept(ends, &manifest.spec, was.get(), clock::now());
        Ok(PreviewChanged { why: why.unwrap_or_default(), ..changed })
    }

    /// Has a Preview shown for longer.
    pub(crate) fn extend(
        &self,
        engine: &Mutex<Engine>,
        wanted: &ExtendPreview,
    ) -> Result<PreviewChanged, PreviewError> {
        let id = ObjectId::new(Kind::Preview, &*wanted.namespace, &*wanted.name);
        let length = length(wanted.ttl.as_deref())?;
        let until = length.map(|length| clock::now().saturating_add(length.0.as_secs()));
        let changed = self.change(engine, &id, wanted.by.as_ref(), |grant, now| {
            grant.covers(now.spec())?;
            extend_step(&id, now, length, wanted.only_shown)
        })?;
        Ok(PreviewChanged { why: cut(&changed, until).unwrap_or_default(), ..changed })
    }

    /// Ends a Preview. That it is not shown is what is wanted, whether it was until now or not.
    pub(crate) fn delete(
        &self,
        engine: &Mutex<Engine>,
        wanted: &DeletePreview,
    ) -> Result<PreviewChanged, PreviewError> {
        let id = ObjectId::new(Kind::Preview, &*wanted.namespace, &*wanted.name);
        let changed = self.change(engine, &id, wanted.by.as_ref(), |grant, now| {
            grant.covers_object(now.object)?;
            Ok(delete_step(now))
        })?;
        let is_gone = changed.outcome == PreviewOutcome::Ignored;
        let why = if is_gone { format!("there is no {id}, or it has ended before") } else { String::new() };
        Ok(PreviewChanged { outcome: PreviewOutcome::Deleted, why, preview: None })
    }

    /// Does what is decided of a Preview as it is, by what somebody may do.
    fn change(
        &self,
        engine: &Mutex<Engine>,
        id: &ObjectId,
        by: Option<&Caller>,
        decide: impl Fn(Grant, Now<'_>) -> Result<Step, PreviewError>,
    ) -> Result<PreviewChanged, PreviewError> {
        self.store.is_allowed()?;
        let outcome = self.store.change(engine, id, |now| {
            let grant = granted(&lock(engine), id, by)?;
            decide(grant, now)
        })?;
        Ok(changed(engine, id, outcome))
    }

    /// Lets a process stand in for a service: what its connection is handed to.
    pub(crate) fn open_tunnel(&self, engine: &Arc<Mutex<Engine>>, wanted: &OpenTunnel) -> Result<Carry, PreviewError> {
        self.store.is_allowed()?;
        self.tunnels.is_free(&lock(engine), wanted)?;
        let (tunnels, engine) = (Arc::clone(&self.tunnels), Arc::clone(engine));
        let carrier = Carrier { tunnels, engine, wanted: wanted.clone() };
        Ok(Box::new(move |upgrade| carrier.run(upgrade).boxed()))
    }

    /// Where a Preview is written that no request has made.
    pub(crate) fn written_in(&self, object: &Object) -> Option<String> {
        (!self.store.is_own(object)).then(|| object.location.file.to_string())
    }

    /// Whether anything is written here.
    pub(crate) fn may_write(&self) -> bool {
        self.store.is_allowed().is_ok()
    }

    /// Whether somebody may change a Preview.
    fn is_allowed(&self, engine: &Mutex<Engine>, id: &ObjectId, by: Option<&Caller>) -> Result<(), PreviewError> {
        self.store.is_allowed()?;
        let engine = lock(engine);
        granted(&engine, id, by)?.covers_object(engine.files.object(id).map(|object| &**object))
    }
}

/// What somebody may do where a Preview is.
fn granted(engine: &Engine, id: &ObjectId, by: Option<&Caller>) -> Result<Grant, PreviewError> {
    rights::grant(policy(engine)?.1, by, &id.namespace)
}

/// Whether somebody may have a Preview of this name, and have it include what it says.
fn may_make(engine: &Engine, grant: &Grant, by: Option<&Caller>, manifest: &Manifest) -> Result<(), PreviewError> {
    let (policy, find) = (policy(engine)?.1, |id: &ObjectId| spec(engine, id));
    grant.may_call(policy, &manifest.id)?;
    rights::may_include(policy, by, &manifest.id.namespace, &manifest.spec, find)
}

/// Whether the policy would have a Preview shown.
fn is_shown(engine: &Engine, manifest: &Manifest) -> Result<(), PreviewError> {
    let refused = engine.world.refused_of_preview(&manifest.id, &manifest.spec);
    let why = |problem: &Problem| PreviewError::Field { field: problem.field.clone(), why: problem.to_string() };
    refused.first().map_or(Ok(()), |problem| Err(why(problem)))
}

/// What became of a Preview.
fn changed(engine: &Mutex<Engine>, id: &ObjectId, outcome: PreviewOutcome) -> PreviewChanged {
    let engine = lock(engine);
    let is_shown = outcome != PreviewOutcome::Deleted;
    let preview = engine.files.object(id).filter(|_| is_shown).map(|object| preview_view(&engine, object));
    PreviewChanged { outcome, why: String::new(), preview }
}

/// Whether somebody may know of a Preview: who may change it, and whom it is there for. The operator knows of all.
pub(crate) fn may_know(engine: &Engine, object: &Object, by: Option<&Caller>) -> bool {
    let Some(by) = by else { return true };
    let is_for = |policy| matches!(&object.spec, Spec::Preview(spec) if rights::is_for(spec, policy, by));
    policy(engine).is_ok_and(|(_, policy)| is_for(policy)) || may_change(engine, object, Some(by))
}

/// Whether the policy lets somebody change a Preview.
pub(crate) fn may_change(engine: &Engine, object: &Object, by: Option<&Caller>) -> bool {
    granted(engine, &object.id, by).is_ok_and(|grant| grant.covers_object(Some(object)).is_ok())
}

/// The policy that is in force.
fn policy(engine: &Engine) -> Result<(&ObjectId, &PreviewPolicy), PreviewError> {
    engine.world.preview_policy().ok_or_else(|| {
        PreviewError::Forbidden("there is no PreviewPolicy in the gateway's namespace, so there are no previews".into())
    })
}

/// What a Preview says that is there.
fn spec(engine: &Engine, id: &ObjectId) -> Option<Preview> {
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
