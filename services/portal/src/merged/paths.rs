//! Paths of all APIs, each as clients ask for it at the gateway.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::names::unique;
use crate::catalog::Entry;
use crate::document::METHODS;

/// What lost against another of the same path and method.
const CONFLICTS: &str = "x-conflicts";
/// Operations of methods that have no key of their own.
const MORE: &str = "additionalOperations";

/// Where the operations of a document come from.
pub(super) struct Source {
    /// What all of its paths begin with at its servers.
    pub(super) begin: String,
    servers: Value,
    /// The tag of the API itself.
    tag: String,
    api: String,
    /// What its route asks of requests besides method and path.
    conditions: Vec<String>,
}

impl Source {
    /// Takes the servers from the document: they stand at each operation from now on.
    pub(super) fn of(document: &mut Value, slug: &str, entry: &Entry) -> Self {
        let servers = document.as_object_mut().and_then(|document| document.remove("servers"));
        let (begin, servers) = folded(servers.unwrap_or_else(|| json!([])));
        Self {
            begin,
            servers,
            tag: slug.to_owned(),
            api: entry.api.id.to_string(),
            conditions: entry.api.served.conditions.clone(),
        }
    }
}

/// What a document, or a path of it, says of all operations.
#[derive(Clone, Copy)]
struct Common<'a> {
    source: &'a Source,
    security: Option<&'a Value>,
    parameters: Option<&'a Value>,
}

/// The path that all servers have in common, and the servers without it.
fn folded(servers: Value) -> (String, Value) {
    let split = |server: &Value| {
        let url = server.get("url")?.as_str().filter(|url| !url.contains('{'))?;
        let (scheme, rest) = url.split_once("://")?;
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        Some((format!("{scheme}://{host}"), path.trim_end_matches('/').to_owned()))
    };
    let parts: Option<Vec<_>> = servers.as_array().into_iter().flatten().map(split).collect();
    match parts.as_deref() {
        Some([(_, first), ..]) if parts.iter().flatten().all(|(_, path)| path == first) => {
            let begin = first.clone();
            let origins = parts.into_iter().flatten().map(|(origin, _)| json!({ "url": origin }));
            (begin, origins.collect())
        }
        _ => (String::new(), servers),
    }
}

/// Those of all APIs that were added.
#[derive(Default)]
pub(super) struct Paths {
    items: Map<String, Value>,
    /// The path that stands for all that differ from it only in the names of parameters.
    by_shape: BTreeMap<String, String>,
    ids: BTreeSet<String>,
    /// How many operations are at these servers.
    servers: Vec<(Value, usize)>,
}

impl Paths {
    /// Adds those of a document in which names are those of the one document already. `shared` has its components.
    pub(super) fn add(&mut self, mut document: Value, source: &Source, shared: &Map<String, Value>) {
        let items = document.get_mut("paths").and_then(Value::as_object_mut).map(std::mem::take);
        let all = Common { source, security: document.get("security"), parameters: None };
        for (path, item) in items.into_iter().flatten().filter(|(path, _)| path.starts_with('/')) {
            if let Value::Object(item) = item {
                self.add_item(&format!("{}{path}", source.begin), item, all, shared);
            }
        }
    }

    fn add_item(&mut self, path: &str, mut item: Map<String, Value>, all: Common<'_>, shared: &Map<String, Value>) {
        let key = self.by_shape.entry(shape(path)).or_insert_with(|| path.to_owned()).clone();
        let names: BTreeMap<_, _> =
            parameters(path).zip(parameters(&key)).filter(|(own, other)| own != other).collect();
        let common = item.remove("parameters");
        let all = Common { parameters: common.as_ref(), ..all };
        for (method, mut operation) in taken(&mut item) {
            self.complete(&mut operation, all);
            call_parameters(&mut operation, &names, shared);
            self.put(&key, &method, operation);
        }
        let Some(Value::Object(known)) = self.items.get_mut(&key).filter(|_| !item.is_empty()) else {
            if !item.is_empty() {
                self.items.insert(key, Value::Object(item));
            }
            return;
        };
        for (field, value) in item {
            known.entry(field).or_insert(value);
        }
    }

    /// Puts an operation where it belongs; beside it where there is one already.
    fn put(&mut self, path: &str, method: &str, operation: Map<String, Value>) {
        let operation = Value::Object(operation);
        let item = self.items.entry(path).or_insert_with(|| json!({}));
        let is_known = METHODS.contains(&method);
        let is_taken = if is_known { item.get(method).is_some() } else { item[MORE].get(method).is_some() };
        match (is_taken, is_known) {
            (false, true) => item[method] = operation,
            (false, false) => item[MORE][method] = operation,
            (true, _) => {
                if item.get(CONFLICTS).is_none() {
                    item[CONFLICTS] = json!({});
                }
                match item[CONFLICTS].get_mut(method).and_then(Value::as_array_mut) {
                    Some(others) => others.push(operation),
                    None => item[CONFLICTS][method] = json!([operation]),
                }
            }
        }
    }

