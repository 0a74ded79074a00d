//! What can be found.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::reasons::Part;
use crate::api::ApiId;
use crate::catalog::{Catalog, Entry};
use crate::content::{Content, Page};
use crate::document::{operations, text};
use crate::markdown;
use crate::reference::Reference;

/// The most names that one thing is found by.
const MAX_NAMES: usize = 500;
/// How deep names are looked for.
const MAX_DEPTH: usize = 6;
/// In how many values they are looked for: each of many operations may refer to the same large thing without any.
const MAX_VALUES: usize = 20_000;

/// The sorts of things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sort {
    Api,
    Operation,
    Schema,
    Page,
}

impl Sort {
    /// The name of the text that says it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Api => "kind_api",
            Self::Operation => "kind_operation",
            Self::Schema => "kind_schema",
            Self::Page => "kind_page",
        }
    }
}

/// Something that was found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) sort: Sort,
    pub(crate) title: String,
    /// The API that it belongs to; none of a page.
    pub(crate) id: Option<ApiId>,
    /// What that is called.
    pub(crate) api: String,
    /// Method, for operations.
    pub(crate) method: String,
    /// Path, for operations.
    pub(crate) path: String,
    pub(crate) summary: String,
    pub(crate) link: String,
}

impl Found {
    /// Whose it is: an API's, or a page's own.
    pub(super) fn owner(&self) -> String {
        self.id.as_ref().map_or_else(|| format!("page {}", self.link), ToString::to_string)
    }
}

/// Something with what it is found by.
pub(super) struct Searchable {
    pub(super) found: Found,
    pub(super) said: Vec<(Part, String)>,
}

/// Everything in a catalog, and the pages beside it.
pub(super) fn entries(catalog: &Catalog, content: &Content) -> impl Iterator<Item = Searchable> {
    let apis = catalog.entries.iter().flat_map(|entry| {
        let inner = entry.reference.iter().flat_map(|reference| {
            let operations = operations_of(entry, reference);
            operations.into_iter().chain(schemas_of(entry, reference))
        });
        std::iter::once(api(entry)).chain(inner.collect::<Vec<_>>())
    });
    apis.chain(content.pages.iter().map(page))
}

fn page(page: &Page) -> Searchable {
    Searchable {
        found: Found {
            sort: Sort::Page,
            title: page.title.clone(),
            id: None,
            api: page.title.clone(),
            method: String::new(),
            path: String::new(),
            summary: String::new(),
            link: page.link(),
        },
        said: vec![
            (Part::Name, page.heading().to_owned()),
            (Part::Name, page.slug.clone()),
            (Part::Text, page.text.clone()),
        ],
    }
}

fn api(entry: &Entry) -> Searchable {
    let info = |key: &str| entry.reference.as_ref().and_then(|known| known.document.info(key)).unwrap_or_default();
    let id = &entry.api.id;
    let title_of_document = info("title").to_owned();
    Searchable {
        found: Found {
            sort: Sort::Api,
            title: entry.title().to_owned(),
            id: Some(entry.api.id.clone()),
            api: entry.title().to_owned(),
            method: String::new(),
            path: String::new(),
            summary: markdown::summary(info("description")),
            link: crate::web::api_link(id),
        },
        said: [id.name.clone(), id.namespace.clone(), title_of_document, entry.api.served.path.text().to_owned()]
            .into_iter()
            .map(|name| (Part::Name, name))
            .chain(entry.about.words().map(|word| (Part::Tag, word.clone())))
            .chain(described(info("description")))
            .collect(),
    }
}

