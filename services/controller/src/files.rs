//! What the files say, file by file: which object counts where two files have it, and what stays where a
//! file can no longer be read.

mod module;
mod objects;
mod places;
mod problems;
mod unread;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use nuncio_api::{
    Defaults, FileProblem, Location, Object, ObjectId, Parsed, Problem, Remains, Severity, Spec, Text, from_json,
    is_blank, parse,
};
use nuncio_translate::{script_problem, secret_problem};
use tracing::warn;
use xxhash_rust::xxh3::xxh3_128;

use self::objects::Objects;
use self::unread::{not_json, stands_in, unreadable};
use crate::source::{Content, FileChange};

/// Said where something is broken that was good before.
const STAYS: &str = "; what was last good stays in force";

/// An object that came, changed (`Some`) or went (`None`).
pub(crate) type ObjectChange = (ObjectId, Option<Arc<Object>>);

/// A problem with its place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) object: Option<ObjectId>,
    /// What an object is called that has no id, since its kind is none that is read.
    pub(crate) called: Option<String>,
    pub(crate) problem: Problem,
    pub(crate) location: Location,
    /// The line, with a caret below the column; empty where there is none.
    pub(crate) snippet: String,
}

/// The state of all files.
#[derive(Debug)]
pub(crate) struct Files {
    defaults: Defaults,
    /// Where the files are, if they are files.
    directory: Option<PathBuf>,
    files: BTreeMap<Arc<str>, File>,
    /// The files that have an object; the last one in which it can be used counts, as if they were applied in order, and one
    /// by itself before one in an annotation.
    owners: BTreeMap<ObjectId, BTreeSet<Arc<str>>>,
    /// There was something in force before. What comes new and cannot be read changes nothing then; at the
    /// start it may have been a guard, so that it fails closed.
    running: bool,
    /// Those with a text that may be a Mapping, and that cannot be read.
    unread: BTreeSet<Arc<str>>,
}

#[derive(Debug, Default)]
struct File {
    /// Of the text that was read last.
    hash: Option<u128>,
    objects: Objects,
    /// Those of them that are as they were in an earlier text, since this one cannot be read as a whole.
    left: BTreeSet<ObjectId>,
    problems: Vec<Found>,
    /// Of objects, whose problems are the newest text's, not those of what stays in force.
    snippets: BTreeMap<Location, String>,
}

impl Files {
    pub(crate) fn new(defaults: Defaults) -> Self {
        let (files, owners, unread) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Self { defaults, directory: None, files, owners, running: false, unread }
    }

    /// Takes changed files in; says which objects changed.
    pub(crate) fn apply(&mut self, changes: Vec<FileChange>) -> Vec<ObjectChange> {
        let mut touched = BTreeSet::new();
        for FileChange { file, content } in changes {
            let old = self.files.remove(&file).unwrap_or_default();
            if let Content::Bytes(bytes) = &content
                && old.objects.len() > 0
                && is_blank(bytes)
            {
                warn!("{file} is empty now: the objects that it held are removed ({})", old.objects.len());
            }
            let new = match content {
                Content::Gone => None,
                Content::Unreadable(error) => Some(unreadable(&file, old.objects.clone(), &error)),
                Content::Bytes(bytes) => Some(match std::str::from_utf8(&bytes) {
                    Ok(text) if text.contains('\0') => self.torn(text, &file, &old),
                    _ => self.read(parse(&bytes, &file, &self.defaults), &bytes, &old),
                }),
                Content::Json(object) => Some(self.read(self.parse_json(&object, &file), &[], &old)),
            };
            let new_ids = new.iter().flat_map(|new| new.objects.ids()).cloned().collect::<BTreeSet<_>>();
            for id in old.objects.ids().filter(|id| !new_ids.contains(*id)) {
                self.disown(id, &file);
            }
            for id in &new_ids {
                self.owners.entry(id.clone()).or_default().insert(Arc::clone(&file));
            }
            touched.extend(old.objects.ids().cloned().chain(new_ids));
            self.note_unread(&file, new.as_ref());
            if let Some(new) = new {
                self.files.insert(file, new);
            }
        }
        self.running = true;
        touched.into_iter().map(|id| (id.clone(), self.object(&id).cloned())).collect()
    }

    fn disown(&mut self, id: &ObjectId, file: &Arc<str>) {
        if let Some(owners) = self.owners.get_mut(id) {
            owners.remove(file);
            if owners.is_empty() {
                self.owners.remove(id);
            }
        }
    }

    /// Reads an object that has no file.
    fn parse_json(&self, object: &[u8], name: &Arc<str>) -> Parsed {
        from_json(object, name, &self.defaults).unwrap_or_else(|error| not_json(name, &error))
    }

