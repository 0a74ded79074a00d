//! What each step writes.

use std::sync::Mutex;
use std::time::Duration;

use nuncio_api::{Duration as Length, ObjectId, Preview, PreviewSource};

use super::{Now, Step, Store};
use crate::admin::{Caller, PreviewError, PreviewOutcome};
use crate::clock;
use crate::engine::Engine;
use crate::previews::manifest::Manifest;
use crate::previews::place::{Found, Unwritten};
use crate::previews::steps::{begin_generation, close_links, withdraw_links};
use crate::previews::sweep::is_a_memory;
use crate::run::lock;

/// For how long a preview is shown that nobody said it of.
const USUAL: Duration = Duration::from_secs(24 * 3600);

impl Store {
    /// Does what was decided of what was found.
    pub(super) fn take(
        &self,
        engine: &Mutex<Engine>,
        (id, old): (&ObjectId, Option<&Found>),
        now: Now<'_>,
        step: Step,
    ) -> Result<PreviewOutcome, Unwritten> {
        match (step, old) {
            (Step::Put(manifest), _) => self.put(engine, old, now, &manifest),
            (Step::End(source), Some(old)) => self.end(engine, old, now, source),
            (Step::Extend(length), Some(old)) => self.extend(engine, old, now, length),
            (Step::Withdraw, Some(old)) => self.withdraw(engine, old, now),
            (Step::Remove, Some(old)) => {
                self.take_away(engine, old)?;
                tracing::info!("{} was removed", old.object.id);
                Ok(PreviewOutcome::Deleted)
            }
            (Step::Remove, None) => {
                self.place.has_nothing_of(id)?;
                Ok(PreviewOutcome::Ignored)
            }
            (Step::Stay, _) | (_, None) => Ok(PreviewOutcome::Ignored),
        }
    }

    /// Whether what somebody wants to be new is there because he has sent the very same before.
    pub(in crate::previews) fn is_sent_again(&self, manifest: &Manifest, now: Now<'_>, by: Option<&Caller>) -> bool {
        let written = self.place.marked(self.for_this_instance(manifest));
        let source = now.spec().and_then(|spec| spec.source.as_ref());
        let is_his = by.is_none_or(|by| source.is_some_and(|source| source.is_by(&by.subject, &by.issuer)));
        is_his && now.object.is_some_and(|object| written.is_said_by(object))
    }

    fn put(
        &self,
        engine: &Mutex<Engine>,
        old: Option<&Found>,
        now: Now<'_>,
        manifest: &Manifest,
    ) -> Result<PreviewOutcome, Unwritten> {
        let mut manifest = self.place.marked(self.for_this_instance(manifest));
        let has_ended = now.times.has_ended;
        begin_generation(&mut manifest.spec, now.spec(), clock::now());
        if let Some(old) = old.filter(|_| !has_ended) {
            self.keep_end(engine, now, &mut manifest);
            if manifest.is_said_by(&old.object) {
                return Ok(PreviewOutcome::Unchanged);
            }
            return self.write(engine, Some(old), manifest);
        }
        is_room(engine, &manifest.id, &manifest.spec, "you have")?;
        self.forget_oldest(engine, &manifest.id)?;
        if let Some(old) = old {
            self.take_away(engine, old)?;
        }
        let outcome = self.write(engine, None, manifest)?;
        Ok(if has_ended { PreviewOutcome::Updated } else { outcome })
    }

    fn end(
        &self,
        engine: &Mutex<Engine>,
        old: &Found,
        now: Now<'_>,
        source: Option<PreviewSource>,
    ) -> Result<PreviewOutcome, Unwritten> {
        let Some(spec) = now.spec() else { return Ok(PreviewOutcome::Ignored) };
        let has_ended = now.times.has_ended;
        let (mut new, at) = (spec.clone(), clock::now());
        if source.is_none() && !has_ended {
            close_links(&mut new, at);
        }
        new.source = source.or(new.source);
        if !has_ended {
            new.lifetime.get_or_insert_default().expires_at = Some(clock::text(at));
        }
        if new != *spec {
            let ended = if has_ended { old.object.ended() } else { Some(at) };
            // What has ended is not to begin anew by what is noted of its source.
            self.amend(engine, old, new, old.object.changed().unwrap_or(at), ended)?;
        }
        Ok(if has_ended { PreviewOutcome::Ignored } else { PreviewOutcome::Deleted })
    }

    fn extend(
        &self,
        engine: &Mutex<Engine>,
        old: &Found,
        now: Now<'_>,
        length: Option<Length>,
    ) -> Result<PreviewOutcome, Unwritten> {
        let Some(spec) = now.spec() else {
            return Err(PreviewError::Invalid(format!("{} is not valid", old.object.id)).into());
        };
        let usual = lock(engine).world.preview_policy().and_then(|(_, policy)| policy.ttl);
        let own = spec.lifetime.as_ref().and_then(|lifetime| lifetime.ttl);
        let length = length.or(own).or(usual).map_or(USUAL, |length| length.0);
        let wanted = clock::now().saturating_add(length.as_secs());
        let end = now.times.latest.map_or(wanted, |latest| latest.min(wanted));
        match now.times.ends {
            None => return Ok(PreviewOutcome::Unchanged),
            // Nobody sees one again that is let be shown until a time that is over.
            Some(ends) if (ends >= end || end <= clock::now()) && end < wanted => {
                let why = format!("the PreviewPolicy lets it be shown until {} and no longer", clock::text(end));
                return Err(PreviewError::Conflict(why).into());
            }
            Some(ends) if ends >= end => return Ok(PreviewOutcome::Unchanged),
            Some(_) => {}
        }
        if now.times.has_ended {
            is_room(engine, &old.object.id, spec, "who made it has")?;
        }
        let mut spec = spec.clone();
        spec.lifetime.get_or_insert_default().expires_at = Some(clock::text(end));
        self.amend(engine, old, spec, clock::now(), None)
    }

