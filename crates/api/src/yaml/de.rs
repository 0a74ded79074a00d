//! Deserializes typed values from trees, and says exactly where it cannot.

mod access;
mod error;

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde::de::{self, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::node::{Mark, Node, Value};
use super::path::Path;
use super::scalar::{Scalar, resolve};
use access::{EnumAccess, MapAccess, SeqAccess};
pub(crate) use error::DeError;

/// What is passed over on the way through a tree.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    /// Fields that nothing knows.
    unknown: RefCell<Vec<Unknown>>,
    /// Those are no matter: others define the object.
    is_foreign: bool,
    /// Paths of values that were refused before.
    refused: BTreeSet<String>,
}

impl Passed {
    /// On the way through an object that others define, of which only some fields are read.
    pub(crate) fn foreign() -> Self {
        Self { is_foreign: true, ..Self::default() }
    }

    /// What stands at this path is passed over from now on, as if it were not there, and the way begins anew.
    pub(crate) fn refuse(&mut self, path: &str) {
        self.unknown.get_mut().clear();
        self.refused.insert(path.to_owned());
    }

    /// How many values were refused.
    pub(crate) fn refused(&self) -> usize {
        self.refused.len()
    }

    /// Whether something was refused at this path or below it, so that what is there is not what was written.
    pub(crate) fn is_incomplete(&self, path: &str) -> bool {
        let below = |refused: &String| {
            refused.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.refused.iter().any(below)
    }

    pub(crate) fn into_unknown(self) -> Vec<Unknown> {
        self.unknown.into_inner()
    }

    fn has_refused(&self, path: &Path<'_>) -> bool {
        !self.refused.is_empty() && self.refused.contains(&path.to_string())
    }
}

/// A field that nothing knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unknown {
    /// Its path.
    pub(crate) path: String,
    /// Where its key stands.
    pub(crate) mark: Mark,
    /// The field that may have been meant.
    pub(crate) meant: Option<&'static str>,
}

/// A node as a deserializer. No text is copied on the way to a visitor that can borrow it.
#[derive(Clone, Copy)]
pub(crate) struct De<'p, 'de> {
    pub(crate) node: &'de Node<'de>,
    /// The way to the node.
    pub(crate) path: &'p Path<'p>,
    /// Where the node's key stands.
    pub(crate) key: Mark,
    /// The fields of the struct that the node is in; empty if it is in none.
    pub(crate) fields: &'static [&'static str],
    /// Takes the fields that nothing knows.
    pub(crate) passed: &'p Passed,
}

impl<'p, 'de> De<'p, 'de> {
    /// Deserializes `node`, which `path` leads to.
    pub(crate) fn new(node: &'de Node<'de>, path: &'p Path<'p>, passed: &'p Passed) -> Self {
        Self { node, path, key: node.mark, fields: &[], passed }
    }

    fn expected(&self, what: &str) -> DeError {
        DeError::expected(what, self.node).at(self)
    }

    fn place<T>(&self, result: Result<T, DeError>) -> Result<T, DeError> {
        result.map_err(|error| error.at(self))
    }

    /// The whole number, if it is from `min` to `max`.
    fn integer(&self, min: i128, max: i128) -> Result<i128, DeError> {
        let number = match &self.node.value {
            Value::Plain(raw) => match resolve(raw) {
                Scalar::Int(number) => i128::from(number),
                Scalar::UInt(number) => i128::from(number),
                // JSON has but one kind of number: 8.0 is 8.
                Scalar::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => number as i128,
                _ => return Err(self.expected("a whole number")),
            },
            _ => return Err(self.expected("a whole number")),
        };
        if number < min {
            return Err(self.expected(&format!("a whole number of at least {min}")));
        }
        if number > max {
            return Err(self.expected(&format!("a whole number of at most {max}")));
        }
        Ok(number)
    }

    fn text(&self) -> Result<&'de str, DeError> {
        self.node.as_text().ok_or_else(|| self.expected("text"))
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ty;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
            let number = self.integer(i128::from(<$type>::MIN), i128::from(<$type>::MAX))?;
            self.place(visitor.$visit(number as $type))
        })*
    };
}

impl<'de> de::Deserializer<'de> for De<'_, 'de> {
    type Error = DeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let result = match &self.node.value {
            Value::Text(text) | Value::Literal(text) => visitor.visit_borrowed_str(text),
            Value::Plain(raw) => match resolve(raw) {
                Scalar::Null => visitor.visit_unit(),
                Scalar::Bool(value) => visitor.visit_bool(value),
                Scalar::Int(number) => match u64::try_from(number) {
                    Ok(number) => visitor.visit_u64(number),
                    Err(_) => visitor.visit_i64(number),
                },
                Scalar::UInt(number) => visitor.visit_u64(number),
                Scalar::Float(number) => visitor.visit_f64(number),
                Scalar::Text => visitor.visit_borrowed_str(raw),
            },
            Value::List(items) => visitor.visit_seq(SeqAccess::new(self, items)),
            Value::Map(entries) => visitor.visit_map(MapAccess::new(self, entries, &[])),
        };
        self.place(result)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        if self.node.is_null() { self.place(visitor.visit_none()) } else { self.place(visitor.visit_some(self)) }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let value = self.node.as_bool().ok_or_else(|| self.expected("true or false"))?;
        self.place(visitor.visit_bool(value))
    }

    integers! {
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let text = self.text()?;
        self.place(visitor.visit_borrowed_str(text))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match &self.node.value {
            Value::List(items) => self.place(visitor.visit_seq(SeqAccess::new(self, items))),
            _ if self.node.is_null() => self.place(visitor.visit_seq(SeqAccess::new(self, &[]))),
            _ => Err(self.expected("a list")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_struct("", &[], visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        match &self.node.value {
            Value::Map(entries) => self.place(visitor.visit_map(MapAccess::new(self, entries, fields))),
            _ if self.node.is_null() => self.place(visitor.visit_map(MapAccess::new(self, &[], fields))),
            _ => Err(DeError::expected_struct(fields, self.node).at(&self)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DeError> {
        self.place(visitor.visit_newtype_struct(self))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        match &self.node.value {
            Value::Map(entries) => match entries.as_slice() {
                [entry] => self.place(visitor.visit_enum(EnumAccess::new(self, entry))),
                _ => Err(DeError::new("expected a mapping with exactly one key").at(&self)),
            },
            _ => {
                let variant: de::value::StrDeserializer<'_, DeError> = self.text()?.into_deserializer();
                self.place(visitor.visit_enum(variant))
            }
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        if let (false, Path::Key(_, key)) = (self.passed.is_foreign || self.fields.is_empty(), self.path) {
            let meant = crate::text::closest(key, self.fields);
            self.passed.unknown.borrow_mut().push(Unknown { path: self.path.to_string(), mark: self.key, meant });
        }
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct identifier }
}
