//! What a document says of requests that do not come through the gateway: those that a service sends itself, to whoever wants to
//! be told. Their security is none of the gateway's.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::shared::shared_items;
use crate::document::{Version, operations_of};

/// Takes out of a document what it demands of requests, but for those. Gives the schemes that they need.
pub(super) fn set_apart(document: &mut Value, version: Version) -> Map<String, Value> {
    let usual = document.as_object_mut().and_then(|root| root.remove("security")).unwrap_or_else(|| json!([]));
    let mut schemes = take_schemes(document, version);
    let mut used = BTreeSet::new();
    each_foreign(document, &mut |operation| {
        let demanded = operation.entry("security").or_insert_with(|| usual.clone());
        let all = demanded.as_array().into_iter().flatten().filter_map(Value::as_object);
        used.extend(all.flat_map(Map::keys).cloned());
    });
    schemes.retain(|name, _| used.contains(name));
    schemes
}

fn take_schemes(document: &mut Value, version: Version) -> Map<String, Value> {
    let (owner, key) = match version {
        Version::V2 => (Some(document), "securityDefinitions"),
        _ => (document.get_mut("components"), "securitySchemes"),
    };
    match owner.and_then(Value::as_object_mut).and_then(|owner| owner.remove(key)) {
        Some(Value::Object(schemes)) => schemes,
        _ => Map::new(),
    }
}

/// Goes through the operations of webhooks and callbacks, wherever they stand.
fn each_foreign(document: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    values(document, "/webhooks").for_each(|item| of_item(item, visit));
    let of_paths = shared_items(document);
    let shared = document.pointer_mut("/components/pathItems").and_then(Value::as_object_mut).into_iter().flatten();
    shared.filter(|(name, _)| !of_paths.contains(*name)).for_each(|(_, item)| of_item(item, visit));
    values(document, "/components/callbacks").for_each(|callback| of_callback(callback, visit));
    for item in values(document, "/paths") {
        operations_of(item).into_iter().for_each(|operation| of_callbacks(operation, visit));
    }
}

fn values<'d>(document: &'d mut Value, place: &str) -> impl Iterator<Item = &'d mut Value> {
    document.pointer_mut(place).and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut)
}

fn of_item(item: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    for operation in operations_of(item) {
        of_callbacks(operation, visit);
        visit(operation);
    }
}

fn of_callbacks(operation: &mut Map<String, Value>, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    let callbacks = operation.get_mut("callbacks").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut);
    callbacks.for_each(|callback| of_callback(callback, visit));
}

/// A map from expressions to path items.
fn of_callback(callback: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    let items = callback.as_object_mut().into_iter().flatten().filter(|(key, _)| !key.starts_with("x-"));
    items.for_each(|(_, item)| of_item(item, visit));
}
