//! The elements of a JSON array, one at a time: a list of them could take far more memory than their text.

use bytes::Bytes;
use serde::de::Error;
use serde_json::Deserializer;
use serde_json::value::RawValue;

/// What is left of an array. By default nothing.
#[derive(Debug, Default)]
pub(super) struct Elements(Bytes);

impl Elements {
    /// The elements of `array`, which is known to be JSON.
    pub(super) fn of(array: &Bytes) -> serde_json::Result<Self> {
        match array.trim_ascii_start().strip_prefix(b"[") {
            Some(rest) => Ok(Self(array.slice_ref(rest))),
            None => Err(serde_json::Error::custom("expected a list of objects")),
        }
    }
}

impl Iterator for Elements {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let rest = self.0.trim_ascii_start();
        let rest = rest.strip_prefix(b",").unwrap_or(rest);
        let mut values = Deserializer::from_slice(rest).into_iter::<&RawValue>();
        // The bracket at the end is no value.
        let element = self.0.slice_ref(values.next()?.ok()?.get().as_bytes());
        self.0 = self.0.slice_ref(&rest[values.byte_offset()..]);
        Some(element)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_in_order_and_as_they_are_written() {
        for (array, expected) in [
            ("[]", vec![]),
            (" [ ] ", vec![]),
            ("[{}]", vec!["{}"]),
            (r#"[{"a": [1, "],"]},{"b":{}}]"#, vec![r#"{"a": [1, "],"]}"#, r#"{"b":{}}"#]),
            ("[ 1 , null,\n\"x\", [ ] ]", vec!["1", "null", "\"x\"", "[ ]"]),
        ] {
            let elements = Elements::of(&Bytes::from(array)).unwrap();
            assert_eq!(elements.collect::<Vec<_>>(), expected, "{array}");
        }
        assert!(Elements::of(&Bytes::from("{}")).is_err());
    }
}
