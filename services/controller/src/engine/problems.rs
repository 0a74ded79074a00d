//! What is wrong, what of it is new, and what is mended.

use std::collections::BTreeSet;
use std::sync::Arc;

use nuncio_api::{Object, ObjectId};

use super::Engine;
use crate::event::{Event, LocatedProblem, Subject};
use crate::files::Found;

/// A problem that was announced: its object, its file, its text.
pub(super) type KnownProblem = (Option<ObjectId>, Option<Arc<str>>, String);

impl Engine {
    /// Problems of these files and objects that were not there before.
    pub(crate) fn new_problems(&mut self, files: &[Arc<str>], ids: &[ObjectId]) -> Vec<Event> {
        self.touched.objects(ids);
        let mut new = Vec::new();
        for file in files {
            let found = self.files.problems_in(file).into_iter().map(located).collect();
            self.know(Subject::File(Arc::clone(file)), found, &mut new);
        }
        for id in ids {
            let mut found = self.object_problems(id);
            found.extend(self.files.problems_of_ousted(id).map(located));
            self.know(Subject::Object(id.clone()), found, &mut new);
        }
        self.files.locate(&mut new);
        new.into_iter().map(Event::Problem).collect()
    }

    /// Knows these problems of a subject from now on, instead of those that it had; adds those that are new to `new`.
    pub(super) fn know(&mut self, subject: Subject, found: Vec<LocatedProblem>, new: &mut Vec<LocatedProblem>) {
        let known = |problem: &LocatedProblem| {
            let file = problem.location.as_ref().map(|location| Arc::clone(&location.file));
            (problem.object.clone(), file, problem.problem.to_string())
        };
        let all: BTreeSet<KnownProblem> = found.iter().map(known).collect();
        if let Subject::Object(id) = &subject {
            if found.iter().any(LocatedProblem::is_passing) {
                self.passing.insert(id.clone());
            } else if self.passing.remove(id) && !all.is_empty() {
                self.mended.push(Event::Passed(id.clone()));
            }
        }
        let mut before = if all.is_empty() {
            let before = self.known_problems.remove(&subject).unwrap_or_default();
            self.mended.extend((!before.is_empty()).then_some(Event::Mended(subject)));
            before
        } else {
            self.known_problems.insert(subject, all).unwrap_or_default()
        };
        new.extend(found.into_iter().filter(|problem| before.insert(known(problem))));
    }

    /// Says what has no problem any more.
    pub(super) fn mended(&mut self) -> impl Iterator<Item = Event> + use<> {
        std::mem::take(&mut self.mended).into_iter()
    }

    /// What is wrong with one object: with its text, and with it among the others.
    pub(crate) fn object_problems(&self, id: &ObjectId) -> Vec<LocatedProblem> {
        let of_text = self.files.problems_of(id).into_iter().map(located);
        match self.world.object(id) {
            Some(object) => of_text.chain(self.problems_among_others(object)).collect(),
            None => of_text.collect(),
        }
    }

    /// What is wrong with an object whatever its text.
    pub(crate) fn problems_among_others(&self, object: &Object) -> impl Iterator<Item = LocatedProblem> {
        let problems = self.world.problems(&object.id).into_iter().chain(self.refusals.problems_of(Some(&object.id)));
        let problems = problems.chain(self.ports.problem_of(&object.id)).chain(self.unasked_of(&object.id));
        let problems = problems.chain(self.not_fetched(&object.id)).chain(self.troubles_of(&object.id));
        problems.map(|problem| LocatedProblem::of(Some(object), problem))
    }
}

