//! What a rule of an edge gateway asks for beside counting: `edge` in the extension of a descriptor.

use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Struct, Value};

/// A rule of an edge gateway: its answers tell clients when to come again, and logs what happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    /// The rule is only logged. It is in shadow mode too.
    pub log_only: bool,
}

impl Edge {
    /// Reads it.
    pub(super) fn read(value: &Value) -> Result<Self, String> {
        let Some(Kind::StructValue(Struct { fields })) = &value.kind else {
            return Err("expected a struct".to_owned());
        };
        let mut edge = Self::default();
        for (name, value) in fields {
            match (name.as_str(), &value.kind) {
                ("action", Some(Kind::StringValue(action))) => edge.log_only = action == "LogOnly",
                _ => return Err(format!("cannot read '{name}'")),
            }
        }
        Ok(edge)
    }
}
