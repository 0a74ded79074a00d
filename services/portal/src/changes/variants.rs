//! Values that are one of several things.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use super::comparison::{At, Comparison};
use super::rule::Rule;
use super::words::code;
use crate::document::text;
use crate::reference::{reference, resolve, schema_name};

/// The most pairs of variants without a name in common that are compared.
const MAX_PAIRS: usize = 10_000;
/// The most variants that are looked at to find the one that a value became.
const MAX_VARIANTS: usize = 200;

/// What a variant is called.
fn label(variant: &Value) -> String {
    let named = reference(variant).and_then(schema_name).or_else(|| text(variant, "title").map(str::to_owned));
    let typed = || text(variant, "type").map(str::to_owned);
    named
        .or_else(|| variant.get("const").map(ToString::to_string))
        .or_else(typed)
        .unwrap_or_else(|| "object".to_owned())
}

impl<'d> Comparison<'d> {
    /// Compares lists of variants: of the same name, or else such as are the same.
    pub(super) fn variants(&mut self, before: &[&'d Value], after: &[&'d Value], at: &At) {
        let mut named: BTreeMap<String, VecDeque<&'d Value>> = BTreeMap::new();
        for new in after {
            named.entry(label(new)).or_default().push_back(new);
        }
        let mut others = Vec::new();
        for old in before {
            let label = label(old);
            match named.get_mut(&label).and_then(VecDeque::pop_front) {
                Some(new) => self.pair(old, new, &at.part(&label)),
                None => others.push(*old),
            }
        }
        let mut added: Vec<_> = named.into_values().flatten().collect();
        let is_compared = others.len().saturating_mul(added.len()) <= MAX_PAIRS;
        for old in others {
            let same = if is_compared { self.same(old, &added) } else { None };
            match same {
                Some(place) => {
                    let new = added.remove(place);
                    self.pair(old, new, &at.part(&label(new)));
                }
                None => {
                    self.find(Rule::VariantRemoved, at, format!("The value is not {} any more.", code(&label(old))));
                }
            }
        }
        for variant in added {
            self.find(Rule::VariantAdded, at, format!("The value may be {}, too.", code(&label(variant))));
        }
    }

    fn same(&self, old: &Value, among: &[&'d Value]) -> Option<usize> {
        among.iter().position(|new| resolve(self.new, new) == resolve(self.old, old))
    }

    /// Compares one thing with the several that it may be now.
    pub(super) fn became_union(&mut self, old: &'d Value, after: &[&'d Value], at: &At) {
        match self.alike((self.old, old), self.new, after) {
            Some(place) => {
                self.pair(old, after[place], at);
                self.variants(&[], &without(after, place), at);
            }
            None => self.became_another(at),
        }
    }

    /// Compares the several things that a value was with the one that it is now.
    pub(super) fn was_union(&mut self, new: &'d Value, before: &[&'d Value], at: &At) {
        match self.alike((self.new, new), self.old, before) {
            Some(place) => {
                self.pair(before[place], new, at);
                self.variants(&without(before, place), &[], at);
            }
            None => self.became_another(at),
        }
    }

    fn became_another(&mut self, at: &At) {
        self.find(Rule::TypeChanged, at, "The value is something else altogether.");
    }

    /// Which of the variants a schema is: the same, or else one of the same type.
    fn alike(
        &self,
        (root, schema): (&'d Value, &'d Value),
        variants_root: &'d Value,
        variants: &[&'d Value],
    ) -> Option<usize> {
        let types = self.shape(root, schema).types;
        let is_same = |variant: &&'d Value| resolve(variants_root, variant) == schema;
        let is_of_type = |variant: &&'d Value| !self.is_spent() && self.shape(variants_root, variant).types == types;
        let variants = &variants[..variants.len().min(MAX_VARIANTS)];
        variants.iter().position(is_same).or_else(|| variants.iter().position(is_of_type))
    }
}

fn without<'d>(variants: &[&'d Value], place: usize) -> Vec<&'d Value> {
    let mut rest = variants.to_vec();
    rest.remove(place);
    rest
}
