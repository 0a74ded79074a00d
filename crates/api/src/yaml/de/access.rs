//! Lists, mappings and enums of a tree, as serde walks them.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeSeed, Visitor};

use super::super::node::{Entry, Node};
use super::super::path::Path;
use super::{De, DeError};

pub(super) struct SeqAccess<'p, 'de> {
    list: De<'p, 'de>,
    items: &'de [Node<'de>],
    next: usize,
}

impl<'p, 'de> SeqAccess<'p, 'de> {
    pub(super) fn new(list: De<'p, 'de>, items: &'de [Node<'de>]) -> Self {
        Self { list, items, next: 0 }
    }
}

impl<'de> de::SeqAccess<'de> for SeqAccess<'_, 'de> {
    type Error = DeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DeError> {
        while let Some(node) = self.items.get(self.next) {
            let path = self.list.path.index(self.next);
            self.next += 1;
            if !self.list.passed.has_refused(&path) {
                let item = De::new(node, &path, self.list.passed);
                return seed.deserialize(item).map(Some).map_err(|error| error.at(&item));
            }
        }
        Ok(None)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len() - self.next)
    }
}

pub(super) struct MapAccess<'p, 'de> {
    map: De<'p, 'de>,
    entries: &'de [Entry<'de>],
    fields: &'static [&'static str],
    next: usize,
}

impl<'p, 'de> MapAccess<'p, 'de> {
    pub(super) fn new(map: De<'p, 'de>, entries: &'de [Entry<'de>], fields: &'static [&'static str]) -> Self {
        Self { map, entries, fields, next: 0 }
    }
}

impl<'de> de::MapAccess<'de> for MapAccess<'_, 'de> {
    type Error = DeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DeError> {
        while let Some(entry) = self.entries.get(self.next) {
            self.next += 1;
            if !self.map.passed.has_refused(&self.map.path.key(&entry.key)) {
                return seed.deserialize(BorrowedStrDeserializer::new(&entry.key)).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DeError> {
        let Some(entry) = self.next.checked_sub(1).and_then(|index| self.entries.get(index)) else {
            return Err(DeError::new("a value without its key"));
        };
        let path = self.map.path.key(&entry.key);
        let value =
            De { node: &entry.node, path: &path, key: entry.mark, fields: self.fields, passed: self.map.passed };
        seed.deserialize(value).map_err(|error| error.at(&value))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len() - self.next)
    }
}

/// An enum's variant that has a value: a mapping with one key.
pub(super) struct EnumAccess<'p, 'de> {
    map: De<'p, 'de>,
    entry: &'de Entry<'de>,
}

impl<'p, 'de> EnumAccess<'p, 'de> {
    pub(super) fn new(map: De<'p, 'de>, entry: &'de Entry<'de>) -> Self {
        Self { map, entry }
    }

    fn with<T>(&self, f: impl FnOnce(De<'_, 'de>) -> Result<T, DeError>) -> Result<T, DeError> {
        let path: Path<'_> = self.map.path.key(&self.entry.key);
        let value = De { key: self.entry.mark, ..De::new(&self.entry.node, &path, self.map.passed) };
        f(value).map_err(|error| error.at(&value))
    }
}

impl<'de> de::EnumAccess<'de> for EnumAccess<'_, 'de> {
    type Error = DeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), DeError> {
        let variant = seed.deserialize(BorrowedStrDeserializer::new(&self.entry.key))?;
        Ok((variant, self))
    }
}

impl<'de> de::VariantAccess<'de> for EnumAccess<'_, 'de> {
    type Error = DeError;

    fn unit_variant(self) -> Result<(), DeError> {
        Err(DeError::expected("text", self.map.node))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DeError> {
        self.with(|value| seed.deserialize(value))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DeError> {
        self.with(|value| de::Deserializer::deserialize_seq(value, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, DeError> {
        self.with(|value| de::Deserializer::deserialize_struct(value, "", fields, visitor))
    }
}
