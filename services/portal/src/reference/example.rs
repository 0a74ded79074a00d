//! Example values: those that a document gives, and what can be made of a schema where it gives none.

mod all;
mod check;
mod make;
mod pattern;
mod scalar;
#[cfg(test)]
mod tests;

use serde_json::Value;

use self::make::Maker;
use super::budget::Budget;
use super::resolve::resolve;

/// What a parameter, a header or a content says: `example`, or the first of `examples`.
pub(super) fn given<'v>(root: &'v Value, object: &'v Value) -> Option<&'v Value> {
    if let Some(example) = object.get("example") {
        return Some(example);
    }
    match object.get("examples") {
        Some(Value::Object(examples)) => {
            let first = resolve(root, examples.values().next()?);
            Some(first.get("value").or(first.get("dataValue")).unwrap_or(first))
        }
        Some(Value::Array(examples)) => examples.first(),
        _ => None,
    }
}

/// A value that a schema allows: none where none was found, as of a schema that nothing fulfils. `writing` leaves out what
/// only the service writes. Schemas that say `oneOf` of what fits several are taken as they are meant.
pub(super) fn of_schema(root: &Value, schema: &Value, writing: bool, budget: &Budget) -> Option<Value> {
    [true, false].into_iter().filter(|_| !budget.is_tired()).find_map(|is_strict| {
        let mut maker = Maker::new(root, writing, is_strict);
        let made = maker.value(&[schema]);
        budget.work(maker.work());
        made
    })
}
