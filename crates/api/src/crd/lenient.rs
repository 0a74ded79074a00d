//! Schemas of fields that may be written in more than one way, or anyhow. A structural schema cannot say "text or a list"
//! (apiextensions.k8s.io/v1 forbids `type` below `anyOf`), so such a field takes anything there and is checked when it is
//! read.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// Text, or a list of texts: what [`crate::lenient::one_or_many`] and [`crate::lenient::comma_list`] read.
pub(crate) struct TextOrList;

impl JsonSchema for TextOrList {
    fn schema_name() -> Cow<'static, str> {
        "TextOrList".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "x-kubernetes-preserve-unknown-fields": true })
    }
}

/// A whole number, or its text: what [`crate::lenient::seconds`] and [`crate::lenient::milliseconds`] read.
pub(crate) struct IntOrText;

impl JsonSchema for IntOrText {
    fn schema_name() -> Cow<'static, str> {
        "IntOrText".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "x-kubernetes-int-or-string": true })
    }
}

/// Any JSON object.
pub(crate) struct AnyObject;

impl JsonSchema for AnyObject {
    fn schema_name() -> Cow<'static, str> {
        "AnyObject".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object" })
    }
}
