//! What becomes of Previews by what forges tell: by their webhooks, and when they are asked.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nuncio_api::{ObjectId, PreviewPolicy, PreviewRepository, PreviewSource, Secret};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::hook::{self, Wanted};
use super::pulls;
use super::rights::{self, Grant};
use super::steps::raise_generation;
use super::store::{Now, Step};
use super::{Lifecycle, changed, policy, secret};
use crate::admin::{Delivery, PreviewChanged, PreviewError, PreviewOutcome};
use crate::engine::Engine;
use crate::run::lock;

/// How many deliveries may be under way that were verified. Forges wait for ten seconds, and one takes some hundredths at most.
pub(super) const MOST_AT_ONCE: usize = 32;
/// How long another waits for a place and then for its turn, since few forges send again what was refused. The portal waits for it
/// a second longer at least.
const PATIENCE: Duration = Duration::from_secs(4);
/// How often it looks for a place.
const LOOK: Duration = Duration::from_millis(5);

impl Lifecycle {
    /// Does what a forge's webhook asks for.
    pub(crate) fn hook(&self, engine: &Mutex<Engine>, delivery: &Delivery) -> Result<PreviewChanged, PreviewError> {
        self.store.is_allowed()?;
        let wanted = match asked(engine, delivery)? {
            Ok(event) => event,
            Err(why) => return Ok(ignored(why)),
        };
        let until = Instant::now() + PATIENCE;
        let _place = place(&self.deliveries, PATIENCE)?;
        self.follow(engine, delivery, &wanted, until)
    }

    /// Brings the Preview of a pull request in step with it. `wanted` is what the delivery asked for when it came. What has no
    /// turn before `until` is not begun: the portal is about to tell its forge that it is to be sent again.
    fn follow(
        &self,
        engine: &Mutex<Engine>,
        delivery: &Delivery,
        wanted: &Wanted,
        until: Instant,
    ) -> Result<PreviewChanged, PreviewError> {
        let id = &wanted.manifest.id;
        let mut why = String::new();
        let outcome = self.store.change(engine, id, |now| {
            if Instant::now() >= until {
                return Err(PreviewError::Busy("its turn did not come in time: send it again".to_owned()));
            }
            // Until its turn came, the policy may have become another, and so may what it is signed with.
            let step = match asked(engine, delivery)? {
                Ok(wanted) if wanted.manifest.id == *id => self.step(&wanted, now)?,
                Ok(_) => {
                    let why = "the PreviewPolicy has become another meanwhile: send it again";
                    return Err(PreviewError::Busy(why.to_owned()));
                }
                Err(why) => Err((why, Step::Stay)),
            };
            Ok(step.unwrap_or_else(|(reason, step)| {
                why = reason;
                step
            }))
        })?;
        // A name of another time, such as that of a branch before it was made a part of names as it is now.
        let of_other_names = self.end_others(engine, wanted)?;
        Ok(match outcome {
            PreviewOutcome::Ignored if of_other_names => changed(engine, id, PreviewOutcome::Deleted),
            PreviewOutcome::Ignored => ignored(why),
            outcome => changed(engine, id, outcome),
        })
    }

    /// What is to become of the Preview of a pull request; or why it is not shown, and what becomes of it by that.
    fn step(&self, wanted: &Wanted, now: Now<'_>) -> Result<Result<Step, (String, Step)>, PreviewError> {
        let old = now.in_the_way();
        Grant::of(&wanted.repository).covers_object(now.object_in_the_way())?;
        // One is looked at after the other here: what is noted is known to the next.
        let mut handled = self.handled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(why) = handled.is_news(wanted) {
            return Ok(Err((why, Step::Stay)));
        }
        let source = old.and_then(|old| old.source.as_ref());
        let known = match old {
            Some(_) => wanted.is_known_by(source, now.times.has_ended),
            None => wanted.is_stale(Timestamp::now()),
        };
        if let Some(why) = known {
            return Ok(Err((why, Step::Stay)));
        }
        handled.note(wanted);
        let (mut manifest, unwanted) = wanted.judged(source);
        let unwanted = unwanted.or_else(|| wanted.leaves_ended(source).filter(|_| now.times.has_ended));
        raise_generation(&mut manifest.spec, now.spec());
        Ok(match unwanted {
            Some(why) => Err((why, Step::End(manifest.spec.source))),
            None => Ok(Step::Put(manifest.into())),
        })
    }

