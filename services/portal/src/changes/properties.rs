//! Properties of objects.

use serde_json::Value;

use super::comparison::{At, Comparison};
use super::rule::{Rule, Side};
use super::shape::Shape;
use crate::reference::resolve;

/// Whether a property, or the schema that it is, says so.
fn says(root: &Value, property: &Value, key: &str) -> bool {
    [property, resolve(root, property)].iter().any(|schema| schema.get(key) == Some(&Value::Bool(true)))
}

/// Whether there is such a property in that direction.
fn goes(root: &Value, property: &Value, side: Side) -> bool {
    let other = match side {
        Side::Request => "readOnly",
        Side::Response => "writeOnly",
    };
    !says(root, property, other)
}

impl<'d> Comparison<'d> {
    pub(super) fn properties(&mut self, before: &Shape<'d>, after: &Shape<'d>, at: &At) {
        let (old_root, new_root) = (self.old, self.new);
        let find_in = |root: &Value, shape: &Shape<'d>, name: &str| {
            shape.properties.get(name).copied().filter(|property| goes(root, property, at.side))
        };
        for (name, old) in before.properties.iter().filter(|(_, old)| goes(old_root, old, at.side)) {
            let (at, was_required) = (at.part(name), before.required.contains(name));
            match find_in(new_root, after, name) {
                Some(new) => {
                    self.required(was_required, after.required.contains(name), &at);
                    if says(new_root, new, "deprecated") && !says(old_root, old, "deprecated") {
                        self.find(Rule::PropertyDeprecated, &at, "The property is deprecated.");
                    }
                    self.pair(old, new, &at);
                }
                None if at.side == Side::Request && after.is_closed && !after.properties.contains_key(name) => {
                    self.find(Rule::PropertyRefused, &at, "The property is gone, and no others are taken.");
                }
                None if was_required => self.find(Rule::RequiredPropertyRemoved, &at, "The property is gone."),
                None => self.find(Rule::PropertyRemoved, &at, "The property is gone."),
            }
        }
        for (name, _) in after.properties.iter().filter(|(_, new)| goes(new_root, new, at.side)) {
            if find_in(old_root, before, name).is_some() {
                continue;
            }
            match after.required.contains(name) {
                true => self.find(Rule::RequiredPropertyAdded, &at.part(name), "The property is new, and required."),
                false => self.find(Rule::PropertyAdded, &at.part(name), "The property is new."),
            }
        }
        self.others(before, after, at);
    }

    fn required(&mut self, was: bool, is: bool, at: &At) {
        match (was, is) {
            (false, true) => self.find(Rule::PropertyBecameRequired, at, "The property is always there."),
            (true, false) => self.find(Rule::PropertyBecameOptional, at, "The property may be missing."),
            _ => {}
        }
    }

    fn others(&mut self, before: &Shape<'d>, after: &Shape<'d>, at: &At) {
        match (before.is_closed, after.is_closed) {
            (false, true) => self.find(Rule::OtherPropertiesForbidden, at, "There are no other properties any more."),
            (true, false) => self.find(Rule::OtherPropertiesAllowed, at, "There may be other properties."),
            _ => {}
        }
        if !before.is_closed && !after.is_closed {
            self.pair_given(before.others, after.others, &at.part("*"));
        }
    }
}
