//! Who may ask: what a request has to show.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::comparison::{At, Comparison};
use super::operations::Operation;
use super::rule::Rule;
use super::words::{code, codes};

/// Schemes that a request has to follow together, each with its scopes.
type Alternative<'d> = BTreeMap<&'d str, BTreeSet<&'d str>>;

/// The alternatives of an operation; none where everybody may ask.
fn alternatives<'d>(root: &'d Value, operation: Operation<'d>) -> Vec<Alternative<'d>> {
    let said = operation.written.get("security").or_else(|| root.get("security"));
    let all: Vec<Alternative<'d>> =
        said.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object).map(alternative).collect();
    // One that asks for nothing lets everybody in.
    if all.iter().any(BTreeMap::is_empty) { Vec::new() } else { all }
}

fn alternative(schemes: &serde_json::Map<String, Value>) -> Alternative<'_> {
    let named = schemes.iter().map(|(name, scopes)| {
        let scopes = scopes.as_array().into_iter().flatten().filter_map(Value::as_str);
        (name.as_str(), scopes.collect())
    });
    named.collect()
}

fn has_same_schemes(one: &Alternative<'_>, other: &Alternative<'_>) -> bool {
    one.keys().eq(other.keys())
}

/// Whether who shows the one shows what the other asks for as well, and perhaps more.
fn suffices(shown: &Alternative<'_>, asked: &Alternative<'_>) -> bool {
    asked.iter().all(|(scheme, scopes)| shown.get(scheme).is_some_and(|shown| scopes.is_subset(shown)))
}

/// What a request shows, in words.
fn words(alternative: &Alternative<'_>) -> String {
    let shown = alternative.iter().map(|(scheme, scopes)| match scopes.is_empty() {
        true => code(scheme),
        false => format!("{} with {}", code(scheme), codes(scopes.iter().copied(), "and")),
    });
    shown.collect::<Vec<_>>().join(" and ")
}

impl<'d> Comparison<'d> {
    pub(super) fn security(&mut self, old: Operation<'d>, new: Operation<'d>, at: &At) {
        let (before, after) = (alternatives(self.old, old), alternatives(self.new, new));
        match (before.is_empty(), after.is_empty()) {
            (true, true) => {}
            (true, false) => {
                let asked = after.iter().map(words).collect::<Vec<_>>().join(" or ");
                self.find(Rule::SecurityAdded, at, format!("Requests have to show {asked}; they had to show nothing."));
            }
            (false, true) => self.find(Rule::SecurityRemoved, at, "Requests have to show nothing any more."),
            (false, false) => self.alternatives(&before, &after, at),
        }
    }

    fn alternatives(&mut self, before: &[Alternative<'d>], after: &[Alternative<'d>], at: &At) {
        let (mut gone, mut added): (Vec<_>, Vec<_>) =
            (before.iter().filter(|old| !after.contains(old)).collect(), Vec::new());
        for new in after.iter().filter(|new| !before.contains(new)) {
            // Of the same schemes with other scopes it is one that was there.
            match gone.iter().position(|old| has_same_schemes(old, new)) {
                Some(place) => self.scopes(gone.remove(place), new, at),
                None => added.push(new),
            }
        }
        // Who shows what is asked for, and more, is let in.
        for old in gone.into_iter().filter(|old| !after.iter().any(|new| suffices(old, new))) {
            let text = format!("{} is not enough any more.", words(old));
            self.find(Rule::SecurityAlternativeRemoved, at, text);
        }
        for new in added {
            self.find(Rule::SecurityAlternativeAdded, at, format!("{} is enough, too.", words(new)));
        }
    }

    fn scopes(&mut self, old: &Alternative<'d>, new: &Alternative<'d>, at: &At) {
        for ((scheme, before), after) in old.iter().zip(new.values()) {
            let added: Vec<_> = after.difference(before).copied().collect();
            if !added.is_empty() {
                let text = format!("{} needs the scope {}, too.", code(scheme), codes(added, "and"));
                self.find(Rule::SecurityScopeAdded, at, text);
            }
            let removed: Vec<_> = before.difference(after).copied().collect();
            if !removed.is_empty() {
                let text = format!("{} does not need the scope {} any more.", code(scheme), codes(removed, "and"));
                self.find(Rule::SecurityScopeRemoved, at, text);
            }
        }
    }

    /// Compares what schemes are.
    pub(super) fn security_schemes(&mut self) {
        let schemes = |root: &'d Value| root["components"]["securitySchemes"].as_object();
        let (Some(before), Some(after)) = (schemes(self.old), schemes(self.new)) else { return };
        for (name, old) in before {
            let Some(new) = after.get(name) else { continue };
            let changed: Vec<_> =
                ["type", "in", "name", "scheme"].into_iter().filter(|key| lower(old, key) != lower(new, key)).collect();
            if !changed.is_empty() {
                let at = Self::document().part(&format!("security scheme {name}"));
                let text = format!("Credentials are sent in another way: its {} is another.", changed.join(" and "));
                self.find(Rule::SecuritySchemeChanged, &at, text);
            }
        }
    }
}

/// A word of a scheme; the case of names of headers and schemes is no difference.
fn lower(scheme: &Value, key: &str) -> Option<String> {
    Some(scheme.get(key)?.as_str()?.to_lowercase())
}
