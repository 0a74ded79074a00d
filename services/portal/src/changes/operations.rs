//! Operations, joined by method and path.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::comparison::{At, Comparison};
use super::rule::Rule;
use super::words::code;
use crate::document::{operations, text, without_names};
use crate::reference::resolve;

/// An operation.
#[derive(Clone, Copy)]
pub(super) struct Operation<'d> {
    pub(super) path: &'d str,
    pub(super) item: &'d Value,
    pub(super) written: &'d Value,
}

impl Operation<'_> {
    fn is_deprecated(&self) -> bool {
        self.written.get("deprecated") == Some(&Value::Bool(true))
    }
}

/// Operations by path, then by method.
type ByPath<'d> = BTreeMap<&'d str, BTreeMap<String, Operation<'d>>>;

fn by_path(document: &Value) -> ByPath<'_> {
    let mut paths = ByPath::new();
    for (path, method, item, operation) in operations(document) {
        let (item, written) = (resolve(document, item), resolve(document, operation));
        paths.entry(path).or_default().insert(method, Operation { path, item, written });
    }
    paths
}

/// The path of `new` that each path of `old` is.
fn joined<'d>(old: &ByPath<'d>, new: &ByPath<'d>) -> BTreeMap<&'d str, &'d str> {
    let renamed: BTreeMap<String, &str> =
        new.keys().filter(|path| !old.contains_key(*path)).map(|path| (without_names(path), *path)).collect();
    let join = |path: &&'d str| match new.get_key_value(path) {
        Some((same, _)) => Some((*path, *same)),
        None => Some((*path, *renamed.get(&without_names(path))?)),
    };
    old.keys().filter_map(join).collect()
}

impl<'d> Comparison<'d> {
    /// Compares what the documents say of themselves, and all operations.
    pub(super) fn operations(&mut self) {
        let version = |document: &'d Value| text(&document["info"], "version").unwrap_or_default();
        if version(self.old) != version(self.new) {
            let text = format!("The version is {} instead of {}.", code(version(self.new)), code(version(self.old)));
            self.find(Rule::VersionChanged, &Self::document(), text);
        }
        let (old, new) = (by_path(self.old), by_path(self.new));
        let paths = joined(&old, &new);
        for (path, before) in &old {
            match paths.get(path).and_then(|path| new.get(path)) {
                Some(after) => self.path(before, after),
                None => self.path_removed(path, before),
            }
        }
        let kept: BTreeSet<_> = paths.values().collect();
        for (path, added) in new.iter().filter(|(path, _)| !kept.contains(path)) {
            let at = self.operation(&methods(added), path);
            self.find(Rule::PathAdded, &at, "The path is new.");
        }
    }

    fn path_removed(&mut self, path: &str, before: &BTreeMap<String, Operation<'d>>) {
        if before.values().all(Operation::is_deprecated) {
            before.iter().for_each(|(method, operation)| self.removed(method, operation));
        } else {
            let at = self.operation(&methods(before), path);
            self.find(Rule::PathRemoved, &at, "The path is gone.");
        }
    }

    fn path(&mut self, before: &BTreeMap<String, Operation<'d>>, after: &BTreeMap<String, Operation<'d>>) {
        for (method, old) in before {
            match after.get(method) {
                Some(new) => {
                    let at = self.operation(method, new.path);
                    self.both(*old, *new, &at);
                }
                None => self.removed(method, old),
            }
        }
        for (method, new) in after.iter().filter(|(method, _)| !before.contains_key(*method)) {
            let at = self.operation(method, new.path);
            self.find(Rule::OperationAdded, &at, "The operation is new.");
        }
    }

    fn removed(&mut self, method: &str, operation: &Operation<'d>) {
        let at = self.operation(method, operation.path);
        match operation.is_deprecated() {
            true => self.find(Rule::DeprecatedOperationRemoved, &at, "The operation, which was deprecated, is gone."),
            false => self.find(Rule::OperationRemoved, &at, "The operation is gone."),
        }
    }

    fn both(&mut self, old: Operation<'d>, new: Operation<'d>, at: &At) {
        match (old.is_deprecated(), new.is_deprecated()) {
            (false, true) => self.find(Rule::OperationDeprecated, at, "The operation is deprecated."),
            (true, false) => self.find(Rule::OperationUndeprecated, at, "The operation is not deprecated any more."),
            _ => {}
        }
        let id = |operation: Operation<'d>| text(operation.written, "operationId").unwrap_or_default();
        if id(old) != id(new) && !id(old).is_empty() {
            let text = format!("The operation's id is {} instead of {}.", code(id(new)), code(id(old)));
            self.find(Rule::OperationIdChanged, at, text);
        }
        self.security(old, new, at);
        self.parameters(old, new, at);
        self.request_body(old.written, new.written, at);
        self.responses(old.written, new.written, at);
    }
}

/// The methods of a path.
fn methods(operations: &BTreeMap<String, Operation<'_>>) -> String {
    operations.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}