    /// Reads a file. What was good and is broken now stays as it was, with the new problem.
    fn read(&self, parsed: Parsed, bytes: &[u8], old: &File) -> File {
        let (text, mut read) = (Text::new(bytes), File { hash: Some(xxh3_128(bytes)), ..File::default() });
        let mut objects = BTreeMap::<ObjectId, Arc<Object>>::new();
        let broken = parsed.problems.iter().any(|found| found.problem.severity == Severity::Error);
        for object in parsed.objects {
            let earlier = objects.get(&object.id);
            let ousted = earlier.is_some_and(|earlier| !earlier.annotated && object.annotated);
            if earlier.is_some() {
                let which = if ousted { "one that is in no annotation" } else { "later one" };
                let message = format!("{} is in this file twice; the {which} counts", object.id);
                read.problems.push(Found {
                    object: Some(object.id.clone()),
                    called: None,
                    problem: Problem::warning("Duplicate", "", message),
                    location: object.location.clone(),
                    snippet: String::new(),
                });
            }
            if ousted {
                continue;
            }
            for (_, location) in &object.problems {
                read.snippets.entry(location.clone()).or_insert_with(|| text.snippet(location));
            }
            let object = Arc::new(self.keep_good(object, old));
            objects.insert(object.id.clone(), object);
        }
        if broken {
            // The broken document may be any of those that are missing now.
            for object in old.objects.iter() {
                if let Entry::Vacant(missing) = objects.entry(object.id.clone()) {
                    read.left.insert(object.id.clone());
                    missing.insert(Arc::clone(object));
                }
            }
        }
        let is_left = broken && old.objects.iter().any(|object| is_usable(object));
        for problem in parsed.problems {
            // What stood in for the same document before.
            let gives_way = |held: &Arc<Object>| {
                stands_in(held) && old.objects.get(&held.id).is_some_and(|before| Arc::ptr_eq(before, held))
            };
            match self.unread(&problem, old).filter(|unread| objects.get(&unread.id).is_none_or(gives_way)) {
                // It says itself what is wrong with its text.
                Some(unread) if stands_in(&unread) => {
                    read.snippets.insert(unread.location.clone(), problem.snippet);
                    read.left.remove(&unread.id);
                    objects.insert(unread.id.clone(), Arc::new(unread));
                }
                unread => {
                    let mut found = found(problem);
                    if unread.is_none() && is_left && found.problem.severity == Severity::Error {
                        found.problem.message.push_str(STAYS);
                    }
                    objects.extend(unread.map(|unread| (unread.id.clone(), Arc::new(unread))));
                    read.problems.push(found);
                }
            }
        }
        read.objects = objects.into();
        read
    }

    /// An object that does not parse any more stays as it was last good.
    fn keep_good(&self, mut object: Object, old: &File) -> Object {
        let before = old.objects.get(&object.id);
        let good = before.filter(|old| !matches!(old.spec, Spec::Invalid(_)));
        if let Spec::Module(new) = &mut object.spec {
            let counts = before.or_else(|| self.object(&object.id)).filter(|_| self.running);
            module::keep_good(new, &mut object.problems, counts.map(|object| &**object), self.running);
        }
        match (&mut object.spec, good.map(|good| &good.spec)) {
            // A certificate that cannot be used takes the place of no other, nor do passwords.
            (Spec::Secret(new), Some(Spec::Secret(good))) if secret_problem(good).is_none() => {
                if let Some(problem) = secret_problem(new) {
                    new.clone_from(good);
                    object.problems.push((problem, object.location.clone()));
                }
            }
            // Neither does a script.
            (Spec::Module(new), Some(Spec::Module(good))) if script_problem(good).is_none() => {
                if let Some(problem) = script_problem(new) {
                    new.config.lua_scripts.clone_from(&good.config.lua_scripts);
                    object.problems.push((problem, object.location.clone()));
                }
            }
            (Spec::Module(new), None) if self.is_new(&object.id, before) => {
                if let Some(problem) = script_problem(new) {
                    new.config.lua_scripts = None;
                    object.problems.push((problem, object.location.clone()));
                }
            }
            (Spec::Invalid(_), Some(_)) => {
                if let Some(good) = good {
                    object.spec = good.spec.clone();
                    object.labels.clone_from(&good.labels);
                }
                let errors = object.problems.iter_mut().map(|(problem, _)| problem);
                if let Some(last) = errors.filter(|problem| problem.severity == Severity::Error).last() {
                    last.message.push_str(STAYS);
                }
            }
            (Spec::Invalid(remains @ (Remains::AccessList | Remains::AnyRule)), None)
                if self.is_new(&object.id, before) =>
            {
                *remains = Remains::Nothing;
            }
            _ => {}
        }
        object
    }

    /// Whether an object that was not there `before`, nor is in another file, comes to what is in force already.
    fn is_new(&self, id: &ObjectId, before: Option<&Arc<Object>>) -> bool {
        self.running && before.is_none() && self.object(id).is_none()
    }

    /// The object that counts: of those that can be used, else of all, the last one by itself, else the last one.
    pub(crate) fn object(&self, id: &ObjectId) -> Option<&Arc<Object>> {
        self.counting(id).map(|(_, object)| object)
    }

    /// The object that would count if this file did not have it.
    pub(crate) fn object_without(&self, id: &ObjectId, without: &str) -> Option<&Arc<Object>> {
        self.best(id, |file| **file != *without).map(|(_, object)| object)
    }

    fn counting(&self, id: &ObjectId) -> Option<(&Arc<str>, &Arc<Object>)> {
        self.best(id, |_| true)
    }

    fn best(&self, id: &ObjectId, of: impl Fn(&Arc<str>) -> bool) -> Option<(&Arc<str>, &Arc<Object>)> {
        let held = |file| Some((file, self.files.get(file)?.objects.get(id)?));
        let owners = self.owners.get(id)?.iter().filter(|file| of(file)).filter_map(held);
        owners.max_by_key(|(_, object)| (is_usable(object), !object.annotated))
    }
}

/// Whether an object may take the place of one in another file.
fn is_usable(object: &Object) -> bool {
    match &object.spec {
        Spec::Invalid(_) => false,
        Spec::Secret(secret) => secret_problem(secret).is_none(),
        Spec::Module(module) => script_problem(module).is_none(),
        _ => true,
    }
}

fn found(problem: FileProblem) -> Found {
    let FileProblem { id, called, problem, location, snippet, remains: _ } = problem;
    Found { object: id, called, problem, location, snippet }
}

#[cfg(test)]
mod tests;
