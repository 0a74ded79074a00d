//! Rate-limit labels: what of a request the rate limit service is told.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::text::{closest, one_of, shorten};

/// The labels of a Mapping: by domain its groups, each a name that only people read, and its labels in order.
pub type Labels = BTreeMap<String, Vec<BTreeMap<String, Vec<Label>>>>;

/// The labels of every request in one domain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct DefaultLabels {
    /// Labels that go before those of each group, and are a group of their own where a Mapping has none.
    pub defaults: Vec<Label>,
}

/// One label: a key, and where its value comes from. The older spellings are read in every version: the bare words
/// `source_cluster`, `destination_cluster` and `remote_address`, any other text for a `generic_key`, and
/// `key: {header: name}` for a header.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// The cluster that the request came from, as Envoy knows it.
    SourceCluster(LabelName),
    /// The cluster that the request goes to.
    DestinationCluster(LabelName),
    /// The client's address, as trusted proxies name it.
    RemoteAddress(LabelName),
    /// The value of a header; without it the whole group is left out.
    RequestHeaders(HeaderLabel),
    /// A fixed text.
    GenericKey(GenericLabel),
}

/// What a label of a fixed key may say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(default)]
pub struct LabelName {
    /// The label's key, which is always its own name.
    pub key: Option<String>,
}

/// The value of a header.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(default)]
pub struct HeaderLabel {
    /// The label's key. Required.
    pub key: String,
    /// The header, or a pseudo-header such as `:path`. Required.
    pub header_name: String,
    /// Leave out only this label, rather than the group, where the request has no such header; default `false`.
    pub omit_if_not_present: Option<bool>,
}

/// A fixed text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(default)]
pub struct GenericLabel {
    /// The label's key; default `generic_key`.
    pub key: Option<String>,
    /// The text. Required.
    pub value: String,
    /// How `v2` spelled it; no effect.
    #[serde(rename = "v2Shorthand", skip_serializing)]
    pub v2_shorthand: Option<bool>,
}

/// What a label can be.
const NAMES: [&str; 5] = ["source_cluster", "destination_cluster", "remote_address", "request_headers", "generic_key"];

/// A header in the older spelling.
#[derive(Default, Deserialize)]
#[serde(default)]
struct OldHeader {
    header: String,
    omit_if_not_present: Option<bool>,
}

/// A `generic_key` is text in the older spelling.
struct OldOrNewGeneric(GenericLabel);

impl<'de> Deserialize<'de> for OldOrNewGeneric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct GenericVisitor;

        impl<'de> Visitor<'de> for GenericVisitor {
            type Value = GenericLabel;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping with a value, or text")
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Self::Value, E> {
                Ok(GenericLabel { value: value.to_owned(), ..GenericLabel::default() })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                GenericLabel::deserialize(de::value::MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_any(GenericVisitor).map(Self)
    }
}

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LabelVisitor)
    }
}

struct LabelVisitor;

impl<'de> Visitor<'de> for LabelVisitor {
    type Value = Label;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a label: one of source_cluster, destination_cluster, remote_address, request_headers and generic_key",
        )
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Label, E> {
        Ok(match word {
            "source_cluster" => Label::SourceCluster(LabelName::default()),
            "destination_cluster" => Label::DestinationCluster(LabelName::default()),
            "remote_address" => Label::RemoteAddress(LabelName::default()),
            text => Label::GenericKey(GenericLabel { value: text.to_owned(), ..GenericLabel::default() }),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Label, A::Error> {
        let Some(name) = map.next_key::<String>()? else { return Err(de::Error::custom("a label needs a name")) };
        let named = |value: Option<LabelName>| value.unwrap_or_default();
        let mut label = match name.as_str() {
            "source_cluster" => Label::SourceCluster(named(map.next_value()?)),
            "destination_cluster" => Label::DestinationCluster(named(map.next_value()?)),
            "remote_address" => Label::RemoteAddress(named(map.next_value()?)),
            "request_headers" => Label::RequestHeaders(map.next_value()?),
            "generic_key" => Label::GenericKey(map.next_value::<OldOrNewGeneric>()?.0),
            _ => {
                let OldHeader { header, omit_if_not_present } = map.next_value()?;
                if header.is_empty() {
                    return Err(de::Error::custom(no_label(&name)));
                }
                Label::RequestHeaders(HeaderLabel { key: name, header_name: header, omit_if_not_present })
            }
        };
        while let Some(more) = map.next_key::<String>()? {
            match (&mut label, more.as_str()) {
                // What conversion to `v2` makes of a key.
                (Label::GenericKey(generic), "v3Key") => generic.key = Some(map.next_value()?),
                _ => {
                    return Err(de::Error::custom(format!("one label at a time: \"{more}\" needs an item of its own")));
                }
            }
        }
        Ok(label)
    }
}

/// What to say of a label that is none.
fn no_label(name: &str) -> String {
    let then = match closest(name, &NAMES) {
        Some(meant) => format!("did you mean {meant}?"),
        None => format!("expected {}, or {}: {{header: NAME}}", one_of(&NAMES), shorten(name)),
    };
    format!("there is no label {}: {then}", shorten(name))
}

/// A structural schema cannot say "text or one of these mappings": what stands there is checked when it is read.
impl JsonSchema for Label {
    fn schema_name() -> Cow<'static, str> {
        "Label".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "x-kubernetes-preserve-unknown-fields": true,
            "description": "A label: `generic_key: {key, value}`, `request_headers: {key, header_name, omit_if_not_present}`, \
                            `remote_address: {}`, `source_cluster: {}` or `destination_cluster: {}`."
        })
    }
}
