//! Trees from JSON, as an API server sends it.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::build::DEPTH;
use super::node::{Entry, Mark, Node, Value};

/// The tree of a JSON text, which has no places, and whether it is all of it: what is nested deeper than is read is not there.
pub(crate) fn from_json(text: &[u8]) -> serde_json::Result<(Node<'_>, bool)> {
    let (mut whole, mut json) = (true, serde_json::Deserializer::from_slice(text));
    let node = Tree { depth: DEPTH, whole: &mut whole }.deserialize(&mut json)?;
    json.end()?;
    Ok((node, whole))
}

/// Reads a value that is nested at most so deep.
struct Tree<'w> {
    depth: usize,
    whole: &'w mut bool,
}

/// A key. Without escapes it is the text's own.
#[derive(Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl Tree<'_> {
    /// The depth that is left for what is in a list or mapping; none if that itself is too deep.
    fn below(&mut self) -> Option<usize> {
        let depth = self.depth.checked_sub(1);
        *self.whole &= depth.is_some();
        depth
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Node<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Node<'de>, E> {
        Ok(Node::null(Mark::NOWHERE))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node<'de>, E> {
        Ok(Node::plain(Mark::NOWHERE, if value { "true" } else { "false" }))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node<'de>, E> {
        Ok(Node::plain(Mark::NOWHERE, value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node<'de>, E> {
        Ok(Node::plain(Mark::NOWHERE, value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node<'de>, E> {
        // As JSON writes it, with an exponent where it is large.
        Ok(Node::plain(Mark::NOWHERE, serde_json::Value::from(value).to_string()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node<'de>, E> {
        Ok(Node::text(Mark::NOWHERE, value.to_owned()))
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::text(Mark::NOWHERE, value))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Node<'de>, A::Error> {
        let mark = Mark::NOWHERE;
        let Some(depth) = self.below() else {
            IgnoredAny.visit_seq(items)?;
            return Ok(Node::null(mark));
        };
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Tree { depth, whole: &mut *self.whole })? {
            list.push(item);
        }
        Ok(Node { mark, value: Value::List(list) })
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<Node<'de>, A::Error> {
        let mark = Mark::NOWHERE;
        let Some(depth) = self.below() else {
            IgnoredAny.visit_map(fields)?;
            return Ok(Node::null(mark));
        };
        let mut entries = Vec::new();
        while let Some(Key(key)) = fields.next_key()? {
            let node = fields.next_value_seed(Tree { depth, whole: &mut *self.whole })?;
            entries.push(Entry { key, mark, node });
        }
        Ok(Node { mark, value: Value::Map(each_once(entries)) })
    }
}

/// Sorted, and no key twice: the last counts.
fn each_once(mut entries: Vec<Entry<'_>>) -> Vec<Entry<'_>> {
    entries.reverse();
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    entries.dedup_by(|later, kept| later.key == kept.key);
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_the_text_says_and_of_a_key_that_comes_twice_the_last_counts() {
        let text = br#"{"b": [1, -2, 1e300, true, null, "x", "\n"], "b2": {"a": 1}, "\u0061": {}, "b2": [2]}"#;
        let (node, whole) = from_json(text).unwrap();
        assert!(whole);
        let keys: Vec<_> = node.entries().iter().map(|entry| &*entry.key).collect();
        assert_eq!(keys, ["a", "b", "b2"]);
        let (plain, text) = (|raw| Node::plain(Mark::NOWHERE, raw), |text| Node::text(Mark::NOWHERE, text));
        let expected =
            [plain("1"), plain("-2"), plain("1e+300"), plain("true"), Node::null(Mark::NOWHERE), text("x"), text("\n")];
        assert_eq!(node.get("b").unwrap().items(), expected);
        assert_eq!(node.get("b2").unwrap().items(), [plain("2")]);
        assert!(matches!(node.get("b").unwrap().items()[5].value, Value::Text(Cow::Borrowed(_))), "nothing is copied");
    }
}
