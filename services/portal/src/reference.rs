//! A document prepared for reading: its operations, how clients reach each, and what each takes and gives.

mod budget;
mod example;
mod groups;
mod incoming;
mod operation;
mod resolve;
mod samples;
mod schema;
mod slug;
mod users;
mod ways;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::api::Api;
use crate::document::{Document, operations, text};
use crate::gateway::{ObjectRef, ServedApi};
use crate::markdown;
use crate::rewrite::{Rewritten, rewrite};
use crate::texts::Texts;

pub(crate) use self::budget::Budget;
pub(crate) use self::groups::Group;
use self::groups::grouped;
pub(crate) use self::incoming::{Incoming, Webhook};
use self::operation::sample_path;
pub(crate) use self::operation::{OperationView, all_parameters, placeholders};
pub(crate) use self::resolve::{pointer_name, reference, resolve, resolve_pointer, schema_name};
pub(crate) use self::samples::proof::Proof;
pub(crate) use self::schema::{SchemaView, field_anchor};
use self::slug::Slugs;
pub(crate) use self::users::Users;
use self::users::Uses;
pub(crate) use self::ways::Ways;

/// An operation, as lists have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    /// Its name in URLs: the `operationId`, or one that is made of method and path.
    pub(crate) slug: String,
    pub(crate) method: String,
    /// As the document has it.
    pub(crate) inner: String,
    /// As clients ask for it, as far as that is known.
    pub(crate) path: String,
    /// The same with a value in the place of each parameter.
    pub(crate) sample: String,
    pub(crate) summary: String,
    /// Empty where it has none.
    pub(crate) tag: String,
    pub(crate) deprecated: bool,
    /// Why no request through the gateway reaches it.
    pub(crate) unrouted: Option<Unrouted>,
}

impl Operation {
    /// The path by which clients ask for it, where any request becomes one for its path.
    fn client_path(&self) -> Option<&str> {
        (self.unrouted != Some(Unrouted::Path)).then_some(&self.path)
    }
}

/// Why no request reaches an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unrouted {
    /// No request becomes one for its path.
    Path,
    /// Requests of this method alone are let through.
    Method(String),
}

impl Unrouted {
    /// The same as a page says it.
    pub(crate) fn words(&self, texts: &Texts) -> String {
        match self {
            Self::Path => texts.text("unrouted_path").to_owned(),
            Self::Method(only) => texts.with("unrouted_method", "method", only),
        }
    }
}

/// A document with all that pages need.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) api: Arc<Api>,
    pub(crate) document: Arc<Document>,
    /// The copy for clients, or why there is none.
    pub(crate) rewritten: Result<Rewritten, String>,
    /// By path and method; `groups` have them in the order of the document.
    pub(crate) operations: Vec<Operation>,
    pub(crate) groups: Vec<Group>,
    /// What the service sends by itself.
    pub(crate) webhooks: Vec<Webhook>,
    /// What leads to the service, and to none of the operations.
    undocumented: Vec<ObjectRef>,
    slugs: BTreeMap<String, usize>,
    /// What refers to what, for pages of schemas.
    uses: OnceLock<Uses>,
}

impl Reference {
    /// Prepares a document.
    pub(crate) fn new(api: Arc<Api>, document: Arc<Document>) -> Self {
        let ways = Ways::of(&api, &document);
        let operations = listed(&api, &document, &ways);
        let clients: Vec<_> = operations.iter().map(Operation::client_path).collect();
        let rewritten = match &api.mount {
            Ok(mount) if api.keeps_servers => {
                Ok(Rewritten { value: (*document.value).clone(), ..rewrite(&document, mount, &clients) })
            }
            Ok(mount) => Ok(rewrite(&document, mount, &clients)),
            Err(reason) => Err(reason.to_string()),
        };
        let undocumented = ways.undocumented(&operations);
        let groups = grouped(&document, &operations);
        let webhooks = incoming::webhooks(&document);
        let slugs = operations.iter().enumerate().map(|(place, operation)| (operation.slug.clone(), place)).collect();
        Self { api, document, rewritten, operations, groups, webhooks, undocumented, slugs, uses: OnceLock::new() }
    }