pub(crate) fn located(found: Found) -> LocatedProblem {
    let Found { object, called, problem, location, snippet } = found;
    // An object that is in no file is named, and that is place enough.
    let location = Some(location).filter(|location| location.has_lines() || object.is_none());
    LocatedProblem { object, called, problem, location, snippet }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use nuncio_api::Kind;
    use nuncio_translate::{Settings, World};
    use nuncio_xds::{Options, Server};

    use super::*;
    use crate::engine::fixture;
    use crate::files::Files;
    use crate::metrics::Metrics;
    use crate::run::defaults;
    use crate::source::{Content, FileChange};

    #[test]
    fn what_passes_by_itself_is_not_counted_when_serving_begins() {
        let world = World::new(Settings { makes_preview_keys: true, ..fixture::settings() });
        let (server, _) = Server::new(Options::default());
        let mut engine = Engine::new(Files::new(defaults("default", false)), world, server, Metrics::new());
        let preview = |kind: &str, spec: &str| {
            format!("apiVersion: nuncio.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: a}}\nspec: {spec}\n---\n")
        };
        let mapping = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: a}\n\
            spec: {hostname: a.example, prefix: /, service: s, misspelt: 1}\n---\n";
        let text = mapping.to_owned()
            + &preview("PreviewPolicy", "{domain: pre.example, namespaces: [default], hosts: ['*'], access: [Public]}")
            + &preview(
                "Preview",
                "{services: [{baseline: s, backend: t}], entrypoints: [{name: web, host: a.example}], access: {mode: Public}}",
            );
        let file = FileChange { file: "a.yaml".into(), content: Content::Bytes(text.into()) };
        let events = engine.ingest(vec![file], Instant::now());
        let told = |is_passing: bool| {
            let is_one = |event: &&Event| matches!(event, Event::Problem(one) if one.is_passing() == is_passing);
            events.iter().filter(is_one).count()
        };
        let Some(Event::Serving { problems, .. }) = events.first() else { panic!("{events:?}") };
        assert_eq!((told(true), *problems), (1, told(false)), "{events:#?}");
        assert!(*problems > 0, "{events:#?}");
        // Something else is wrong with it: that is told, and that the keys are there.
        let keys = "apiVersion: v1\nkind: Secret\nmetadata: {name: nuncio-preview-keys}\nstringData: {key: 0123456789abcdef}\n";
        let file = FileChange { file: "keys.yaml".into(), content: Content::Bytes(keys.into()) };
        let events = engine.ingest(vec![file], Instant::now());
        let passed = |event: &Event| matches!(event, Event::Passed(id) if id.kind == Kind::Preview);
        assert_eq!(events.iter().filter(|event| passed(event)).count(), 1, "{events:#?}");
        let last = engine.object_problems(&ObjectId::new(Kind::Preview, "default", "a"));
        assert!(!last.is_empty() && !last.iter().any(LocatedProblem::is_passing), "{last:#?}");
    }

    #[test]
    fn a_module_is_told_when_another_begins_to_count() {
        let mut engine = fixture::engine();
        let module = |namespace: &str, config: &str| {
            let text = format!(
                "apiVersion: getambassador.io/v3alpha1\nkind: Module\nmetadata: {{name: ambassador, namespace: {namespace}}}\n\
                 spec: {{config: {config}}}\n"
            );
            FileChange { file: format!("{namespace}.yaml").into(), content: Content::Bytes(text.into()) }
        };
        let mut told = |change: FileChange| -> Vec<(String, &'static str)> {
            let of = |event| match event {
                Event::Problem(LocatedProblem { object: Some(id), problem, .. }) => {
                    Some((id.namespace.to_string(), problem.reason))
                }
                _ => None,
            };
            engine.ingest(vec![change], Instant::now()).into_iter().filter_map(of).collect()
        };
        let named = |reason| ("named".to_owned(), reason);
        let first = told(module("named", "[]"));
        assert!(first.contains(&named("DefaultSettings")), "{first:?}");
        assert_eq!(told(module("other", "{server_name: edge}")), [named("DuplicateModule")]);
    }

    #[test]
    fn no_label_is_missed_while_a_text_cannot_be_read_that_may_make_it() {
        let mut engine = fixture::engine();
        let file = |name: &str, text: &str| FileChange { file: name.into(), content: Content::Bytes(text.into()) };
        let limits = "apiVersion: getambassador.io/v3alpha1\nkind: RateLimitService\nmetadata: {name: s}\n\
            spec: {service: '127.0.0.1:1', protocol_version: v3}\n---\n\
            apiVersion: getambassador.io/v3alpha1\nkind: RateLimit\nmetadata: {name: a}\n\
            spec: {limits: [{pattern: [{user: '*'}], rate: 1, unit: day}]}\n";
        let broken = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: a}\nspec: {prefix: [\n";
        let mut is_told = |change| {
            let events = engine.ingest(vec![change], Instant::now());
            let is_one = |event: &Event| matches!(event, Event::Problem(one) if one.problem.reason == "NoSuchLabel");
            events.iter().any(is_one)
        };
        assert!(!is_told(file("catalog.yaml", broken)));
        assert!(!is_told(file("limits.yaml", limits)), "the Mapping may make it");
        assert!(is_told(FileChange { file: "catalog.yaml".into(), content: Content::Gone }), "none does");
        assert!(!is_told(file("catalog.yaml", broken)));
        let of_limit = engine.object_problems(&ObjectId::new(Kind::RateLimit, "default", "a"));
        assert!(of_limit.iter().all(|one| one.problem.reason != "NoSuchLabel"), "{of_limit:?}");
    }
}
