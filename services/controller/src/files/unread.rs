//! What cannot be read: what stays in force instead, and what is closed meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use nuncio_api::{
    FileProblem, Guard, Kind, Location, Object, ObjectId, Parsed, Problem, Remains, Severity, Spec, UNREADABLE_GUARD,
    guard_in,
};

use super::objects::Objects;
use super::{File, Files, Found};

impl Files {
    /// Whether there are texts that may be Mappings, and that cannot be read.
    pub(crate) fn may_lack_mappings(&self) -> bool {
        !self.unread.is_empty()
    }

    /// A file is another, or gone.
    pub(super) fn note_unread(&mut self, file: &Arc<str>, new: Option<&File>) {
        if new.is_some_and(lacks_mapping) {
            self.unread.insert(Arc::clone(file));
        } else {
            self.unread.remove(file);
        }
    }

    /// Reads what a crash left of a file that was being written: it must not count as an empty one.
    pub(super) fn torn(&self, text: &str, file: &Arc<str>, old: &File) -> File {
        let problem = Problem::error("InvalidYaml", "", "holds NUL bytes");
        let stays = Problem::error("InvalidYaml", "", "holds NUL bytes; what was read before stays");
        let line = 1 + text.chars().take_while(|c| *c != '\0').filter(|c| *c == '\n').count();
        let mut torn = kept(file, old.objects.clone(), stays, u32::try_from(line).unwrap_or(u32::MAX));
        let location = torn.problems.first().map(|found| found.location.clone());
        if let (Some(id), Some(location)) = (guard_in(text, &self.defaults), location) {
            let snippet = String::new();
            let (id, called, remains) = (Some(id), None, Remains::Nothing);
            let found = FileProblem { problem, location, snippet, id, called, remains };
            let is_new = |unread: &Object| old.objects.get(&unread.id).is_none_or(|held| stands_in(held));
            if let Some(unread) = self.unread(&found, old).filter(is_new) {
                // It says itself what is wrong with the file: nothing good was read of it before.
                torn.problems.clear();
                torn.objects = torn.objects.and(unread);
            }
        }
        torn
    }

    /// What cannot be read and closes something all the same, until it can be: an object that shuts somebody out, and an
    /// access list. What comes to a gateway that runs without it changes nothing.
    pub(super) fn unread(&self, found: &FileProblem, old: &File) -> Option<Object> {
        let id = found.id.clone().filter(|id| !self.is_new(id, old.objects.get(id)))?;
        let location = found.location.clone();
        let (remains, problems) = match (&found.remains, Guard::of(id.kind)) {
            (Remains::AccessList, _) => (Remains::AccessList, Vec::new()),
            (_, Some(guard)) => {
                let Problem { message, field, .. } = &found.problem;
                let message = format!("cannot be read ({message}): {}", guard.meanwhile);
                let problem = Problem::error(UNREADABLE_GUARD, field.as_str(), message);
                (closed(guard.kind, &found.remains), vec![(problem, location.clone())])
            }
            _ => return None,
        };
        let (labels, annotations, ambassador_id) = (BTreeMap::new(), BTreeMap::new(), vec!["_automatic_".to_owned()]);
        let (spec, generation, uid, created) = (Spec::Invalid(remains), None, None, None);
        let annotated = false;
        Some(Object {
            id,
            location,
            labels,
            annotations,
            ambassador_id,
            spec,
            problems,
            generation,
            uid,
            created,
            annotated,
        })
    }
}

/// Whether a text of a file may be a Mapping, and cannot be read.
fn lacks_mapping(file: &File) -> bool {
    let is_mapping = |id: &ObjectId| id.kind == Kind::Mapping;
    let may_be_one = |found: &Found| found.called.is_none() && found.object.as_ref().is_none_or(is_mapping);
    file.problems.iter().any(|found| found.problem.severity == Severity::Error && may_be_one(found))
}

/// Whether an object stands in for a document that cannot be read.
pub(super) fn stands_in(object: &Object) -> bool {
    object.problems.iter().any(|(problem, _)| problem.reason == UNREADABLE_GUARD)
}

/// What is left of such an object: of a `FilterPolicy` the requests that it is for, if they can be told, else any; of a Host
/// its name, if that can be told.
fn closed(kind: Kind, remains: &Remains) -> Remains {
    match (kind, remains) {
        (Kind::FilterPolicy, Remains::Rules(rules)) => Remains::Rules(rules.clone()),
        (Kind::FilterPolicy, _) => Remains::AnyRule,
        (Kind::Host, Remains::Hostname(name)) => Remains::Hostname(name.clone()),
        _ => Remains::Nothing,
    }
}

/// A file that the system does not let be read.
pub(super) fn unreadable(file: &Arc<str>, objects: Objects, error: &str) -> File {
    let message = format!("cannot be read: {error}; what was read before stays");
    // There is no line to name.
    kept(file, objects, Problem::error("UnreadableFile", "", message), 0)
}

/// What an API server does not send.
pub(super) fn not_json(name: &Arc<str>, error: &serde_json::Error) -> Parsed {
    let problem = Problem::error("InvalidJson", "", format!("cannot be read: {error}"));
    let location = Location { file: Arc::clone(name), line: 0, column: 0 };
    let (snippet, remains) = (String::new(), Remains::Nothing);
    let found = FileProblem { problem, location, snippet, id: None, called: None, remains };
    Parsed { problems: vec![found], ..Parsed::default() }
}

/// A file of which nothing new can be read: what was read before stays.
fn kept(file: &Arc<str>, objects: Objects, problem: Problem, line: u32) -> File {
    let location = Location { file: Arc::clone(file), line, column: line.min(1) };
    let object = objects.iter().find(|object| !object.location.has_lines()).map(|object| object.id.clone());
    let problem = Found { object, called: None, problem, location, snippet: String::new() };
    let left = objects.ids().cloned().collect();
    File { hash: None, objects, left, problems: vec![problem], snippets: BTreeMap::new() }
}
