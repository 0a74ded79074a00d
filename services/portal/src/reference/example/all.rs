//! Schemas that have to allow a value together.

use std::collections::BTreeMap;

use serde_json::Value;

use super::check::{is_nullable, list};
use super::scalar;
use crate::document::text;
use crate::reference::resolve::{reference, resolve, schema_name};

/// How many schemas say what one value is.
const MAX_PARTS: usize = 200;

/// Schemas that a value has to fulfil together.
#[derive(Clone, Default)]
pub(super) struct All<'d> {
    pub(super) schemas: Vec<&'d Value>,
    /// The shared ones among them.
    pub(super) shared: Vec<&'d Value>,
    /// What the properties are by which variants are told apart.
    pub(super) fixed: BTreeMap<&'d str, String>,
}

impl<'d> All<'d> {
    /// Adds a schema, what it refers to and what it is put together from, each once.
    pub(super) fn add(&mut self, root: &'d Value, schema: &'d Value) {
        if self.schemas.iter().any(|known| std::ptr::eq(*known, schema)) || self.schemas.len() >= MAX_PARTS {
            return;
        }
        self.schemas.push(schema);
        let target = resolve(root, schema);
        if !std::ptr::eq(target, schema) {
            self.shared.push(target);
            self.add(root, target);
        }
        list(schema, "allOf").for_each(|part| self.add(root, part));
    }

    /// What a schema that is called so says of itself where others of its kind are told apart.
    pub(super) fn name(&mut self, schema: &'d Value, among: &[&'d Value]) {
        let Some(called) = reference(schema) else { return };
        for discriminator in among.iter().filter_map(|schema| schema.get("discriminator")) {
            let Some(property) = text(discriminator, "propertyName") else { continue };
            let mapping = discriminator.get("mapping").and_then(Value::as_object).into_iter().flatten();
            let own = schema_name(called);
            let is_it = |target: &Value| target == called || target.as_str() == own.as_deref();
            let told = mapping.filter(|(_, target)| is_it(target)).map(|(name, _)| name.clone()).next();
            self.fixed.extend(told.or(own).map(|name| (property, name)));
        }
    }

    /// The lists of which the value is one of each.
    pub(super) fn unions(&self) -> impl Iterator<Item = (&'d Value, &'static str)> {
        let of = |schema: &&'d Value| ["oneOf", "anyOf"].map(|key| (*schema, key));
        self.schemas.iter().flat_map(of).filter(|(schema, key)| list(schema, key).next().is_some())
    }

    /// The types that the value may be, in the order in which they are tried.
    pub(super) fn kinds(&self) -> Vec<&'d str> {
        let mut said = self.schemas.iter().filter_map(|schema| scalar::said(schema));
        let Some(mut kinds) = said.next() else {
            let implied = self.schemas.iter().find_map(|schema| scalar::implied(schema));
            let any = || vec!["string", "object", "array", "integer", "boolean", "null"];
            return implied.map_or_else(any, |kind| vec![kind]);
        };
        for others in said {
            let covers =
                |kind: &str| others.iter().any(|other| *other == kind || (*other, kind) == ("number", "integer"));
            let narrowed = kinds.into_iter().filter_map(|kind| match kind {
                _ if covers(kind) => Some(kind),
                "number" => others.contains(&"integer").then_some("integer"),
                _ => None,
            });
            kinds = narrowed.collect();
        }
        kinds.extend(self.schemas.iter().any(|schema| is_nullable(schema)).then_some("null"));
        // Nothing says least.
        kinds.sort_by_key(|kind| *kind == "null");
        kinds
    }

    /// A number of a keyword, of each that gives it.
    pub(super) fn count(&self, key: &'static str) -> impl Iterator<Item = usize> {
        let count = move |schema: &&Value| schema.get(key)?.as_u64()?.try_into().ok();
        self.schemas.iter().filter_map(count)
    }
}
