//! Who may write the Lease, and what: the rules without I/O.

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;

/// Annotation of a Lease whose holder has no Envoy.
const WITHOUT_ENVOY: &str = "nuncio/without-envoy";

/// The moment at which a replica looks at the Lease.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    /// By which time is measured.
    pub(super) instant: Instant,
    /// As it is told to people.
    pub(super) time: Timestamp,
    /// Whether the replica has an Envoy.
    pub(super) serves: bool,
}

/// What to do with the Lease.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// Another holds it.
    Follow,
    /// There is none.
    Create(Lease),
    /// It is ours, or nobody's any more. Made of the one that was read, so that of two who do this one fails.
    Replace(Lease),
}

/// What one replica knows of the election.
#[derive(Debug)]
pub(super) struct Election {
    identity: String,
    duration: Duration,
    /// The Lease as it last changed, and when that was seen here.
    observed: Option<(LeaseSpec, Instant)>,
    /// The Lease that this replica holds, as it wrote it.
    held: Option<Lease>,
}

impl Election {
    pub(super) fn new(identity: String, duration: Duration) -> Self {
        Self { identity, duration, observed: None, held: None }
    }

    /// Decides what to do, from the Lease as it is.
    pub(super) fn step(&mut self, lease: Option<Lease>, name: &str, now: Now) -> Step {
        let Some(mut lease) = lease else {
            (self.observed, self.held) = (None, None);
            let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
            let mut lease = Lease { metadata, spec: Some(self.spec(&LeaseSpec::default(), now.time)) };
            mark(&mut lease, now.serves);
            return Step::Create(lease);
        };
        let gives_way = now.serves && is_marked(&lease);
        let before = lease.spec.take().unwrap_or_default();
        if self.observed.as_ref().is_none_or(|(spec, _)| *spec != before) {
            self.observed = Some((before.clone(), now.instant));
        }
        if !self.is_ours(&before) {
            self.held = None;
            if self.is_held(&before, now.instant) && !gives_way {
                return Step::Follow;
            }
        }
        lease.spec = Some(self.spec(&before, now.time));
        mark(&mut lease, now.serves);
        Step::Replace(lease)
    }

    /// The Lease was written.
    pub(super) fn holds(&mut self, lease: Lease, now: Instant) {
        self.observed = lease.spec.clone().map(|spec| (spec, now));
        self.held = Some(lease);
    }

    /// The Lease as this replica wrote it last, if it holds it.
    pub(super) fn held(&self) -> Option<Lease> {
        self.held.clone()
    }

    /// Somebody else has written the Lease, or deleted it: it has to be read.
    pub(super) fn forget(&mut self) {
        self.held = None;
    }

    /// The Lease without a holder, if this replica was it.
    pub(super) fn release(&mut self) -> Option<Lease> {
        let mut lease = self.held.take()?;
        if let Some(spec) = &mut lease.spec {
            spec.holder_identity = Some(String::new());
            // Zero is not allowed.
            spec.lease_duration_seconds = Some(1);
        }
        Some(lease)
    }

    fn is_ours(&self, spec: &LeaseSpec) -> bool {
        spec.holder_identity.as_deref() == Some(&self.identity)
    }

    /// Whether somebody holds it. How long it lasts is what its holder says.
    fn is_held(&self, spec: &LeaseSpec, now: Instant) -> bool {
        let has_holder = spec.holder_identity.as_deref().is_some_and(|holder| !holder.is_empty());
        let said = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
        let duration = said.map_or(self.duration, Duration::from_secs);
        has_holder && self.observed.as_ref().is_some_and(|(_, seen)| now < *seen + duration)
    }

    /// What the Lease is to say: times in it are for people, and nobody's clock but the writer's.
    fn spec(&self, before: &LeaseSpec, time: Timestamp) -> LeaseSpec {
        let ours = self.is_ours(before);
        let transitions = before.lease_transitions.unwrap_or_default();
        let is_first = before.holder_identity.is_none();
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: Some(i32::try_from(self.duration.as_secs().max(1)).unwrap_or(i32::MAX)),
            acquire_time: before.acquire_time.clone().filter(|_| ours).or(Some(MicroTime(time))),
            renew_time: Some(MicroTime(time)),
            lease_transitions: Some(if ours || is_first { transitions } else { transitions.saturating_add(1) }),
            ..LeaseSpec::default()
        }
    }
}

fn is_marked(lease: &Lease) -> bool {
    lease.metadata.annotations.as_ref().is_some_and(|annotations| annotations.contains_key(WITHOUT_ENVOY))
}

