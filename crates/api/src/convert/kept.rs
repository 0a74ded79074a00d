//! Conversion that loses nothing, out of rules that lose some.
//!
//! For a spec `x` that the rules turn into `y`: if the rules give `x` back for `y`, nothing is lost. Otherwise the fields of
//! `x` that they would not give back are kept in `y`. On the way back they are put in place, and the result is
//! taken if the rules turn it into `y` again.

use serde_json::{Map, Value, json};

use super::Fields;
use super::rules::Rules;

/// What an object of `v3alpha1` keeps of `v2`.
pub(crate) const V2_FIELDS: &str = "v2Fields";

/// What an object of `v2` keeps of `v3alpha1`.
const V3_FIELDS: &str = "v3Fields";

/// Within what is kept: fields as they were.
const PRESENT: &str = "present";

/// Within what is kept: names of fields that were not there.
const ABSENT: &str = "absent";

/// One direction of a conversion: the rules both ways, and where each side keeps what the other cannot say.
#[derive(Clone, Copy)]
struct Direction {
    there: fn(Rules, Fields) -> Fields,
    back: fn(Rules, Fields) -> Fields,
    /// What the input keeps of the other version.
    here: &'static str,
    /// What the output keeps of this one.
    other: &'static str,
}

/// A spec of `v3alpha1`, of one in `v1` or `v2`.
pub(super) fn up(rules: Rules, spec: &Fields) -> Fields {
    let up = Direction { there: Rules::up, back: Rules::down, here: V3_FIELDS, other: V2_FIELDS };
    up.convert(rules, spec)
}

/// A spec of `v2`, of one in `v3alpha1`.
pub(super) fn down(rules: Rules, spec: &Fields) -> Fields {
    let down = Direction { there: Rules::down, back: Rules::up, here: V2_FIELDS, other: V3_FIELDS };
    down.convert(rules, spec)
}

impl Direction {
    fn convert(self, rules: Rules, spec: &Fields) -> Fields {
        self.restore(rules, spec).unwrap_or_else(|| self.plain(rules, spec))
    }

    /// By the rules, keeping what they would lose. What looks as if it had been kept and is not believed is no more than
    /// that.
    fn plain(self, rules: Rules, spec: &Fields) -> Fields {
        let mut rest = spec.clone();
        rest.remove(self.here);
        rest.remove(self.other);
        let mut out = (self.there)(rules, rest);
        let back = (self.back)(rules, out.clone());
        if back != *spec {
            out.insert(self.other.to_owned(), difference(&back, spec));
        }
        out
    }

    /// What `spec` was converted from, if it still is what that is converted to. What is kept may itself hold such; each
    /// look goes one level deeper into it.
    fn restore(self, rules: Rules, spec: &Fields) -> Option<Fields> {
        let mut rest = spec.clone();
        let kept = rest.remove(self.here).filter(|_| !spec.contains_key(self.other))?;
        let restored = put(&kept, (self.there)(rules, rest))?;
        let reverse = Self { there: self.back, back: self.there, here: self.other, other: self.here };
        (reverse.convert(rules, &restored) == *spec).then_some(restored)
    }
}

/// What turns `from` into `to`.
fn difference(from: &Fields, to: &Fields) -> Value {
    let present: Map<_, _> = to
        .iter()
        .filter(|(name, value)| from.get(*name) != Some(value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let absent: Vec<_> = from.keys().filter(|name| !to.contains_key(*name)).collect();
    let mut kept = Map::new();
    if !present.is_empty() {
        kept.insert(PRESENT.to_owned(), Value::Object(present));
    }
    if !absent.is_empty() {
        kept.insert(ABSENT.to_owned(), json!(absent));
    }
    Value::Object(kept)
}

/// `fields` with what was kept; `None` if that has not the form of [`difference`].
fn put(kept: &Value, mut fields: Fields) -> Option<Fields> {
    if let Some(absent) = kept.get(ABSENT) {
        for name in absent.as_array()? {
            fields.remove(name.as_str()?);
        }
    }
    if let Some(present) = kept.get(PRESENT) {
        fields.extend(present.as_object()?.clone());
    }
    Some(fields)
}
