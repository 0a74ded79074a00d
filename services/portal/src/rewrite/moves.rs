//! Under which path each operation of a document stands in the copy for clients.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::document::{operations, put_operation, take_operations};

/// From the paths of a document to those of its copy.
pub(super) struct Moves {
    /// Where a path as a whole goes.
    paths: BTreeMap<String, Option<String>>,
    /// Where each operation goes: some are reached by another way than the rest of their path.
    operations: BTreeMap<(String, String), Option<String>>,
}

impl Moves {
    /// `places` has those of the operations, in the order of the document.
    pub(super) fn of(document: &Value, paths: BTreeMap<String, Option<String>>, places: &[Option<String>]) -> Self {
        let all = operations(document).zip(places);
        let operations = all.map(|((path, method, ..), place)| ((path.to_owned(), method), place.clone())).collect();
        Self { paths, operations }
    }

    /// Where a path goes, or an operation of it.
    pub(super) fn to(&self, path: &str, method: Option<&str>) -> Option<&str> {
        let of_operation =
            method.and_then(|method| self.operations.get(&(path.to_owned(), method.to_ascii_uppercase())));
        of_operation.or_else(|| self.paths.get(path))?.as_deref()
    }

    /// Puts every path and operation where it goes. What servers say of single ones is not for clients of the gateway.
    pub(super) fn apply(&self, document: &mut Value) {
        let Some(Value::Object(paths)) = document.get_mut("paths") else { return };
        for (path, item) in std::mem::take(paths) {
            match item {
                Value::Object(item) if path.starts_with('/') => self.put(paths, &path, item),
                // `x-` fields are no paths.
                item if !path.starts_with('/') => drop(paths.insert(path, item)),
                _ => {}
            }
        }
    }

    fn put(&self, paths: &mut Map<String, Value>, path: &str, mut item: Map<String, Value>) {
        let taken = take_operations(&mut item);
        item.remove("servers");
        if taken.is_empty() {
            if let Some(own) = self.to(path, None) {
                paths.insert(own.to_owned(), Value::Object(item));
            }
            return;
        }
        for (method, mut operation) in taken {
            let Some(place) = self.to(path, Some(&method)) else { continue };
            operation.remove("servers");
            operation.remove("schemes");
            let all = paths.entry(place).or_insert_with(|| json!({}));
            for (field, value) in &item {
                if all.get(field).is_none() {
                    all[field] = value.clone();
                }
            }
            _ = put_operation(all, &method, operation);
        }
    }
}
