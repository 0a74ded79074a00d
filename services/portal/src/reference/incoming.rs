//! Requests that a service sends by itself: webhooks, and callbacks of operations.

use serde_json::Value;

use super::operation::{Described, all_parameters};
use super::resolve::resolve;
use super::schema::Schemas;
use super::slug::Slugs;
use crate::document::{Document, methods, text};
use crate::markdown;

/// One of them, with everything that is told of it.
#[derive(Clone, Debug)]
pub(crate) struct Incoming {
    pub(crate) name: String,
    /// An expression over what was asked and answered before; the name again of a webhook.
    pub(crate) address: String,
    pub(crate) method: String,
    pub(crate) summary: String,
    pub(crate) deprecated: bool,
    pub(crate) described: Described,
}

/// A webhook, as lists have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Webhook {
    /// Its name in URLs.
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) method: String,
    pub(crate) summary: String,
    pub(crate) deprecated: bool,
}

fn summary(operation: &Value) -> String {
    text(operation, "summary").or(text(operation, "description")).map(markdown::summary).unwrap_or_default()
}

fn is_deprecated(operation: &Value) -> bool {
    operation.get("deprecated") == Some(&Value::Bool(true))
}

fn entries<'d>(object: &'d Value, key: &str) -> impl Iterator<Item = (&'d String, &'d Value)> + use<'d> {
    let entries = object.get(key).and_then(Value::as_object).into_iter().flatten();
    entries.filter(|(name, _)| !name.starts_with("x-"))
}

/// Those of a path item.
fn of_item<'d>(
    document: &'d Document,
    schemas: &Schemas<'d>,
    name: &str,
    address: &str,
    item: &'d Value,
) -> Vec<Incoming> {
    let root = &*document.value;
    let item = resolve(root, item);
    let incoming = |(method, operation): (String, &'d Value)| {
        let all = all_parameters(root, item, operation);
        Incoming {
            name: name.to_owned(),
            address: address.to_owned(),
            method,
            summary: summary(operation),
            deprecated: is_deprecated(operation),
            described: Described::of(root, document.version, schemas, operation, &all),
        }
    };
    methods(item).map(incoming).collect()
}

/// Those that follow requests of an operation.
pub(super) fn callbacks<'d>(document: &'d Document, operation: &'d Value, schemas: &Schemas<'d>) -> Vec<Incoming> {
    let of_callback = |(name, callback): (&'d String, &'d Value)| {
        let addresses = resolve(&document.value, callback).as_object().into_iter().flatten();
        let addresses = addresses.filter(|(address, _)| !address.starts_with("x-"));
        addresses.flat_map(|(address, item)| of_item(document, schemas, name, address, item)).collect::<Vec<_>>()
    };
    entries(operation, "callbacks").flat_map(of_callback).collect()
}

/// Those that the document lists for all; `x-webhooks` before 3.1.
pub(super) fn webhooks(document: &Document) -> Vec<Webhook> {
    let mut slugs = Slugs::default();
    let mut listed = Vec::new();
    for (name, item) in items(document) {
        for (method, operation) in methods(resolve(&document.value, item)) {
            let slug = slugs.name(Some(&format!("{name}-{}", method.to_lowercase())), &method, name);
            let (summary, deprecated) = (summary(operation), is_deprecated(operation));
            listed.push(Webhook { slug, name: name.clone(), method, summary, deprecated });
        }
    }
    listed
}

/// All of a webhook.
pub(super) fn webhook<'d>(document: &'d Document, webhook: &Webhook, schemas: &Schemas<'d>) -> Option<Incoming> {
    let (name, item) = items(document).find(|(name, _)| **name == webhook.name)?;
    of_item(document, schemas, name, name, item).into_iter().find(|one| one.method == webhook.method)
}

fn items(document: &Document) -> impl Iterator<Item = (&String, &Value)> {
    ["webhooks", "x-webhooks"].into_iter().flat_map(|key| entries(&document.value, key))
}
