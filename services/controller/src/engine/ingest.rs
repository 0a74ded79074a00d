//! Taking changes in: into the world first, then to the Envoys.
//!
//! In two steps, because a source may have to fetch what the first made it want: a TLSContext that names another Secret must
//! not reach an Envoy before that Secret does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use nuncio_api::{Kind, ObjectId};
use nuncio_ir::Delta;
use tracing::{Span, info_span};

use super::Engine;
use super::changes::Before;
use crate::clock;
use crate::event::Event;
use crate::files::ObjectChange;
use crate::source::FileChange;

/// Changes that are in the world and not on their way yet.
#[derive(Debug)]
pub(super) struct Staged {
    noticed: Instant,
    span: Span,
    files: BTreeSet<Arc<str>>,
    /// The objects that were named, as they were before.
    before: BTreeMap<ObjectId, Before>,
    delta: Delta,
}

impl Staged {
    fn new(noticed: Instant, files: usize) -> Self {
        let span = info_span!("change", files, revision = tracing::field::Empty);
        Self { noticed, span, files: BTreeSet::new(), before: BTreeMap::new(), delta: Delta::default() }
    }
}

impl Engine {
    /// Takes changed files in and sends what they change.
    pub(crate) fn ingest(&mut self, changes: Vec<FileChange>, noticed: Instant) -> Vec<Event> {
        self.stage(changes, noticed);
        self.send_staged()
    }

    /// Takes changed files in and sends nothing yet.
    pub(crate) fn stage(&mut self, changes: Vec<FileChange>, noticed: Instant) {
        let mut staged = self.staged.take().unwrap_or_else(|| Staged::new(noticed, changes.len()));
        let _entered = staged.span.clone().entered();
        staged.files.extend(changes.iter().map(|change| Arc::clone(&change.file)));
        let objects = info_span!("parse").in_scope(|| self.files.apply(changes));
        self.world.note_unread_mappings(self.files.may_lack_mappings());
        self.compile(objects, &mut staged);
        self.staged = Some(staged);
    }

    /// Takes objects in and sends nothing yet.
    pub(super) fn stage_objects(&mut self, objects: Vec<ObjectChange>, noticed: Instant) {
        let mut staged = self.staged.take().unwrap_or_else(|| Staged::new(noticed, 0));
        let _entered = staged.span.clone().entered();
        self.compile(objects, &mut staged);
        self.staged = Some(staged);
    }

    /// Has those previews change for which it is time.
    pub(crate) fn pass_time(&mut self) -> Vec<Event> {
        if !self.loaded || self.staged.is_some() || !self.world.set_time(clock::now()) {
            return Vec::new();
        }
        self.stage_objects(Vec::new(), Instant::now());
        self.send_staged()
    }

    /// Whether an object was taken in, and what it changes is not sent yet.
    pub(super) fn is_staged(&self, id: &ObjectId) -> bool {
        self.staged.as_ref().is_some_and(|staged| staged.before.contains_key(id))
    }

    fn compile(&mut self, objects: Vec<ObjectChange>, staged: &mut Staged) {
        for (id, _) in &objects {
            staged.before.entry(id.clone()).or_insert_with(|| self.before(id));
        }
        self.world.set_time(clock::now());
        let given = objects.clone();
        let delta = info_span!("compile").in_scope(|| self.take_into_world(objects));
        self.know_foreign(given);
        staged.delta.merge(delta);
        self.edition = self.edition.wrapping_add(1);
    }

    /// Sends what was taken in.
    pub(crate) fn send_staged(&mut self) -> Vec<Event> {
        let Some(Staged { noticed, span, files, before, delta }) = self.staged.take() else { return Vec::new() };
        let _entered = span.clone().entered();
        let (files, ids): (Vec<_>, Vec<_>) = (files.into_iter().collect(), before.keys().cloned().collect());
        let reach = self.reach(&before);
        self.touched.given_away(self.given_away(&before));
        let mut changes = self.changes(before);
        let revision = self.publish(&delta, noticed, &span);
        let refused = self.forget_refusals();
        for change in &changes.effective {
            self.changed.insert(change.id.clone(), self.revision);
        }
        self.note_previews();
        if !self.loaded || reach == Reach::All {
            self.touched.everything();
        }
        let mut concerned = if self.loaded && reach >= Reach::Frame { self.and_the_frame(ids) } else { ids };
        concerned.extend(self.world.take_turned());
        let mut events = self.new_problems(&files, &concerned);
        // A change that is told says so itself, but not of others.
        changes.keep_told(revision);
        self.mended.retain(|event| !matches!(event, Event::Mended(subject) if changes.say_mended(subject)));
        events.extend(self.mended());
        events.extend(refused);
        if self.loaded {
            events.splice(0..0, changes.events(revision));
        } else {
            self.loaded = true;
            events.insert(0, self.serving(&events));
        }
        events
    }

    /// How far these changes reach. A changed file names all of its objects, most of which are what they were.
    fn reach(&self, before: &BTreeMap<ObjectId, Before>) -> Reach {
        let changed = before.iter().filter(|(id, before)| self.differs(id, before));
        changed.map(|(id, _)| Reach::of(id.kind)).max().unwrap_or(Reach::Kin)
    }

    /// These objects, and those that may have become wrong by them: the frame is made as a whole.
    fn and_the_frame(&self, mut ids: Vec<ObjectId>) -> Vec<ObjectId> {
        let frame = [
            Kind::Host,
            Kind::Ingress,
            Kind::Listener,
            Kind::Module,
            Kind::TCPMapping,
            Kind::TLSContext,
            Kind::AuthService,
            Kind::RateLimitService,
            Kind::Filter,
            Kind::FilterPolicy,
            Kind::GatewayFilter,
            Kind::GatewayFilterPolicy,
        ];
        let of_frame = |id: &&ObjectId| frame.contains(&id.kind);
        ids.extend(self.world.objects().map(|object| &object.id).filter(of_frame).cloned());
        ids
    }
}