    /// All operations, as pages list them.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = &Operation> {
        self.groups.iter().flat_map(|group| &group.operations).filter_map(|place| self.operations.get(*place))
    }

    /// An operation by its name in URLs.
    pub(crate) fn operation(&self, slug: &str) -> Option<&Operation> {
        self.operations.get(*self.slugs.get(slug)?)
    }

    /// All of a webhook, by its name in URLs. `link` is where pages of schemas are.
    pub(crate) fn webhook(&self, slug: &str, link: &str, texts: &Texts) -> Option<Incoming> {
        let webhook = self.webhooks.iter().find(|webhook| webhook.slug == slug)?;
        let budget = Budget::default();
        incoming::webhook(&self.document, webhook, &schema::Schemas::new(&self.document.value, link, texts, &budget))
    }

    /// Servers of the document that are not the one which counts.
    pub(crate) fn other_servers(&self) -> Vec<String> {
        let all = self.document.value.get("servers").map(operation::servers).unwrap_or_default();
        all.into_iter().skip(1).collect()
    }

    /// Where clients reach the gateway; empty where that is not known.
    pub(crate) fn origins(&self) -> &[String] {
        self.api.mount.as_ref().map_or(&[], |mount| &mount.origins)
    }

    /// The names of the schemas that the document shares.
    pub(crate) fn schemas(&self) -> impl Iterator<Item = &str> {
        resolve::schemas(&self.document).into_iter().flatten().map(|(name, _)| name.as_str())
    }

    /// A schema that the document shares, and an example of it, if there is any. `link` is where pages of schemas are.
    pub(crate) fn schema(&self, name: &str, link: &str, texts: &Texts) -> Option<(SchemaView, Option<String>)> {
        let schema = self.written_schema(name)?;
        let budget = Budget::default();
        let view = schema::Schemas::new(&self.document.value, link, texts, &budget).on_its_own_page().view(schema);
        let example = example::of_schema(&self.document.value, schema, false, &budget);
        let example = example.map(|example| serde_json::to_string_pretty(&example).unwrap_or_default());
        Some((view, example.and_then(|example| budget.example(example, 1))))
    }

    /// A schema that the document shares, as it has it.
    pub(crate) fn written_schema(&self, name: &str) -> Option<&Value> {
        resolve::schemas(&self.document)?.get(name)
    }

    /// The path for clients of a path of the document, if it has one.
    pub(crate) fn outer(&self, path: &str) -> Option<&str> {
        self.rewritten.as_ref().ok()?.paths.get(path)?.as_deref()
    }

    /// Whether an operation of the document goes this way, as far as that can be told.
    pub(crate) fn documents(&self, served: &ServedApi) -> bool {
        !self.undocumented.iter().any(|object| served.is(object))
    }

    /// How many operations no request reaches.
    pub(crate) fn unrouted(&self) -> usize {
        self.operations.iter().filter(|operation| operation.unrouted.is_some()).count()
    }

    /// The document for clients: the rewritten copy where there is one.
    pub(crate) fn value(&self) -> &Value {
        self.rewritten.as_ref().map_or(&*self.document.value, |rewritten| &rewritten.value)
    }
}

fn listed(api: &Api, document: &Document, ways: &Ways<'_>) -> Vec<Operation> {
    let (mut slugs, budget) = (Slugs::default(), Budget::default());
    operations(&document.value)
        .map(|(inner, method, item, operation)| {
            let (path, unrouted) = match ways.to(inner, &method) {
                Some(path) => (path, None),
                None => unrouted(api, ways, inner, &method),
            };
            let summary = text(operation, "summary").or(text(operation, "description")).map(markdown::summary);
            let tag = operation.get("tags").and_then(|tags| tags.get(0)).and_then(Value::as_str);
            let root = &*document.value;
            let parameters = all_parameters(root, item, resolve(root, operation));
            Operation {
                slug: slugs.name(text(operation, "operationId"), &method, inner),
                sample: sample_path(root, document.version, &parameters, &path, &budget),
                path,
                inner: inner.to_owned(),
                summary: summary.unwrap_or_default(),
                tag: tag.filter(|tag| !tag.trim().is_empty()).unwrap_or_default().to_owned(),
                deprecated: operation.get("deprecated").and_then(Value::as_bool).unwrap_or(false),
                method,
                unrouted,
            }
        })
        .collect()
}

/// The path of an operation that no way leads to, and why.
fn unrouted(api: &Api, ways: &Ways<'_>, inner: &str, method: &str) -> (String, Option<Unrouted>) {
    let path = if ways.is_known() { ways.outer(inner) } else { Some(inner.to_owned()) };
    let only = api.served.method.as_ref().filter(|only| *only != method);
    match path {
        Some(path) => (path, only.cloned().map(Unrouted::Method)),
        None => (inner.to_owned(), Some(Unrouted::Path)),
    }
}