    /// Writes down at an operation what its document said of all of them.
    fn complete(&mut self, operation: &mut Map<String, Value>, Common { source, security, parameters }: Common<'_>) {
        let mut set = |key: &str, value: Value| drop(operation.insert(key.to_owned(), value));
        set("servers", source.servers.clone());
        set("x-nuncio-api", json!(source.api));
        if !source.conditions.is_empty() {
            set("x-nuncio-only-if", json!(source.conditions));
        }
        match self.servers.iter_mut().find(|(servers, _)| *servers == source.servers) {
            Some((_, count)) => *count += 1,
            None => self.servers.push((source.servers.clone(), 1)),
        }
        if let Some(security) = security {
            operation.entry("security").or_insert_with(|| security.clone());
        }
        let tags = operation.entry("tags").or_insert_with(|| json!([]));
        if tags.as_array().is_some_and(Vec::is_empty) {
            *tags = json!([source.tag]);
        }
        if let Some(Value::String(id)) = operation.get_mut("operationId") {
            *id = unique(&mut self.ids, std::mem::take(id));
        }
        let common = parameters.and_then(Value::as_array).into_iter().flatten();
        let own = operation.entry("parameters").or_insert_with(|| json!([]));
        let Some(own) = own.as_array_mut() else { return };
        let is_said = |own: &[Value], one: &Value| own.iter().any(|other| is_same(other, one));
        for one in common {
            if !is_said(own, one) {
                own.push(one.clone());
            }
        }
        if own.is_empty() {
            operation.remove("parameters");
        }
    }

    /// The servers of most operations, and all paths; what is elsewhere says so itself.
    pub(super) fn finish(mut self) -> (Value, Value) {
        let usual = self.servers.iter().rev().max_by_key(|(_, count)| *count);
        let usual = usual.map_or_else(|| json!([]), |(servers, _)| servers.clone());
        let items = self.items.values_mut().filter_map(Value::as_object_mut);
        for operation in items.flat_map(every_operation) {
            if operation.get("servers") == Some(&usual) {
                operation.remove("servers");
            }
        }
        (usual, Value::Object(self.items))
    }
}

/// The operations of a path item, with those that lost.
fn every_operation(item: &mut Map<String, Value>) -> Vec<&mut Map<String, Value>> {
    let mut all = Vec::new();
    for (key, value) in item.iter_mut() {
        match key.as_str() {
            MORE => all.extend(value.as_object_mut().into_iter().flat_map(Map::values_mut)),
            CONFLICTS => {
                let lists = value.as_object_mut().into_iter().flat_map(Map::values_mut).filter_map(Value::as_array_mut);
                all.extend(lists.flatten());
            }
            key if METHODS.contains(&key) => all.push(value),
            _ => {}
        }
    }
    all.into_iter().filter_map(Value::as_object_mut).collect()
}

/// Takes the operations out of a path item.
fn taken(item: &mut Map<String, Value>) -> Vec<(String, Map<String, Value>)> {
    let known = METHODS.iter().filter_map(|method| Some(((*method).to_owned(), item.remove(*method)?)));
    let mut all: Vec<_> = known.collect();
    if let Some(Value::Object(more)) = item.remove(MORE) {
        all.extend(more);
    }
    let operation = |(method, operation): (String, Value)| match operation {
        Value::Object(operation) => Some((method, operation)),
        _ => None,
    };
    all.into_iter().filter_map(operation).collect()
}

/// Whether two parameters are of the same name in the same place, or the same reference.
fn is_same(one: &Value, other: &Value) -> bool {
    let key = |parameter: &Value| (parameter["$ref"].clone(), parameter["name"].clone(), parameter["in"].clone());
    key(one) == key(other)
}

/// A path without the names of its parameters.
fn shape(path: &str) -> String {
    let part = |(place, part): (usize, &str)| match place {
        0 => part.to_owned(),
        _ => format!("{{}}{}", part.split_once('}').map_or("", |(_, rest)| rest)),
    };
    path.split('{').enumerate().map(part).collect()
}

/// The names of a path's parameters.
fn parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0))
}

/// Calls the parameters of an operation as the path does under which it stands.
fn call_parameters(operation: &mut Map<String, Value>, names: &BTreeMap<&str, &str>, shared: &Map<String, Value>) {
    if names.is_empty() {
        return;
    }
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        let of_shared = parameter["$ref"].as_str().and_then(|target| target.strip_prefix("#/components/parameters/"));
        let meant = of_shared.and_then(|name| shared.get("parameters")?.get(name)).unwrap_or(parameter);
        let name = meant["name"].as_str().filter(|_| meant["in"] == "path").and_then(|name| names.get(name));
        if let Some(name) = name {
            let mut meant = meant.clone();
            meant["name"] = json!(name);
            *parameter = meant;
        }
    }
}
