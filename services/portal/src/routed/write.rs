//! What is known of routes, as the copy of a document for clients says it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::apart::set_apart;
use super::schemes::Schemes;
use super::shared::{self, shared_item};
use super::{Passage, Routed};
use crate::document::{Version, has_operations, operation_of, remove_operation};
use crate::reference::{Operation, Reference};
use crate::rewrite::drop_dangling_links;

/// Why what is demanded is only what may be.
const GUESSED: &str = "The gateway's controller does not tell what it demands of each operation: any of this may be \
                       demanded, and of some operations nothing.";
/// How what stands in `security` is to be read.
pub(super) const SECURITY_NOTE: &str = "x-nuncio-security";
/// What is demanded at each address, where that is not the same.
pub(crate) const SECURITY_AT: &str = "x-nuncio-security-at";

impl Routed {
    /// Writes it into the copy of a reference's document, which is of this version by now: operations that lead elsewhere or
    /// nowhere go, and what the document demanded is what their routes demand.
    pub(crate) fn write(&self, copy: &mut Value, version: Version, reference: &Reference) {
        let Ok(rewritten) = &reference.rewritten else { return };
        let mut schemes = Schemes::beside(set_apart(copy, version), version);
        let listed = |passage: &&Passage| version != Version::V2 || passage.is_at(0);
        let passages = self.passages.iter().map(|passage| passage.as_ref().filter(listed));
        let all = reference.operations.iter().zip(&rewritten.places).zip(passages);
        let all: Vec<_> = all
            .map(|((operation, place), passage)| Listed { operation, place: place.as_deref(), passage })
            .map(|listed| {
                (listed.passage.map(|passage| Security::of(passage, version, reference, &mut schemes)), listed)
            })
            .collect();
        let mut each = all.iter().filter(|(_, listed)| listed.is_in_copy()).filter_map(|(said, _)| said.as_ref());
        let first = each.next().map(|said| said.whole.clone());
        let common = first.filter(|first| each.all(|other| other.whole == *first));
        let servers = copy.get("servers").and_then(Value::as_array).cloned().unwrap_or_default();
        for (security, listed) in &all {
            listed.write(copy, security.as_ref(), common.is_some(), &servers);
        }
        let shared_items = all.iter().filter_map(|(_, Listed { operation, place, passage })| {
            Some(((*place)?, operation.method.as_str(), *passage))
        });
        shared::write(copy, &mut schemes, shared_items);
        let left_out = LeftOut::of(all.iter().map(|(_, listed)| listed), &rewritten.paths);
        let Some(root) = copy.as_object_mut() else { return };
        root.extend(common.map(|security| ("security".to_owned(), security)));
        left_out.write(root);
        if self.is_guessed {
            root.insert(SECURITY_NOTE.to_owned(), json!(GUESSED));
        }
        put_schemes(root, schemes.into_all(), version);
        drop_dangling_links(copy);
    }
}

impl Passage {
    fn is_at(&self, address: usize) -> bool {
        self.addresses.as_ref().is_none_or(|addresses| addresses.contains(&address))
    }
}

/// What an operation demands, in the words of a version.
struct Security {
    /// At whichever of its addresses.
    whole: Value,
    /// At each, where that is not the same.
    at: Map<String, Value>,
}

impl Security {
    fn of(passage: &Passage, version: Version, reference: &Reference, schemes: &mut Schemes) -> Self {
        if version == Version::V2 {
            // It can name one host only.
            return Self { whole: schemes.security(passage.demands_at(0)), at: Map::new() };
        }
        let named =
            passage.apart.iter().filter_map(|(address, demands)| Some((reference.origins().get(*address)?, demands)));
        let at = named.map(|(origin, demands)| (origin.clone(), schemes.security(demands))).collect();
        Self { whole: schemes.security(&passage.demands), at }
    }
}

/// An operation and what is known of it.
struct Listed<'a> {
    operation: &'a Operation,
    place: Option<&'a str>,
    passage: Option<&'a Passage>,
}

impl Listed<'_> {
    fn is_in_copy(&self) -> bool {
        self.place.is_some() && self.passage.is_some()
    }

    fn write(&self, copy: &mut Value, security: Option<&Security>, is_shared: bool, servers: &[Value]) {
        let Some(paths) = copy.get_mut("paths").and_then(Value::as_object_mut) else { return };
        let Some(place) = self.place else { return };
        let Some(item) = paths.get_mut(place).filter(|item| shared_item(item).is_none()) else { return };
        let Some(passage) = self.passage else {
            remove_operation(item, &self.operation.method);
            if !has_operations(item) {
                paths.remove(place);
            }
            return;
        };
        let Some(operation) = operation_of(item, &self.operation.method) else { return };
        operation.remove("security");
        let mut set = |key: &str, value: Value| drop(operation.insert(key.to_owned(), value));
        if let Some(Security { whole, at }) = security {
            if !is_shared {
                set("security", whole.clone());
            }
            if !at.is_empty() {
                set(SECURITY_AT, json!(at));
            }
        }
        if passage.addresses.is_some() && !servers.is_empty() {
            let own = servers.iter().enumerate().filter(|(address, _)| passage.is_at(*address));
            set("servers", own.map(|(_, server)| server.clone()).collect());
        }
        if !passage.conditions.is_empty() {
            set("x-nuncio-only-if", json!(passage.only_if()));
        }
    }
}

/// What of a document is not in the copy.
#[derive(Default)]
struct LeftOut {
    paths: Vec<String>,
    operations: Vec<String>,
}

impl LeftOut {
    fn of<'a>(all: impl Iterator<Item = &'a Listed<'a>>, paths: &BTreeMap<String, Option<String>>) -> Self {
        let mut by_path: BTreeMap<&str, (bool, Vec<String>)> = BTreeMap::new();
        for listed in all {
            let Operation { inner, method, .. } = listed.operation;
            let (is_there, missing) = by_path.entry(inner).or_default();
            match listed.is_in_copy() {
                true => *is_there = true,
                false => missing.push(format!("{method} {inner}")),
            }
        }
        let mut left_out = Self::default();
        for (path, outer) in paths {
            match by_path.remove(path.as_str()) {
                Some((true, missing)) => left_out.operations.extend(missing),
                Some((false, _)) => left_out.paths.push(path.clone()),
                None if outer.is_none() => left_out.paths.push(path.clone()),
                None => {}
            }
        }
        left_out
    }

    fn write(self, root: &mut Map<String, Value>) {
        for (key, list) in [("x-nuncio-unrouted-paths", self.paths), ("x-nuncio-unrouted-operations", self.operations)]
        {
            if !list.is_empty() {
                root.insert(key.to_owned(), json!(list));
            }
        }
    }
}

fn put_schemes(root: &mut Map<String, Value>, schemes: Map<String, Value>, version: Version) {
    if schemes.is_empty() {
        return;
    }
    let schemes = Value::Object(schemes);
    if version == Version::V2 {
        root.insert("securityDefinitions".to_owned(), schemes);
    } else {
        let components = root.entry("components").or_insert_with(|| json!({}));
        if let Some(components) = components.as_object_mut() {
            components.insert("securitySchemes".to_owned(), schemes);
        }
    }
}
