//! What has happened to previews since this controller began, and what other gateways have noticed. Those are looked at of which
//! the world says that something may be other, and those that Envoys did not have yet when one of them says what it has.

mod noticed;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use nuncio_api::{Object, ObjectId};
use nuncio_translate::PreviewReplacement;

use crate::admin::{PreviewEventKind, PreviewEventView};
use crate::clock;
use crate::engine::Engine;

/// How much is kept of each.
const KEPT: usize = 50;

/// Of all previews that there are.
#[derive(Debug, Default)]
pub(crate) struct Events {
    logs: BTreeMap<ObjectId, Log>,
    /// Those that are shown, and that some Envoy does not have yet as they are.
    waiting: BTreeSet<ObjectId>,
}

#[derive(Debug, Default)]
struct Log {
    last: Shape,
    /// What was told last of whether it can be seen, since it changed.
    told: Option<PreviewEventKind>,
    events: VecDeque<PreviewEventView>,
}

/// What may be another when it is looked at next.
#[derive(Clone, Debug, Default)]
struct Shape {
    object: Option<Arc<Object>>,
    /// It can be seen, or will be in a moment.
    is_shown: bool,
    /// Every Envoy has it as it is.
    is_live: bool,
    expires: Option<u64>,
    ends_soon: bool,
    has_ended: bool,
    /// Services of which the baseline gets the requests.
    fallen_back: BTreeSet<String>,
    /// Those of which nobody does.
    failing: BTreeSet<String>,
}

impl Engine {
    /// Notes what has become of previews by a change.
    pub(crate) fn note_previews(&mut self) {
        for id in self.world.take_settled_previews() {
            self.note_preview(&id);
        }
    }

    /// Notes which of them every Envoy has by now.
    pub(crate) fn note_arrived_previews(&mut self) {
        let arrived: Vec<_> = self.events.waiting.iter().filter(|id| self.has_arrived(id)).cloned().collect();
        arrived.iter().for_each(|id| self.note_preview(id));
    }

    fn note_preview(&mut self, id: &ObjectId) {
        let shape = self.world.object(id).map(|object| shape(self, object));
        let Some(shape) = shape else {
            self.traffic.forget(id);
            return self.events.forget(id);
        };
        let is_waiting = shape.is_shown && !shape.is_live;
        match is_waiting {
            true => self.events.waiting.insert(id.clone()),
            false => self.events.waiting.remove(id),
        };
        self.events.logs.entry(id.clone()).or_default().note(shape, clock::now());
    }
}

fn shape(engine: &Engine, object: &Arc<Object>) -> Shape {
    let id = &object.id;
    let has_ended = engine.world.preview_has_ended(id, false);
    let named = |is_meant: fn(&PreviewReplacement<'_>) -> bool| {
        let replacements = engine.world.preview_replacements(id).into_iter().filter(is_meant);
        replacements.map(|it| it.service.baseline.to_string()).collect()
    };
    let is_shown = !engine.world.preview_urls(id).is_empty();
    Shape {
        object: Some(Arc::clone(object)),
        is_shown,
        is_live: is_shown && engine.has_arrived(id),
        expires: engine.world.preview_end(id),
        ends_soon: engine.world.preview_ends_soon(id),
        has_ended,
        fallen_back: named(|it| it.falls_back),
        failing: named(|it| it.missing.is_some() && !it.falls_back),
    }
}

impl Log {
    fn note(&mut self, new: Shape, now: u64) {
        let happened = happened(&self.last, &new);
        if happened.iter().any(|(kind, _)| *kind == PreviewEventKind::Changed) {
            self.told = None;
        }
        let is_told = self.told == Some(PreviewEventKind::Live);
        let seen = match is_told {
            false if new.is_live => Some(PreviewEventKind::Live),
            true if !new.is_shown && !new.has_ended => Some(PreviewEventKind::Hidden),
            _ => None,
        };
        self.told = seen.or(self.told);
        let seen = seen.map(|kind| (kind, String::new()));
        for (kind, detail) in happened.into_iter().chain(seen) {
            let created = new.object.as_ref().and_then(|object| object.created);
            let at = created.filter(|_| kind == PreviewEventKind::Created).unwrap_or(now);
            self.events.push_back(PreviewEventView { at, kind, detail });
        }
        self.leave_out_again();
        self.limit();
        self.last = new;
    }

    fn limit(&mut self) {
        let surplus = self.events.len().saturating_sub(KEPT);
        self.events.drain(..surplus);
    }
}

fn is_same(old: &Shape, new: &Shape) -> bool {
    match (&old.object, &new.object) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other) || one.spec == other.spec,
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// What has become of one since it was last looked at.
fn happened(old: &Shape, new: &Shape) -> Vec<(PreviewEventKind, String)> {
    use PreviewEventKind::{Changed, Created, Ended, EndsSoon, Extended, Failed, FellBack, Returned};
    let mut all = Vec::new();
    let mut tell = |is_so: bool, kind: PreviewEventKind, detail: String| all.extend(is_so.then_some((kind, detail)));
    let is_first = old.object.is_none();
    let is_changed = !is_first && !is_same(old, new);
    tell(is_first, Created, String::new());
    // Who changes when it ends alone has it extended, or ended.
    let is_later = !is_first && !new.has_ended && (old.has_ended || later(old.expires, new.expires));
    let until = new.expires.map(clock::text).unwrap_or_default();
    tell(is_changed && is_later, Extended, until.clone());
    tell(is_changed && !is_later && !new.has_ended, Changed, String::new());
    for service in new.fallen_back.difference(&old.fallen_back) {
        tell(true, FellBack, service.clone());
    }
    for service in new.failing.difference(&old.failing) {
        tell(true, Failed, service.clone());
    }
    for service in old.fallen_back.union(&old.failing) {
        let is_back = !new.fallen_back.contains(service) && !new.failing.contains(service);
        tell(is_back && !new.has_ended, Returned, service.clone());
    }
    tell(new.ends_soon && !old.ends_soon, EndsSoon, until);
    tell(new.has_ended && !old.has_ended, Ended, String::new());
    all
}

