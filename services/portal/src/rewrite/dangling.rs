//! Links to operations that are not in a copy for clients: no request through the gateway reaches these.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::merged::{Part, walk};
use crate::reference::{pointer_name, resolve_pointer};

/// Where links are shared.
const SHARED: &str = "#/components/links/";

/// What is known of the operations that links of a document lead to.
#[derive(Default)]
struct Targets {
    /// Ids, each by how many operations have it.
    ids: BTreeMap<String, usize>,
    /// References that lead nowhere.
    lost: BTreeSet<String>,
    /// Shared links that lead nowhere.
    shared: BTreeSet<String>,
}

/// Drops links that lead nowhere in the document.
pub(crate) fn drop_dangling_links(document: &mut Value) {
    let targets = Targets::of(document);
    walk(document, Part::Object, &mut |part, object| {
        if part != Part::Object {
            return;
        }
        let Some(links) = object.get_mut("links").and_then(Value::as_object_mut) else { return };
        links.retain(|_, link| !targets.are_missed_by(link));
        if links.is_empty() {
            object.remove("links");
        }
    });
}

impl Targets {
    fn of(document: &mut Value) -> Self {
        let mut targets = Self::default();
        let mut references = BTreeSet::new();
        let (mut all, mut of_links) = (BTreeMap::new(), BTreeMap::new());
        walk(document, Part::Object, &mut |part, object| {
            if part != Part::Object {
                return;
            }
            let count = |ids: &mut BTreeMap<String, usize>, id: Option<&Value>| {
                if let Some(id) = id.and_then(Value::as_str) {
                    *ids.entry(id.to_owned()).or_default() += 1;
                }
            };
            count(&mut all, object.get("operationId"));
            // A link names an id as well, and is visited for itself.
            for link in links(object) {
                count(&mut of_links, link.get("operationId"));
                references.extend(link.get("operationRef").and_then(Value::as_str).map(str::to_owned));
            }
        });
        let is_lost = |target: &String| target.starts_with('#') && resolve_pointer(document, target).is_none();
        targets.lost = references.into_iter().filter(is_lost).collect();
        all.retain(|id, count| *count > of_links.get(id).copied().unwrap_or_default());
        targets.ids = all;
        let shared = document.pointer("/components/links").and_then(Value::as_object).into_iter().flatten();
        targets.shared = shared.filter(|(_, link)| targets.are_missed_by(link)).map(|(name, _)| name.clone()).collect();
        targets
    }

    fn are_missed_by(&self, link: &Value) -> bool {
        let said = |key: &str| link.get(key).and_then(Value::as_str);
        let shared = said("$ref").and_then(|target| target.strip_prefix(SHARED)).map(pointer_name);
        said("operationRef").is_some_and(|target| self.lost.contains(target))
            || said("operationId").is_some_and(|id| !self.ids.contains_key(id))
            || shared.is_some_and(|name| self.shared.contains(&name))
    }
}

fn links(object: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    object.get("links").and_then(Value::as_object).into_iter().flat_map(Map::values)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn links_that_lead_nowhere_go() {
        let link = |key: &str, target: &str| json!({ key: target });
        let mut document = json!({
            "paths": { "/a": { "get": { "operationId": "a", "responses": { "200": { "links": {
                "own": link("operationId", "b"),
                "reference": link("operationRef", "#/paths/~1b~1%7Bid%7D/get"),
                "elsewhere": link("operationRef", "https://elsewhere.example/#/paths/~1x/get"),
                "gone": link("operationId", "gone"),
                "gone-reference": link("operationRef", "#/paths/~1gone/get"),
                "shared": link("$ref", "#/components/links/there"),
                "shared-gone": link("$ref", "#/components/links/gone"),
            } }, "201": { "links": { "gone": link("operationId", "gone") } } } } },
            "/b/{id}": { "get": { "operationId": "b" } } },
            "components": {
                "links": { "there": link("operationId", "a"), "gone": link("operationId", "gone") },
                "schemas": { "links": { "properties": { "links": link("operationId", "gone") },
                    "examples": [{ "links": { "next": link("operationId", "gone") } }] } },
            },
            "x-own": { "links": { "gone": link("operationId", "gone") } },
        });
        let (schemas, own) = (document["components"]["schemas"].clone(), document["x-own"].clone());
        drop_dangling_links(&mut document);
        let responses = &document["paths"]["/a"]["get"]["responses"];
        let left: Vec<_> = responses["200"]["links"].as_object().unwrap().keys().collect();
        assert_eq!(left, ["elsewhere", "own", "reference", "shared"]);
        assert_eq!(responses["201"], json!({}));
        assert_eq!(document["components"]["links"], json!({ "there": link("operationId", "a") }));
        assert_eq!((&document["components"]["schemas"], &document["x-own"]), (&schemas, &own), "these are no links");
    }
}
