//! Events (`events.k8s.io/v1`) for errors: `kubectl describe` and `kubectl events` show them beside the object.
//!
//! Which are written is decided here, without I/O: one that was there a while ago is counted up rather than written again, and
//! there are never more than a few in a second, since the statuses say it all anyway.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::{Event, EventSeries};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::api::Target;

/// Longest note that the API server takes, in bytes.
const LONGEST_NOTE: usize = 1024;
/// How long a repetition is counted up: kube-apiserver keeps events for an hour.
const SERIES: Duration = Duration::from_secs(30 * 60);
/// Events that are remembered.
const MOST: usize = 4096;
/// Events in a burst, and then each second.
const BURST: f64 = 50.0;
const PER_SECOND: f64 = 5.0;
/// How long nothing is written after an event could not be: the statuses have the server's time first.
const PAUSE: Duration = Duration::from_secs(10);

/// What makes two events the same.
type Same = (String, &'static str, String);

/// The events of late.
#[derive(Debug)]
pub(super) struct Recorder {
    /// Whose they are: the name of this process.
    instance: String,
    known: BTreeMap<Same, Known>,
    /// How many may be written now.
    tokens: f64,
    refilled: Instant,
}

#[derive(Debug)]
struct Known {
    name: String,
    count: i32,
    last: Instant,
}

/// What is to be done for an event.
#[derive(Clone, Debug)]
pub(super) enum Write {
    Create(Box<Event>),
    /// The event of this name happened once more.
    Repeat {
        name: String,
        patch: Value,
    },
}

impl Recorder {
    pub(super) fn new(instance: &str, now: Instant) -> Self {
        Self { instance: instance.to_owned(), known: BTreeMap::new(), tokens: BURST, refilled: now }
    }

    /// Something is wrong with an object. `None` if there is nothing to write.
    pub(super) fn record(
        &mut self,
        target: &Target,
        reason: &'static str,
        message: &str,
        now: (Instant, Timestamp),
    ) -> Option<Write> {
        let (now, time) = now;
        self.tokens = BURST.min(self.tokens + now.duration_since(self.refilled).as_secs_f64() * PER_SECOND);
        self.refilled = self.refilled.max(now);
        if self.tokens < 1.0 {
            return None;
        }
        self.tokens -= 1.0;
        let same = (target.uid.to_string(), reason, message.to_owned());
        if let Some(known) = self.known.get_mut(&same).filter(|known| now.duration_since(known.last) < SERIES) {
            (known.count, known.last) = (known.count.saturating_add(1), now);
            let series = EventSeries { count: known.count, last_observed_time: MicroTime(time) };
            return Some(Write::Repeat { name: known.name.clone(), patch: json!({ "series": series }) });
        }
        self.make_room(now);
        let event = self.event(target, reason, message, time);
        let name = event.metadata.name.clone().unwrap_or_default();
        self.known.insert(same, Known { name, count: 1, last: now });
        Some(Write::Create(Box::new(event)))
    }

    /// The event of this name could not be written: it is not there to be counted up, and others wait a while.
    pub(super) fn lost(&mut self, name: &str, now: Instant) {
        self.known.retain(|_, known| known.name != name);
        (self.tokens, self.refilled) = (0.0, now + PAUSE);
    }

    fn make_room(&mut self, now: Instant) {
        if self.known.len() >= MOST {
            self.known.retain(|_, known| now.duration_since(known.last) < SERIES);
        }
        if self.known.len() >= MOST {
            self.known.pop_first();
        }
    }

    fn event(&self, target: &Target, reason: &str, message: &str, time: Timestamp) -> Event {
        let Target { api, namespace, name, uid } = target;
        Event {
            // As client-go names them: what it is about, and when. The name may be as long as that of an object.
            metadata: ObjectMeta {
                name: Some(format!("{}.{:x}", cut(name, 200), time.as_nanosecond())),
                namespace: Some(namespace.to_string()),
                ..ObjectMeta::default()
            },
            event_time: Some(MicroTime(time)),
            type_: Some("Warning".to_owned()),
            reason: Some(reason.to_owned()),
            action: Some("Configure".to_owned()),
            note: Some(cut(message, LONGEST_NOTE).to_owned()),
            regarding: Some(ObjectReference {
                api_version: Some(api.api_version()),
                kind: Some(api.kind.to_owned()),
                namespace: Some(namespace.to_string()),
                name: Some(name.to_string()),
                uid: Some(uid.to_string()),
                ..ObjectReference::default()
            }),
            reporting_controller: Some("nuncio".to_owned()),
            reporting_instance: Some(cut(&self.instance, 128).to_owned()),
            ..Event::default()
        }
    }
}

/// The beginning of a text.
fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    &text[..end]
}