    /// Its life is not counted from this: it is shown for as long as before.
    fn withdraw(&self, engine: &Mutex<Engine>, old: &Found, now: Now<'_>) -> Result<PreviewOutcome, Unwritten> {
        let id = &old.object.id;
        let mut spec = now.spec().cloned().ok_or_else(|| PreviewError::Invalid(format!("{id} is not valid")))?;
        let conflict = |why: &str| PreviewError::Conflict(format!("{}/{}: {why}", id.namespace, id.name));
        withdraw_links(&mut spec, clock::now()).map_err(conflict)?;
        self.amend(engine, old, spec, old.object.changed().unwrap_or_else(clock::now), old.object.ended())
    }

    /// Forgets those that ended first, where a namespace has as many that have ended as it may have others: each is there for a
    /// day, and who makes and ends one after the other would fill the place. What deliveries of webhooks are known by stays: it is
    /// forges that make those.
    fn forget_oldest(&self, engine: &Mutex<Engine>, id: &ObjectId) -> Result<(), Unwritten> {
        let over = self.ended(&lock(engine), id);
        for id in over {
            let Some(found) = self.place.find(engine, &id)? else { continue };
            if !lock(engine).world.preview_times(&found.object).has_ended {
                continue;
            }
            match self.take_away(engine, &found) {
                // Somebody else looks after it at this moment.
                Ok(()) | Err(Unwritten::Stale) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Those that are too many with the next that ends.
    fn ended(&self, engine: &Engine, new: &ObjectId) -> Vec<ObjectId> {
        let world = &engine.world;
        let most = world.preview_policy().map_or(0, |(_, policy)| policy.max_previews());
        let others = world.all_previews().filter(|it| it.id.namespace == new.namespace && it.id != *new);
        let ended = others.filter(|it| self.is_own(it) && world.preview_has_ended(&it.id, false));
        let ended: Vec<_> = ended.collect();
        let over = (ended.len() + 1).saturating_sub(most);
        let forgettable = ended.into_iter().filter(|it| !is_a_memory(it));
        let mut forgettable: Vec<_> = forgettable.map(|it| (world.preview_times(it).ends, it.id.clone())).collect();
        forgettable.sort_unstable();
        forgettable.into_iter().take(over).map(|(_, id)| id).collect()
    }

    /// Whoever was given longer keeps that, where what comes after says no time at which it ends.
    fn keep_end(&self, engine: &Mutex<Engine>, now: Now<'_>, manifest: &mut Manifest) {
        let Some(lifetime) = now.spec().and_then(|spec| spec.lifetime.as_ref()) else { return };
        let (Some(given), None) = (lifetime.end(), manifest.end()) else { return };
        let created = now.object.and_then(|object| object.created);
        let mut new = Manifest { created, changed: Some(clock::now()), ..manifest.clone() };
        if self.place.is_shared() {
            // What others have set stays where it is not said.
            let own = new.spec.lifetime.get_or_insert_default();
            own.ttl = own.ttl.or(lifetime.ttl);
        }
        let Some(object) = new.written(&new.text()) else { return };
        let ends = lock(engine).world.preview_times(&object).ends;
        if ends.is_some_and(|ends| ends < given) {
            manifest.spec.lifetime.get_or_insert_default().expires_at.clone_from(&lifetime.expires_at);
        }
    }

    /// A gateway of another id than the usual takes no object that does not name it.
    pub(in crate::previews) fn for_this_instance(&self, manifest: &Manifest) -> Manifest {
        let mut manifest = manifest.clone();
        if manifest.spec.ambassador_id.is_empty() && self.ambassador_id != "default" {
            manifest.spec.ambassador_id = vec![self.ambassador_id.clone()];
        }
        manifest
    }
}

/// How many there may be is for the policy to say; more would not be served. `author_has` begins what is told where its author has
/// too many.
fn is_room(engine: &Mutex<Engine>, id: &ObjectId, spec: &Preview, author_has: &str) -> Result<(), PreviewError> {
    let engine = lock(engine);
    let Some((_, policy)) = engine.world.preview_policy() else { return Ok(()) };
    let there: Vec<_> = engine.world.previews_that_count().collect();
    let full = |whose: String, most: usize| {
        Err(PreviewError::Conflict(format!("{whose} as many previews as the PreviewPolicy allows, {most}")))
    };
    let (namespace, most) = (&id.namespace, policy.max_previews());
    if there.iter().filter(|(id, _)| id.namespace == *namespace).count() >= most {
        return full(format!("the namespace {namespace} has"), most);
    }
    if let Some(most) = policy.max_previews_total.map(|most| most as usize).filter(|most| there.len() >= *most) {
        return full("there are".to_owned(), most);
    }
    let source = spec.source.as_ref();
    let Some((author, issuer)) = source.and_then(|it| Some((it.author.as_deref()?, it.author_issuer.as_deref()?)))
    else {
        return Ok(());
    };
    let own = there.iter().filter(|(_, spec)| spec.source.as_ref().is_some_and(|it| it.is_by(author, issuer))).count();
    match policy.max_previews_per_author.map(|most| most as usize) {
        Some(most) if own >= most => full(author_has.to_owned(), most),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