fn operations_of(entry: &Entry, reference: &Reference) -> Vec<Searchable> {
    let root = &*reference.document.value;
    let written = operations(root).zip(&reference.operations);
    let link = crate::web::api_link(&entry.api.id);
    written
        .map(|((_, _, item, value), operation)| {
            let mut names = Names::new(root);
            names.add(item.get("parameters").unwrap_or(&Value::Null), 0);
            names.add(value, 0);
            let mut said = names.said();
            said.extend([
                (Part::Tag, operation.tag.clone()),
                (Part::Name, operation.slug.clone()),
                (Part::Name, operation.path.clone()),
                (Part::Name, operation.method.clone()),
            ]);
            said.extend(described(text(value, "description").unwrap_or_default()));
            let title = if operation.summary.is_empty() { operation.slug.clone() } else { operation.summary.clone() };
            Searchable {
                found: Found {
                    sort: Sort::Operation,
                    title,
                    id: Some(entry.api.id.clone()),
                    api: entry.title().to_owned(),
                    method: operation.method.clone(),
                    path: operation.path.clone(),
                    summary: String::new(),
                    link: format!("{link}/operations/{}", crate::web::escape_path(&operation.slug)),
                },
                said,
            }
        })
        .collect()
}

fn schemas_of(entry: &Entry, reference: &Reference) -> Vec<Searchable> {
    let root = &*reference.document.value;
    let link = crate::web::api_link(&entry.api.id);
    reference
        .schemas()
        .filter_map(|name| {
            let schema = reference.written_schema(name)?;
            let mut names = Names::new(root);
            names.add(schema, 0);
            let description = text(schema, "description").unwrap_or_default();
            Some(Searchable {
                found: Found {
                    sort: Sort::Schema,
                    title: name.to_owned(),
                    id: Some(entry.api.id.clone()),
                    api: entry.title().to_owned(),
                    method: String::new(),
                    path: String::new(),
                    summary: markdown::summary(description),
                    link: format!("{link}/schemas/{}", crate::web::escape_path(name)),
                },
                said: names.said().into_iter().chain(described(description)).collect(),
            })
        })
        .collect()
}

/// What a description says, without its markup.
fn described(markdown: &str) -> Option<(Part, String)> {
    Some((Part::Text, markdown::text(markdown))).filter(|(_, text)| !text.is_empty())
}

/// Names of parameters and properties, in what a value refers to as well.
struct Names<'d> {
    root: &'d Value,
    found: BTreeSet<(Part, &'d str)>,
    followed: BTreeSet<&'d str>,
    /// The values that were looked at.
    values: usize,
}

impl<'d> Names<'d> {
    fn new(root: &'d Value) -> Self {
        Self { root, found: BTreeSet::new(), followed: BTreeSet::new(), values: 0 }
    }

    fn said(self) -> Vec<(Part, String)> {
        self.found.into_iter().map(|(part, name)| (part, name.to_owned())).collect()
    }

    fn add(&mut self, value: &'d Value, depth: usize) {
        self.values += 1;
        if depth > 2 * MAX_DEPTH || self.found.len() > MAX_NAMES || self.values > MAX_VALUES {
            return;
        }
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.add(item, depth + 1)),
            Value::Object(entries) => {
                if let Some(Value::String(reference)) = entries.get("$ref")
                    && self.followed.insert(reference)
                    && let Some(target) = reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer))
                {
                    self.add(target, depth + 1);
                }
                if entries.contains_key("in") {
                    self.found.extend(entries.get("name").and_then(Value::as_str).map(|name| (Part::Parameter, name)));
                }
                if let Some(Value::Object(properties)) = entries.get("properties") {
                    self.found.extend(properties.keys().map(|name| (Part::Property, name.as_str())));
                }
                entries.values().for_each(|value| self.add(value, depth + 1));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_looked_for_in_so_many_values() {
        let root = json!({ "large": vec![json!([[[]]]); 100_000], "small": { "properties": { "a": {} } } });
        let refer = |names: &[&str]| names.iter().map(|name| json!({ "$ref": format!("#/{name}") })).collect::<Value>();
        let found = |value: &Value| {
            let mut names = Names::new(&root);
            names.add(value, 0);
            assert!(names.values < 2 * MAX_VALUES + 100_000, "{}", names.values);
            names.said()
        };
        assert_eq!(found(&refer(&["small", "large"])), [(Part::Property, "a".to_owned())]);
        assert_eq!(found(&refer(&["large", "small"])), []);
    }
}
