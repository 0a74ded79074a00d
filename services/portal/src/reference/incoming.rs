//! Requests that a service sends by itself: webhooks, and callbacks of operations.

use serde_json::Value;

use super::budget::short;
use super::operation::{Described, all_parameters};
use super::resolve::resolve;
use super::schema::Schemas;
use super::slug::Slugs;
use crate::document::{Document, MAX_OPERATIONS, methods, text};
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

/// One of a path item.
struct Asked<'d> {
    name: &'d str,
    address: &'d str,
    item: &'d Value,
    method: String,
    operation: &'d Value,
}

impl<'d> Asked<'d> {
    fn of_item(root: &'d Value, name: &'d str, address: &'d str, item: &'d Value) -> impl Iterator<Item = Self> {
        let item = resolve(root, item);
        methods(item).map(move |(method, operation)| Self { name, address, item, method, operation })
    }

    fn view(self, document: &'d Document, schemas: &Schemas<'d>) -> Incoming {
        let root = &*document.value;
        let all = all_parameters(root, self.item, self.operation);
        Incoming {
            name: short(self.name),
            address: short(self.address),
            method: self.method,
            summary: summary(self.operation),
            deprecated: is_deprecated(self.operation),
            described: Described::of(root, document.version, schemas, self.operation, &all),
        }
    }
}

/// Those that follow requests of an operation, and how many of them there is no room for.
pub(super) fn callbacks<'d>(
    document: &'d Document,
    operation: &'d Value,
    schemas: &Schemas<'d>,
) -> (Vec<Incoming>, usize) {
    let root = &*document.value;
    let of_callback = |(name, callback): (&'d String, &'d Value)| {
        let addresses = resolve(root, callback).as_object().into_iter().flatten();
        let addresses = addresses.filter(|(address, _)| !address.starts_with("x-"));
        addresses.flat_map(move |(address, item)| Asked::of_item(root, name, address, item))
    };
    let all = entries(operation, "callbacks").flat_map(of_callback).take(MAX_OPERATIONS);
    schemas.budget.each(all, |asked| asked.view(document, schemas))
}

/// Those that the document lists for all; `x-webhooks` before 3.1.
pub(super) fn webhooks(document: &Document) -> Vec<Webhook> {
    let mut slugs = Slugs::default();
    sent(document)
        .map(|(name, _, method, operation)| {
            let slug = slugs.name(Some(&format!("{name}-{}", method.to_lowercase())), &method, name);
            let (summary, deprecated) = (summary(operation), is_deprecated(operation));
            Webhook { slug, name: name.clone(), method, summary, deprecated }
        })
        .collect()
}

/// The same as they are written: name, path item, method in upper case, operation.
pub(super) fn sent(document: &Document) -> impl Iterator<Item = (&String, &Value, String, &Value)> {
    let all = items(document).flat_map(|(name, item)| {
        let item = resolve(&document.value, item);
        methods(item).map(move |(method, operation)| (name, item, method, operation))
    });
    all.take(MAX_OPERATIONS)
}

/// All of a webhook.
pub(super) fn webhook<'d>(document: &'d Document, webhook: &Webhook, schemas: &Schemas<'d>) -> Option<Incoming> {
    let (name, item) = items(document).find(|(name, _)| **name == webhook.name)?;
    let asked = Asked::of_item(&document.value, name, name, item).find(|one| one.method == webhook.method)?;
    Some(asked.view(document, schemas))
}

fn items(document: &Document) -> impl Iterator<Item = (&String, &Value)> {
    ["webhooks", "x-webhooks"].into_iter().flat_map(|key| entries(&document.value, key))
}