fn later(old: Option<u64>, new: Option<u64>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => new > old,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

impl Events {
    /// What has happened to one, the last first.
    pub(crate) fn of(&self, id: &ObjectId) -> impl Iterator<Item = &PreviewEventView> {
        self.logs.get(id).into_iter().flat_map(|log| log.events.iter().rev())
    }

    /// Whether there are no previews.
    pub(super) fn is_empty(&self) -> bool {
        self.logs.is_empty()
    }

    /// Takes in what another gateway has noticed of one that there is.
    pub(super) fn take(&mut self, id: &ObjectId, noticed: Vec<PreviewEventView>) {
        if let Some(log) = self.logs.get_mut(id) {
            log.take(noticed);
        }
    }

    fn forget(&mut self, id: &ObjectId) {
        self.logs.remove(id);
        self.waiting.remove(id);
    }
}

#[cfg(test)]
mod tests {
    use nuncio_api::{Defaults, parse};
    use serde_json::json;

    use super::*;

    fn object(slug: &str) -> Arc<Object> {
        let text = json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": "Preview",
            "metadata": {"name": "tax", "creationTimestamp": "1970-01-01T00:00:05Z"},
            "spec": {"slug": slug, "services": [{"baseline": "cart", "backend": "cart-2"}],
                "entrypoints": [{"name": "web", "host": "shop.example"}], "access": {"mode": "Public"}}});
        let defaults = Defaults { namespace: "shop".into(), env: None };
        Arc::new(parse(text.to_string().as_bytes(), &Arc::from("it"), &defaults).objects.remove(0))
    }

    /// What is told as one becomes the other.
    fn told(shapes: Vec<Shape>) -> Vec<String> {
        let mut log = Log::default();
        for (at, shape) in shapes.into_iter().enumerate() {
            log.note(shape, 10 + at as u64);
        }
        log.events
            .iter()
            .map(|event| format!("{} {:?} {}", event.at, event.kind, event.detail).trim().to_owned())
            .collect()
    }

    #[test]
    fn what_becomes_of_a_preview_is_told_once() {
        let first = Shape { object: Some(object("a")), is_shown: true, expires: Some(100), ..Shape::default() };
        let live = Shape { is_live: true, ..first.clone() };
        let of = |services: &[&str]| services.iter().map(|&service| service.to_owned()).collect::<BTreeSet<_>>();
        let steps = vec![
            first,
            live.clone(),
            live.clone(),
            Shape { fallen_back: of(&["cart"]), failing: of(&["web"]), ..live.clone() },
            live.clone(),
            Shape { ends_soon: true, ..live.clone() },
            Shape { object: Some(object("b")), expires: Some(200), is_live: false, ..live.clone() },
            Shape { object: Some(object("b")), expires: Some(200), ..live.clone() },
            Shape { object: Some(object("c")), expires: Some(200), ..live.clone() },
            Shape { object: Some(object("c")), is_shown: false, is_live: false, has_ended: true, ..live },
        ];
        assert_eq!(
            told(steps),
            [
                "5 Created",
                "11 Live",
                "13 FellBack cart",
                "13 Failed web",
                "14 Returned cart",
                "14 Returned web",
                "15 EndsSoon 1970-01-01T00:01:40Z",
                "16 Extended 1970-01-01T00:03:20Z",
                "18 Changed",
                "18 Live",
                "19 Ended",
            ]
        );
    }

    #[test]
    fn what_is_extended_again_after_it_was_shortened_is_told_again() {
        let of = |slug: &str, expires: u64| Shape {
            object: Some(object(slug)),
            expires: Some(expires),
            is_shown: true,
            is_live: true,
            ..Shape::default()
        };
        let extended = "Extended 1970-01-01T00:03:20Z";
        assert_eq!(
            told(vec![of("a", 100), of("b", 200), of("c", 100), of("d", 200)])[2..],
            [format!("11 {extended}"), "12 Changed".to_owned(), "12 Live".to_owned(), format!("13 {extended}")]
        );
    }

    #[test]
    fn what_cannot_be_seen_any_more_is_told_and_not_much_is_kept() {
        let live = Shape { object: Some(object("a")), is_shown: true, is_live: true, ..Shape::default() };
        let hidden = Shape { is_shown: false, is_live: false, ..live.clone() };
        assert_eq!(
            told(vec![live.clone(), hidden.clone(), hidden, live.clone()])[1..],
            ["10 Live", "11 Hidden", "13 Live"]
        );
        let many = (0..200).map(|at| Shape { object: Some(object(&format!("s{at}"))), ..live.clone() });
        assert_eq!(told(many.collect()).len(), KEPT);
    }
}