/// Says of the holder whether it has an Envoy.
fn mark(lease: &mut Lease, serves: bool) {
    let annotations = lease.metadata.annotations.get_or_insert_default();
    if serves {
        annotations.remove(WITHOUT_ENVOY);
    } else {
        annotations.insert(WITHOUT_ENVOY.to_owned(), "true".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DURATION: Duration = Duration::from_secs(15);

    /// Of a replica that serves.
    fn now(instant: Instant, time: Timestamp) -> Now {
        Now { instant, time, serves: true }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// The Lease after a replica's step.
    fn written(election: &mut Election, lease: Option<Lease>, at: Instant, time: Timestamp) -> Option<Lease> {
        match election.step(lease, "nuncio-default", now(at, time)) {
            Step::Follow => None,
            Step::Create(lease) | Step::Replace(lease) => {
                election.holds(lease.clone(), at);
                Some(lease)
            }
        }
    }

    #[test]
    fn the_first_holds_it_until_it_stops_renewing() {
        let (mut one, mut two) = (Election::new("one".into(), DURATION), Election::new("two".into(), DURATION));
        let start = Instant::now();
        let mut lease = written(&mut one, None, start, at(0)).unwrap();
        // The other's clock is a day ahead: what it sees is what counts.
        let day = 86_400;
        for second in (0..60).step_by(2) {
            let moment = start + Duration::from_secs(second);
            lease = written(&mut one, Some(lease.clone()), moment, at(second.cast_signed())).unwrap();
            assert_eq!(two.step(Some(lease.clone()), "n", now(moment, at(day))), Step::Follow);
        }
        let last = start + Duration::from_secs(58);
        let not_yet = now(last + DURATION - Duration::from_millis(1), at(day));
        assert_eq!(two.step(Some(lease.clone()), "n", not_yet), Step::Follow);
        let taken = written(&mut two, Some(lease), last + DURATION, at(day)).unwrap();
        let spec = taken.spec.clone().unwrap();
        assert_eq!((spec.holder_identity.as_deref(), spec.lease_transitions), (Some("two"), Some(1)));
        assert_eq!(one.step(Some(taken), "n", now(last + DURATION, at(73))), Step::Follow);
        assert_eq!(one.release(), None, "what is another's is not let go");
    }

    #[test]
    fn what_was_let_go_is_taken_at_once() {
        let (mut one, mut two) = (Election::new("one".into(), DURATION), Election::new("two".into(), DURATION));
        let now = Instant::now();
        written(&mut one, None, now, at(0)).unwrap();
        let released = one.release().unwrap();
        let taken = written(&mut two, Some(released), now, at(0)).unwrap();
        assert_eq!(taken.spec.unwrap().holder_identity.as_deref(), Some("two"));
    }

    #[test]
    fn the_time_of_taking_over_stays_and_that_of_renewal_goes_on() {
        let mut one = Election::new("one".into(), DURATION);
        let now = Instant::now();
        let lease = written(&mut one, None, now, at(1)).unwrap();
        let spec = written(&mut one, Some(lease), now, at(9)).unwrap().spec.unwrap();
        assert_eq!(spec.acquire_time, Some(MicroTime(at(1))));
        assert_eq!(spec.renew_time, Some(MicroTime(at(9))));
        assert_eq!(spec.lease_transitions, Some(0));
    }

    #[test]
    fn a_lease_that_was_deleted_is_made_again() {
        let mut one = Election::new("one".into(), DURATION);
        written(&mut one, None, Instant::now(), at(1)).unwrap();
        assert!(matches!(one.step(None, "n", now(Instant::now(), at(2))), Step::Create(_)));
    }

    #[test]
    fn one_without_an_envoy_gives_way_to_one_that_has_one_and_to_no_other() {
        let (mut one, mut two) = (Election::new("one".into(), DURATION), Election::new("two".into(), DURATION));
        let serving = now(Instant::now(), at(0));
        let alone = Now { serves: false, ..serving };
        let Step::Create(lease) = one.step(None, "n", alone) else { panic!("there is none") };
        one.holds(lease.clone(), alone.instant);
        assert_eq!(two.step(Some(lease.clone()), "n", alone), Step::Follow);
        let Step::Replace(taken) = two.step(Some(lease), "n", serving) else { panic!("it gives way") };
        assert_eq!(one.step(Some(taken.clone()), "n", serving), Step::Follow, "it is not taken back");
        two.holds(taken.clone(), serving.instant);
        let Step::Replace(left) = two.step(Some(taken), "n", alone) else { panic!("it is its own") };
        assert!(matches!(one.step(Some(left), "n", serving), Step::Replace(_)), "its Envoy went");
    }
}