#[cfg(test)]
mod tests {
    use nuncio_api::Kind;

    use super::*;
    use crate::source::kubernetes::resources::api_kind;

    fn target(name: &str) -> Target {
        let api = api_kind(Kind::Mapping).unwrap();
        Target { api, namespace: "shop".into(), name: name.into(), uid: format!("uid-{name}").into() }
    }

    #[test]
    fn a_repetition_is_counted_and_another_error_is_another_event() {
        let start = Instant::now();
        let at =
            |seconds| (start + Duration::from_secs(seconds), Timestamp::from_second(seconds.cast_signed()).unwrap());
        let mut recorder = Recorder::new("nuncio-1", start);
        let Some(Write::Create(first)) = recorder.record(&target("a"), "Invalid", "wrong", at(0)) else { panic!() };
        assert_eq!(first.regarding.as_ref().unwrap().uid.as_deref(), Some("uid-a"));
        let Some(Write::Repeat { name, patch }) = recorder.record(&target("a"), "Invalid", "wrong", at(60)) else {
            panic!()
        };
        assert_eq!(Some(name), first.metadata.name);
        assert_eq!(patch["series"]["count"], 2);
        assert!(matches!(recorder.record(&target("a"), "Invalid", "other", at(60)), Some(Write::Create(_))));
        assert!(matches!(recorder.record(&target("b"), "Invalid", "wrong", at(60)), Some(Write::Create(_))));
        let late = 60 + SERIES.as_secs();
        assert!(matches!(recorder.record(&target("a"), "Invalid", "wrong", at(late)), Some(Write::Create(_))));
    }

    #[test]
    fn ten_thousand_bad_objects_are_not_ten_thousand_events() {
        let start = Instant::now();
        let mut recorder = Recorder::new("nuncio-1", start);
        let mut written = 0;
        for n in 0..10_000_u32 {
            let now = start + Duration::from_millis(u64::from(n));
            written += usize::from(
                recorder.record(&target(&n.to_string()), "Invalid", "wrong", (now, Timestamp::UNIX_EPOCH)).is_some(),
            );
        }
        assert!((90..110).contains(&written), "{written}");
        assert!(recorder.known.len() <= MOST);
    }

    #[test]
    fn an_event_that_was_lost_is_made_again_after_a_while() {
        let start = Instant::now();
        let mut recorder = Recorder::new("nuncio-1", start);
        let record = |recorder: &mut Recorder, now| {
            recorder.record(&target("a"), "Invalid", "wrong", (now, Timestamp::UNIX_EPOCH))
        };
        let Some(Write::Create(event)) = record(&mut recorder, start) else { panic!() };
        recorder.lost(&event.metadata.name.unwrap(), start);
        assert!(record(&mut recorder, start + PAUSE / 2).is_none());
        assert!(matches!(record(&mut recorder, start + PAUSE * 2), Some(Write::Create(_))));
    }

    #[test]
    fn a_note_is_as_long_as_the_api_server_allows() {
        let mut recorder = Recorder::new("nuncio-1", Instant::now());
        let now = (Instant::now(), Timestamp::UNIX_EPOCH);
        let Some(Write::Create(event)) = recorder.record(&target("a"), "Invalid", &"é".repeat(1000), now) else {
            panic!()
        };
        assert_eq!(event.note.unwrap().len(), LONGEST_NOTE);
    }
}