    /// Ends what webhooks have made of a pull request under other names than its Preview has by the template. Those that CI jobs
    /// have made are theirs.
    fn end_others(&self, engine: &Mutex<Engine>, wanted: &Wanted) -> Result<bool, PreviewError> {
        let of = (&wanted.repository, wanted.number);
        let is_other = |id: &ObjectId| id.namespace == wanted.manifest.id.namespace && *id != wanted.manifest.id;
        let others: Vec<ObjectId> = {
            let engine = lock(engine);
            let all = engine.world.all_previews().filter(|it| is_other(&it.id) && self.store.is_own(it));
            let made = all.filter(|it| pulls::source(it).is_some_and(|it| is_of(it, of) && it.updated.is_some()));
            made.map(|it| it.id.clone()).filter(|id| !engine.world.preview_has_ended(id, false)).collect()
        };
        let mut have_ended = false;
        for id in others {
            have_ended |= self.end_closed(engine, &id, of, wanted.updated)?;
        }
        Ok(have_ended)
    }

    /// Ends a Preview of a pull request, which has none by what its forge knew at a time. Gives whether it was shown until now.
    pub(super) fn end_closed(
        &self,
        engine: &Mutex<Engine>,
        id: &ObjectId,
        of: (&PreviewRepository, u64),
        updated: Timestamp,
    ) -> Result<bool, PreviewError> {
        let outcome = self.store.change(engine, id, |now| {
            let source = now.spec().and_then(|spec| spec.source.as_ref()).filter(|source| is_of(source, of));
            let Some(source) = source.filter(|_| !now.times.has_ended) else { return Ok(Step::Stay) };
            let known = source.updated.as_ref().and_then(|known| known.parse::<Timestamp>().ok());
            if known.is_some_and(|known| known > updated) {
                return Ok(Step::Stay);
            }
            // Who has heard of it by no webhook goes on so.
            let updated = source.updated.as_ref().map(|_| updated.to_string());
            Ok(Step::End(Some(PreviewSource { updated, ..source.clone() })))
        })?;
        Ok(outcome == PreviewOutcome::Deleted)
    }
}

/// A place, as soon as there is one.
fn place(places: &Semaphore, patience: Duration) -> Result<SemaphorePermit<'_>, PreviewError> {
    let begun = Instant::now();
    loop {
        if let Ok(place) = places.try_acquire() {
            return Ok(place);
        }
        if begun.elapsed() >= patience {
            let why = format!("{MOST_AT_ONCE} deliveries of webhooks are under way already: send it again");
            return Err(PreviewError::Busy(why));
        }
        std::thread::sleep(LOOK);
    }
}

/// Whether a Preview is of a pull request.
fn is_of(source: &PreviewSource, (repository, number): (&PreviewRepository, u64)) -> bool {
    source.provider == repository.provider
        && source.repository.as_ref() == Some(&repository.name)
        && source.pull_request == Some(number)
}

fn ignored(why: String) -> PreviewChanged {
    PreviewChanged { outcome: PreviewOutcome::Ignored, why, preview: None }
}

/// What a delivery asks for by the policy as it is now, or why for nothing. Anybody can send a large body: it is read and checked
/// while nobody waits for the engine.
fn asked(engine: &Mutex<Engine>, delivery: &Delivery) -> Result<Result<Wanted, String>, PreviewError> {
    let (policy, secrets) = policy_and_secrets(&lock(engine))?;
    let asked = hook::read(delivery, &policy.repositories, |it| secrets.get(it.secret_name.as_deref()?))?;
    if let Ok(wanted) = &asked {
        rights::in_namespace(&policy, &wanted.manifest.id.namespace)?;
    }
    Ok(asked)
}

/// The policy, and the Secrets of its repositories by their names.
fn policy_and_secrets(engine: &Engine) -> Result<(PreviewPolicy, BTreeMap<String, Secret>), PreviewError> {
    let (id, policy) = policy(engine)?;
    let named = policy.repositories.iter();
    let secrets = named.filter_map(|it| Some((it.secret_name.clone()?, secret(engine, id, it)?.clone())));
    Ok((policy.clone(), secrets.collect()))
}

#[cfg(test)]
pub(super) mod tests;
