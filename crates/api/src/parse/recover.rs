//! Tells what a broken document was meant to be.

use std::sync::Arc;

use super::module::NAME;
use super::remains::ACCESS_LISTS;
use crate::{Guard, Kind, ObjectId, Remains};

/// The id of the object that a document describes. Where one of its kinds shuts somebody out, it is taken for that,
/// whatever else the text seems to be; and a Module that speaks of an access list for the one that counts.
pub(super) fn id(text: &str, namespace: &Arc<str>) -> Option<ObjectId> {
    let read = by_lines(text, namespace);
    if let Some(guard) = Guard::in_text(text) {
        return Some(read.filter(|id| id.kind == guard.kind).unwrap_or_else(|| nameless(guard.kind, namespace)));
    }
    let module = || ObjectId::new(Kind::Module, Arc::clone(namespace), NAME);
    let is_guarded = || names_access_list(text.as_bytes()) && text.contains(Kind::Module.as_str());
    read.or_else(|| is_guarded().then(module))
}

/// Stands for an object whose name cannot be read; no object can have this name.
pub(super) fn nameless(kind: Kind, namespace: &Arc<str>) -> ObjectId {
    ObjectId::new(kind, Arc::clone(namespace), "(nameless)")
}

/// What a broken text tells of the object that it was meant to hold.
pub(super) fn remains(id: &ObjectId, text: &[u8]) -> Remains {
    match id.kind {
        Kind::FilterPolicy => Remains::AnyRule,
        Kind::Host => hostname(text).map_or(Remains::Nothing, Remains::Hostname),
        Kind::Module if *id.name == *NAME && names_access_list(text) => Remains::AccessList,
        _ => Remains::Nothing,
    }
}

/// The first hostname in a text, in block, flow or JSON form.
fn hostname(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    text.lines().filter(|line| !line.trim_start().starts_with('#')).find_map(|line| {
        let (_, rest) = line.split_once("hostname")?;
        let value = rest.trim_start_matches(['"', '\'']).trim_start().strip_prefix(':')?.trim_start();
        let value = value.trim_start_matches(['"', '\'']);
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '{' | '}' | '[' | ']' | '#');
        let name = value.split(ends).next()?;
        (!name.is_empty()).then(|| name.to_owned())
    })
}

fn names_access_list(text: &[u8]) -> bool {
    ACCESS_LISTS.iter().any(|key| text.windows(key.len()).any(|window| window == key.as_bytes()))
}

/// Reads an id from the lines alone: `kind` at the beginning of a line, name and namespace in `metadata`, in block or flow
/// form on one line.
fn by_lines(text: &str, namespace: &Arc<str>) -> Option<ObjectId> {
    let mut kind = None;
    let mut metadata = Metadata::default();
    let mut inside = false;
    for line in text.lines() {
        if let Some(value) = field(line, "kind") {
            kind = kind.or_else(|| Kind::from_name(value)).or_else(|| Guard::meant(value).map(|guard| guard.kind));
        } else if let Some(flow) = line.strip_prefix("metadata:") {
            inside = true;
            metadata.read_flow(flow);
        } else if line.starts_with(' ') {
            if inside {
                metadata.read_line(line.trim_start(), line.len() - line.trim_start().len());
            }
        } else if !line.trim().is_empty() && !line.starts_with('#') {
            inside = false;
        }
    }
    let namespace = metadata.namespace.map_or_else(|| Arc::clone(namespace), Arc::from);
    Some(ObjectId::new(kind?, namespace, metadata.name?))
}

#[derive(Default)]
struct Metadata<'a> {
    name: Option<&'a str>,
    namespace: Option<&'a str>,
    /// How far its keys are indented, as its first line says.
    indent: Option<usize>,
}

impl<'a> Metadata<'a> {
    fn read_line(&mut self, line: &'a str, indent: usize) {
        if *self.indent.get_or_insert(indent) == indent {
            self.name = self.name.or_else(|| field(line, "name"));
            self.namespace = self.namespace.or_else(|| field(line, "namespace"));
        }
    }

    fn read_flow(&mut self, flow: &'a str) {
        let Some(flow) = flow.trim_start().strip_prefix('{') else { return };
        let flow = flow.split(['}', '{', '[', '#']).next().unwrap_or_default();
        for entry in flow.split(',') {
            let entry = entry.trim();
            self.name = self.name.or_else(|| field(entry, "name"));
            self.namespace = self.namespace.or_else(|| field(entry, "namespace"));
        }
    }
}

/// The value of `key`, if the line is an entry of that key with a value that can be a name.
fn field<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let value = line.strip_prefix(key)?.strip_prefix(':')?;
    let value = value.split(" #").next().unwrap_or_default().trim();
    let value = value.trim_matches(['"', '\'']);
    let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    (!value.is_empty() && value.bytes().all(is_name)).then_some(value)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{hostname, id};

    #[test]
    fn the_name_of_a_broken_host_is_found() {
        for (text, expected) in [
            ("kind: Host\nspec:\n  hostname: a.example # x\n  tls: {", Some("a.example")),
            ("spec: {hostname: '*.a.example', tls: {", Some("*.a.example")),
            ("{\"spec\": {\"hostname\" : \"a.example\"", Some("a.example")),
            ("# hostname: b\nspec: {hostname: a}", Some("a")),
            ("spec: {hostname: [", None),
            ("spec: {", None),
        ] {
            assert_eq!(hostname(text.as_bytes()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn kind_and_name_are_found_in_the_ruins() {
        let table = [
            ("kind: Mapping\nmetadata:\n  name: a\n  namespace: b\nspec: [", Some("Mapping b/a")),
            ("spec: {\nkind: Host # x\nmetadata: {name: 'a', labels: {name: b}}", Some("Host default/a")),
            ("metadata:\n  labels:\n    name: b\n  name: a\nkind: Mapping\nx: [", Some("Mapping default/a")),
            ("kind: Mapping\nspec:\n  name: a\n", None),
            ("kind: host\nmetadata: {name: a}\nspec: [", Some("Host default/a")),
            ("kind: Hots\nmetadata: {}\nspec: [", Some("Host default/(nameless)")),
            ("kind: AuthServce\nmetadata: {name: a}\nspec: [", Some("AuthService default/a")),
            ("kind: Mapping\nmetadata: {name: a}\n--\nkind: AuthService\n[", Some("AuthService default/(nameless)")),
            ("kind: FilterPolcy\nmetadata: {name: a}\nspec: [", Some("FilterPolicy default/a")),
            ("kind: FilterPolicy\nspec: [", Some("FilterPolicy default/(nameless)")),
            ("kind: Deployment\nmetadata: {name: a}\n", None),
            ("kind: Mapping\nmetadata: {name: [}\n", None),
            ("{\"kind\": \"Module\", \"spec\": {\"config\": {\"ip_allow\": [}}}", Some("Module default/ambassador")),
            ("{\"kind\": \"Module\", \"spec\": {\"config\": {\"gzip\": [}}}", None),
            ("", None),
        ];
        for (text, expected) in table {
            let found = id(text, &Arc::from("default")).map(|id| id.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
