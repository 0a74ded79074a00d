//! Operations that belong together, by their tags.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Operation;
use super::budget::{Budget, short};
use crate::document::{Document, text};
use crate::markdown::Html;

/// How many tags another one is below, as far as that is told.
const MAX_ABOVE: usize = 8;

/// Operations that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// Their tag; empty for those without.
    pub(crate) tag: String,
    /// What people call it, below the tags that it belongs to.
    pub(crate) name: String,
    pub(crate) description: Html,
    /// Places in [`super::Reference::operations`].
    pub(crate) operations: Vec<usize>,
}

/// By tag: in the order in which the document names the tags, then as operations have others, at last those without; each in
/// the order of the document.
pub(super) fn grouped(document: &Document, operations: &[Operation]) -> Vec<Group> {
    let mut by_tag: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut met: Vec<&str> = Vec::new();
    for (place, operation) in document.order.iter().filter_map(|place| Some((*place, operations.get(*place)?))) {
        let of_tag = by_tag.entry(&operation.tag).or_default();
        if of_tag.is_empty() {
            met.push(&operation.tag);
        }
        of_tag.push(place);
    }
    let listed = document.value.get("tags").and_then(Value::as_array).into_iter().flatten();
    let listed: Vec<(&str, &Value)> = listed.filter_map(|tag| Some((text(tag, "name")?, tag))).collect();
    let tags: BTreeMap<&str, &Value> = listed.iter().rev().copied().collect();
    met.sort_by_key(|tag| tag.is_empty());
    let budget = Budget::default();
    let group = |tag: &str| {
        let operations = by_tag.remove(tag)?;
        let description = tags.get(tag).and_then(|tag| text(tag, "description"));
        let description = description.map(|text| budget.prose(text, 4)).unwrap_or_default();
        Some(Group { tag: tag.to_owned(), name: named(&tags, tag), description, operations })
    };
    listed.iter().map(|(name, _)| *name).chain(met).filter_map(group).collect()
}

/// A tag's `summary` behind those of its parents (3.2), or their names: `Animals › Adoption`.
fn named(tags: &BTreeMap<&str, &Value>, tag: &str) -> String {
    let mut line = vec![tag];
    let parent = |name: &str| tags.get(name).and_then(|tag| text(tag, "parent"));
    while let Some(parent) = line.last().and_then(|name| parent(name))
        && line.len() <= MAX_ABOVE
        && !line.contains(&parent)
    {
        line.push(parent);
    }
    let title = |name: &str| short(tags.get(name).and_then(|tag| text(tag, "summary")).unwrap_or(name));
    line.iter().rev().map(|name| title(name)).collect::<Vec<_>>().join(" › ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::api::tests::of_service;
    use crate::reference::Reference;

    #[test]
    fn operations_are_listed_as_their_author_had_them() {
        let text = r#"{"openapi": "3.1.0", "tags": [{"name": "second"}, {"name": "empty"}, {"name": "first"}], "paths": {
            "/z": {"put": {"tags": ["first"]}, "get": {}},
            "/m": {"get": {"tags": ["zebra"]}, "delete": {"tags": ["first"]}},
            "/a": {"get": {"tags": ["second"]}, "post": {"tags": ["ape"]}}, "/b": {"get": {"tags": ["first"]}}}}"#;
        let document = Document::read(text.into()).unwrap();
        let reference = Reference::new(Arc::new(of_service()), Arc::new(document));
        let listed = |group: &Group| {
            let operations = group.operations.iter().map(|place| &reference.operations[*place]);
            let operations: Vec<_> = operations.map(|one| format!("{} {}", one.method, one.inner)).collect();
            format!("{}: {}", group.name, operations.join(", "))
        };
        let groups: Vec<_> = reference.groups.iter().map(listed).collect();
        let expected =
            ["second: GET /a", "first: PUT /z, DELETE /m, GET /b", "zebra: GET /m", "ape: POST /a", ": GET /z"];
        assert_eq!(groups, expected);
        let again: Vec<_> = reference.in_order().map(|one| one.inner.as_str()).collect();
        assert_eq!(again, ["/a", "/z", "/m", "/b", "/m", "/a", "/z"]);
    }

    #[test]
    fn groups_are_called_as_people_call_them_below_those_that_they_belong_to() {
        let text = r#"{"openapi": "3.2.0", "tags": [{"name": "animals", "summary": "Animals"},
            {"name": "adopt", "parent": "animals"}, {"name": "cats", "parent": "adopt", "summary": "Cats"},
            {"name": "a", "parent": "b"}, {"name": "b", "parent": "a"}, {"name": "lost", "parent": "gone"}],
            "paths": {"/a": {"get": {"tags": ["adopt"]}, "put": {"tags": ["cats"]}, "post": {"tags": ["a"]},
                "delete": {"tags": ["lost"]}, "head": {"tags": ["other"]}, "patch": {}}}}"#;
        let document = Document::read(text.into()).unwrap();
        let reference = Reference::new(Arc::new(of_service()), Arc::new(document));
        let names: Vec<_> = reference.groups.iter().map(|group| group.name.as_str()).collect();
        let expected = ["Animals › adopt", "Animals › adopt › Cats", "b › a", "gone › lost", "other", ""];
        assert_eq!(names, expected);
        assert_eq!(reference.groups[1].tag, "cats");
    }
}
