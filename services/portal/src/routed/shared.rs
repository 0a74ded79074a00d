//! Path items that paths only refer to, because copies of them would be too much: several routes share what is said there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::Passage;
use super::demanded::Demands;
use super::schemes::Schemes;
use super::write::SECURITY_NOTE;
use crate::document::{operation_of, remove_operation};
use crate::reference::{pointer_name, reference};

/// Where path items are shared.
const SHARED: &str = "#/components/pathItems/";

const OF_SEVERAL: &str = "Several paths share this operation, and the gateway demands different things of them: this is \
                          enough at each.";

/// The shared path item that stands at a path.
pub(super) fn shared_item(item: &Value) -> Option<String> {
    reference(item)?.strip_prefix(SHARED).map(pointer_name)
}

/// The names of those to which paths refer.
pub(super) fn shared_items(document: &Value) -> BTreeSet<String> {
    let paths = document.get("paths").and_then(Value::as_object).into_iter().flat_map(Map::values);
    paths.filter_map(shared_item).collect()
}

/// Says at shared operations what is enough at each path that has them. What none of these leads to goes, and so do paths by
/// which nothing is reached. `all` has the place and the method of each operation of the document, and how clients get there.
pub(super) fn write<'a>(
    copy: &mut Value,
    schemes: &mut Schemes,
    all: impl Iterator<Item = (&'a str, &'a str, Option<&'a Passage>)>,
) {
    let mut operations: BTreeMap<(String, &str), Vec<&Passage>> = BTreeMap::new();
    let mut reached: BTreeMap<&str, bool> = BTreeMap::new();
    for (place, method, passage) in all {
        let Some(name) = copy.get("paths").and_then(|paths| paths.get(place)).and_then(shared_item) else { continue };
        operations.entry((name, method)).or_default().extend(passage);
        *reached.entry(place).or_default() |= passage.is_some();
    }
    if let Some(paths) = copy.get_mut("paths").and_then(Value::as_object_mut) {
        reached.iter().filter(|(_, is_reached)| !**is_reached).for_each(|(place, _)| drop(paths.remove(*place)));
    }
    let Some(items) = copy.pointer_mut("/components/pathItems").and_then(Value::as_object_mut) else { return };
    for ((name, method), passages) in operations {
        let Some(item) = items.get_mut(&name) else { continue };
        let demands: Vec<_> = passages.iter().map(|passage| &passage.demands).collect();
        let Some(first) = demands.first() else {
            remove_operation(item, method);
            continue;
        };
        let Some(operation) = operation_of(item, method) else { continue };
        if demands.iter().any(|demands| demands != first) {
            operation.insert(SECURITY_NOTE.to_owned(), json!(OF_SEVERAL));
        }
        operation.insert("security".to_owned(), schemes.security(&Demands::whichever(demands.iter().copied())));
    }
}
