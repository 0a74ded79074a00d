//! What a value may be.

use std::collections::BTreeSet;

use serde_json::Value;

use super::comparison::{At, Comparison};
use super::rule::Rule;
use super::shape::Shape;
use super::words::{code, codes, value};

/// The most values of a list that are told.
const MAX_VALUES: usize = 20;

/// Formats of which the second holds all values of the first.
const WIDER: [(&str, &str); 2] = [("int32", "int64"), ("float", "double")];

impl<'d> Comparison<'d> {
    /// Compares two schemas, and asks for the parts of them to be compared.
    pub(super) fn schema(&mut self, old: &'d Value, new: &'d Value, at: &At) {
        let (before, after) = (self.shape(self.old, old), self.shape(self.new, new));
        self.null(&before, &after, at);
        match (before.is_union(), after.is_union()) {
            (false, true) => return self.became_union(old, &after.variants, at),
            (true, false) => return self.was_union(new, &before.variants, at),
            // What they are is said by their variants.
            (true, true) => {}
            // Of a value of another type nothing else is the same.
            (false, false) if !self.types(&before.types, &after.types, at) => return,
            (false, false) => {}
        }
        self.format(before.format, after.format, at);
        self.values(before.values.as_deref(), after.values.as_deref(), at);
        for (rule, text) in before.bounds.changes(&after.bounds) {
            self.find(rule, at, text);
        }
        self.pattern(before.pattern, after.pattern, at);
        self.default(before.default, after.default, at);
        self.pair_given(before.items, after.items, &at.items());
        self.properties(&before, &after, at);
        self.variants(&before.variants, &after.variants, at);
        self.discriminator(&before, &after, at);
    }

    fn discriminator(&mut self, before: &Shape<'_>, after: &Shape<'_>, at: &At) {
        let Some(was) = before.discriminator else { return };
        if after.discriminator != Some(was) {
            let is = after.discriminator.map_or_else(|| "no property".to_owned(), code);
            let text = format!("Variants are told apart by {is} instead of {}.", code(was));
            return self.find(Rule::DiscriminatorChanged, at, text);
        }
        // Without a list the names of schemas are what is said: they are compared as variants.
        if before.told_by.is_empty() || after.told_by.is_empty() {
            return;
        }
        for gone in before.told_by.difference(&after.told_by) {
            let text = format!("{} does not say {} any more.", code(was), code(gone));
            self.find(Rule::DiscriminatorValueRemoved, at, text);
        }
        for added in after.told_by.difference(&before.told_by) {
            self.find(Rule::DiscriminatorValueAdded, at, format!("{} may say {}, too.", code(was), code(added)));
        }
    }

    fn null(&mut self, before: &Shape<'_>, after: &Shape<'_>, at: &At) {
        match (before.takes_null(), after.takes_null()) {
            (false, true) => self.find(Rule::BecameNullable, at, "The value may be `null`."),
            (true, false) => self.find(Rule::BecameNotNullable, at, "The value is not `null` any more."),
            _ => {}
        }
    }

    /// Says whether there are types in common.
    fn types(&mut self, before: &BTreeSet<&str>, after: &BTreeSet<&str>, at: &At) -> bool {
        let rule = match (covers(after, before), covers(before, after)) {
            (true, true) => return true,
            (true, false) => Rule::TypeWidened,
            (false, true) => Rule::TypeNarrowed,
            (false, false) => Rule::TypeChanged,
        };
        let words = |types: &BTreeSet<&str>| match types.is_empty() {
            true => "anything".to_owned(),
            false => codes(types.iter().copied(), "or"),
        };
        self.find(rule, at, format!("The type is {} instead of {}.", words(after), words(before)));
        rule != Rule::TypeChanged
    }

    fn format(&mut self, before: Option<&str>, after: Option<&str>, at: &At) {
        let (rule, text) = match (before, after) {
            (None, Some(new)) => (Rule::FormatAdded, format!("The format is {}.", code(new))),
            (Some(old), None) => (Rule::FormatRemoved, format!("The format is not {} any more.", code(old))),
            (Some(old), Some(new)) if old != new => {
                let rule = match () {
                    () if WIDER.contains(&(old, new)) => Rule::TypeWidened,
                    () if WIDER.contains(&(new, old)) => Rule::TypeNarrowed,
                    () => Rule::FormatChanged,
                };
                (rule, format!("The format is {} instead of {}.", code(new), code(old)))
            }
            _ => return,
        };
        self.find(rule, at, text);
    }

    fn values(&mut self, before: Option<&[&Value]>, after: Option<&[&Value]>, at: &At) {
        let all = |values: &[&Value]| {
            let told = values.iter().take(MAX_VALUES).map(|one| value(one)).collect::<Vec<_>>().join(", ");
            match values.len().checked_sub(MAX_VALUES) {
                None | Some(0) => told,
                Some(more) => format!("{told} and {more} more"),
            }
        };
        let texts = |values: &[&Value]| values.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        match (before, after) {
            (None, None) => {}
            (None, Some(new)) => self.find(Rule::EnumAdded, at, format!("The value is one of {}.", all(new))),
            (Some(_), None) => self.find(Rule::EnumRemoved, at, "The value is not one of a list any more."),
            (Some(old), Some(new)) => {
                let (was, is) = (texts(old), texts(new));
                for gone in old.iter().filter(|one| !is.contains(&one.to_string())) {
                    self.find(Rule::EnumValueRemoved, at, format!("The value is not {} any more.", value(gone)));
                }
                for added in new.iter().filter(|one| !was.contains(&one.to_string())) {
                    self.find(Rule::EnumValueAdded, at, format!("The value may be {}, too.", value(added)));
                }
            }
        }
    }

    fn pattern(&mut self, before: Option<&str>, after: Option<&str>, at: &At) {
        let (rule, text) = match (before, after) {
            (None, Some(new)) => (Rule::PatternAdded, format!("The value matches {}.", code(new))),
            (Some(old), None) => (Rule::PatternRemoved, format!("The value need not match {} any more.", code(old))),
            (Some(old), Some(new)) if old != new => {
                (Rule::PatternChanged, format!("The value matches {} instead of {}.", code(new), code(old)))
            }
            _ => return,
        };
        self.find(rule, at, text);
    }

    fn default(&mut self, before: Option<&Value>, after: Option<&Value>, at: &At) {
        if before != after {
            let words = |default: Option<&Value>| default.map_or_else(|| "nothing".to_owned(), value);
            let text = format!("What is left out is {} instead of {}.", words(after), words(before));
            self.find(Rule::DefaultChanged, at, text);
        }
    }
}

/// Whether every value of the types `narrow` is one of `wide`.
fn covers(wide: &BTreeSet<&str>, narrow: &BTreeSet<&str>) -> bool {
    let holds = |name: &&str| wide.contains(name) || (*name == "integer" && wide.contains("number"));
    wide.is_empty() || (!narrow.is_empty() && narrow.iter().all(holds))
}
