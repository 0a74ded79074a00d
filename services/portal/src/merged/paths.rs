//! Paths of all APIs, each as clients ask for it at the gateway.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::names::unique;
use crate::catalog::Entry;
use crate::document::{operations_of, put_operation, take_operations, without_names};
use crate::taken::Taken;

/// What lost against another of the same path and method.
const CONFLICTS: &str = "x-conflicts";

/// Where the operations of a document come from.
pub(super) struct Source {
    /// Where they are, but for those that say something else.
    place: Place,
    /// The tag of the API itself.
    tag: String,
    api: String,
}

/// Where operations are.
#[derive(Clone)]
struct Place {
    /// What all paths begin with at its servers.
    begin: String,
    servers: Value,
}

impl Source {
    /// Takes the servers from the document: they stand at each operation from now on.
    pub(super) fn of(document: &mut Value, slug: &str, entry: &Entry) -> Self {
        let servers = document.as_object_mut().and_then(|document| document.remove("servers"));
        let place = Place::of(servers.unwrap_or_else(|| json!([])));
        Self { place, tag: slug.to_owned(), api: entry.api.id.to_string() }
    }

    /// What all of its paths begin with, as far as nothing else is said of them.
    pub(super) fn begin(&self) -> &str {
        &self.place.begin
    }
}

impl Place {
    /// The path that all servers have in common, and the servers without it.
    fn of(servers: Value) -> Self {
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
                Self { begin, servers: origins.collect() }
            }
            _ => Self { begin: String::new(), servers },
        }
    }
}

/// What a document, or a path of it, says of all operations.
#[derive(Clone, Copy)]
struct Common<'a> {
    source: &'a Source,
    security: Option<&'a Value>,
    parameters: Option<&'a Value>,
    /// Other servers than those of the document.
    servers: Option<&'a Value>,
}

/// Those of all APIs that were added.
#[derive(Default)]
pub(super) struct Paths {
    items: Map<String, Value>,
    /// The path that stands for all that differ from it only in the names of parameters.
    by_shape: BTreeMap<String, String>,
    ids: Taken,
    /// How many operations are at these servers.
    servers: Vec<(Value, usize)>,
}

impl Paths {
    /// Adds those of a document in which names are those of the one document already. `shared` has its components.
    pub(super) fn add(&mut self, mut document: Value, source: &Source, shared: &Map<String, Value>) {
        let items = document.get_mut("paths").and_then(Value::as_object_mut).map(std::mem::take);
        let all = Common { source, security: document.get("security"), parameters: None, servers: None };
        for (path, item) in items.into_iter().flatten().filter(|(path, _)| path.starts_with('/')) {
            if let Value::Object(item) = item {
                self.add_item(&path, item, all, shared);
            }
        }
    }

    fn add_item(&mut self, path: &str, mut item: Map<String, Value>, all: Common<'_>, shared: &Map<String, Value>) {
        let (parameters, servers) = (item.remove("parameters"), item.remove("servers"));
        let all = Common { parameters: parameters.as_ref(), servers: servers.as_ref(), ..all };
        for (method, mut operation) in take_operations(&mut item) {
            let own = operation.remove("servers").or_else(|| all.servers.cloned());
            let place = own.map_or_else(|| all.source.place.clone(), Place::of);
            let path = format!("{}{path}", place.begin);
            let key = self.key(&path);
            let names: BTreeMap<_, _> =
                self::parameters(&path).zip(self::parameters(&key)).filter(|(own, other)| own != other).collect();
            self.complete(&mut operation, place.servers, all);
            call_parameters(&mut operation, &names, shared);
            self.put(&key, &method, operation);
        }
        if item.is_empty() {
            return;
        }
        let key = self.key(&format!("{}{path}", all.source.begin()));
        let known = self.items.entry(key).or_insert_with(|| json!({}));
        for (field, value) in item {
            if known.get(&field).is_none() {
                known[field] = value;
            }
        }
    }

    /// The path under which it stands.
    fn key(&mut self, path: &str) -> String {
        self.by_shape.entry(without_names(path)).or_insert_with(|| path.to_owned()).clone()
    }

    /// Puts an operation where it belongs; beside it where there is one already.
    fn put(&mut self, path: &str, method: &str, operation: Map<String, Value>) {
        let item = self.items.entry(path).or_insert_with(|| json!({}));
        let Err(operation) = put_operation(item, method, operation) else { return };
        if item.get(CONFLICTS).is_none() {
            item[CONFLICTS] = json!({});
        }
        match item[CONFLICTS].get_mut(method).and_then(Value::as_array_mut) {
            Some(others) => others.push(Value::Object(operation)),
            None => item[CONFLICTS][method] = json!([operation]),
        }
    }

    /// Writes down at an operation what its document said of all of them.
    fn complete(&mut self, operation: &mut Map<String, Value>, servers: Value, all: Common<'_>) {
        let Common { source, security, parameters, .. } = all;
        let mut set = |key: &str, value: Value| drop(operation.insert(key.to_owned(), value));
        set("servers", servers.clone());
        set("x-nuncio-api", json!(source.api));
        match self.servers.iter_mut().find(|(known, _)| *known == servers) {
            Some((_, count)) => *count += 1,
            None => self.servers.push((servers, 1)),
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
        let drop_usual = |operation: &mut Map<String, Value>| {
            if operation.get("servers") == Some(&usual) {
                operation.remove("servers");
            }
        };
        for item in self.items.values_mut() {
            operations_of(item).into_iter().for_each(drop_usual);
            lost(item).for_each(drop_usual);
        }
        (usual, Value::Object(self.items))
    }
}

/// The operations that lost in a path item.
fn lost(item: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let lists = item.get_mut(CONFLICTS).and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut);
    lists.filter_map(Value::as_array_mut).flatten().filter_map(Value::as_object_mut)
}

/// Whether two parameters are of the same name in the same place, or the same reference.
fn is_same(one: &Value, other: &Value) -> bool {
    let key = |parameter: &Value| (parameter["$ref"].clone(), parameter["name"].clone(), parameter["in"].clone());
    key(one) == key(other)
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