/// With which other objects something may be wrong once an object is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// With those of its kind, and with those that the world names.
    Kin,
    /// With the frame as well.
    Frame,
    /// With any.
    All,
}

impl Reach {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Mapping | Kind::EndpointSlice | Kind::RateLimit | Kind::Preview => Self::Kin,
            // The world knows the Mappings that name it.
            Kind::Service => Self::Frame,
            _ => Self::All,
        }
    }
}

#[cfg(test)]
mod tests {
    use nuncio_xds::StreamId;

    use super::*;
    use crate::engine::fixture::engine;
    use crate::source::Content;

    fn object(kind: &str, spec: &str) -> String {
        format!("apiVersion: getambassador.io/v3alpha1\nkind: {kind}\nmetadata: {{name: a}}\nspec: {spec}\n---\n")
    }

    #[test]
    fn what_a_changed_file_names_and_does_not_change_reaches_nobody() {
        let mut engine = engine();
        let file = |text: &str| vec![FileChange { file: "all.yaml".into(), content: Content::Bytes(text.into()) }];
        let (host, broken) = (object("Host", "{hostname: a.example}"), object("Host", "{hostname: a.example, tls: x}"));
        let mapping = |path: &str| object("Mapping", &format!("{{hostname: a.example, prefix: {path}, service: s}}"));
        engine.ingest(file(&(mapping("/") + &host)), Instant::now());
        let mut reaches = |text: String| {
            engine.stage(file(&text), Instant::now());
            let reaches = engine.reach(&engine.staged.as_ref().unwrap().before) == Reach::All;
            engine.send_staged();
            reaches
        };
        assert!(!reaches(mapping("/x/") + &host), "a Mapping beside it is another");
        assert!(!reaches(format!("\n{host}") + &mapping("/x/")), "it stands elsewhere");
        assert!(reaches(object("Host", "{hostname: b.example}") + &mapping("/x/")), "it is another");
        assert!(reaches(broken.clone() + &mapping("/x/")), "what is wrong with it is another");
        assert!(!reaches(broken + &mapping("/y/")), "and is the same");
        assert!(reaches(mapping("/y/")), "it went");
        assert!(reaches(mapping("/y/") + &host), "it came");
    }

    #[test]
    fn a_service_reaches_the_frame_and_a_slice_those_that_the_world_names() {
        let mut engine = engine();
        let mut reach = |kind: &str, api: &str| {
            let text = format!("apiVersion: {api}\nkind: {kind}\nmetadata: {{name: a}}\nspec: {{}}\n");
            engine.stage(vec![FileChange { file: kind.into(), content: Content::Bytes(text.into()) }], Instant::now());
            let reach = engine.reach(&engine.staged.as_ref().unwrap().before);
            engine.send_staged();
            reach
        };
        assert_eq!(reach("Service", "v1"), Reach::Frame);
        assert_eq!(reach("EndpointSlice", "discovery.k8s.io/v1"), Reach::Kin);
        assert_eq!(reach("Host", "getambassador.io/v3alpha1"), Reach::All);
    }

    #[test]
    fn what_is_not_sent_yet_has_arrived_nowhere() {
        let (mut engine, id) = (engine(), ObjectId::new(Kind::Mapping, "default", "a"));
        let mapping = |path: &str| {
            let text = object("Mapping", &format!("{{hostname: a.example, prefix: {path}, service: s}}"));
            vec![FileChange { file: "a.yaml".into(), content: Content::Bytes(text.into()) }]
        };
        let acknowledge = |engine: &mut Engine| engine.synced.insert(StreamId(1), Some(engine.revision));
        engine.ingest(mapping("/"), Instant::now());
        acknowledge(&mut engine);
        assert!(engine.has_arrived(&id));
        engine.stage(mapping("/x/"), Instant::now());
        assert!(!engine.has_arrived(&id), "the world has its new generation already");
        engine.send_staged();
        acknowledge(&mut engine);
        assert!(engine.has_arrived(&id));
    }

    #[test]
    fn an_object_that_comes_twice_is_told_of() {
        let mut engine = engine();
        let write = |name: &str, text: &str| {
            vec![FileChange { file: name.into(), content: Content::Bytes(text.as_bytes().into()) }]
        };
        let text = object("Mapping", "{hostname: a.example, prefix: /, service: s}");
        let other = object("Mapping", "{hostname: a.example, prefix: /, service: t}");
        engine.ingest(write("m.yaml", &text), Instant::now());
        let mut told = |name: &str, text: &str| -> Vec<_> {
            let events = engine.ingest(write(name, text), Instant::now()).into_iter();
            let problem = |event| match event {
                Event::Problem(found) => Some((found.problem.reason, found.location?.file.to_string())),
                _ => None,
            };
            let duplicates = events.filter_map(problem).filter(|(reason, _)| *reason == "Duplicate");
            duplicates.map(|(reason, file)| format!("{reason} {file}")).collect()
        };
        assert_eq!(told("z.yaml", &other), ["Duplicate m.yaml"], "the later counts");
        assert_eq!(told("a.yaml", &other), ["Duplicate a.yaml"], "the new one does not, and changes nothing");
        assert_eq!(told("a.yaml", &other), [""; 0], "said once");
        assert_eq!(
            told("zz.yaml", &text),
            ["Duplicate a.yaml", "Duplicate m.yaml", "Duplicate z.yaml"],
            "another counts"
        );
    }
}
