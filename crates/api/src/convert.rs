//! From one version of a kind to another, without loss: what a conversion webhook does.
//!
//! The rules are the original's, read from its converters, and give the meaning that parsing gives the older
//! spellings. Where a spelling has no counterpart the original keeps notes (`v2ExplicitTLS`, `v2BoolHeaders`, …) or loses
//! it. Here what the rules would lose is kept whole, under `v2Fields` in a `v3alpha1` object and `v3Fields` in an older
//! one: the fields of the other version as they were. They are believed only as long as they agree with the rest, so an
//! edit of the converted object wins over them.
//!
//! Two differences from the original are on purpose. An absent `ambassador_id` stays absent in `v2`; there the
//! original writes one that its releases before 2.0 pass over. And a header without a value (`null` in `v2`), which adds
//! nothing, is left out.

mod filter;
mod identity;
mod kept;
mod labels;
mod mapping;
mod rules;
mod tls;

use serde_json::{Map, Value};

pub(crate) use filter::{FILTER, RULE};
pub(crate) use identity::HIDDEN;
pub(crate) use kept::V2_FIELDS;
pub(crate) use mapping::NO_HOST;
use rules::Rules;

/// The fields of a `spec`.
type Fields = Map<String, Value>;

/// A version of the kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `getambassador.io/v1beta1` of Edge Stack's own kinds, whose fields are those of `v2`.
    V1Beta1,
    /// `getambassador.io/v1beta2` of Edge Stack's own kinds, whose fields are those of `v2`.
    V1Beta2,
    /// `getambassador.io/v1`, whose fields are those of `v2`.
    V1,
    /// `getambassador.io/v2`.
    V2,
    /// `getambassador.io/v3alpha1`.
    V3Alpha1,
}

impl Version {
    /// The version that an `apiVersion` names.
    #[must_use]
    pub fn from_api_version(text: &str) -> Option<Self> {
        match text.strip_prefix("getambassador.io/")? {
            "v1beta1" => Some(Self::V1Beta1),
            "v1beta2" => Some(Self::V1Beta2),
            "v1" => Some(Self::V1),
            "v2" => Some(Self::V2),
            "v3alpha1" => Some(Self::V3Alpha1),
            _ => None,
        }
    }

    /// Whether only kinds of Edge Stack's own have it.
    fn is_edge_stack(self) -> bool {
        matches!(self, Self::V1Beta1 | Self::V1Beta2)
    }

    /// As an object's `apiVersion`.
    #[must_use]
    pub fn api_version(self) -> &'static str {
        match self {
            Self::V1Beta1 => "getambassador.io/v1beta1",
            Self::V1Beta2 => "getambassador.io/v1beta2",
            Self::V1 => "getambassador.io/v1",
            Self::V2 => "getambassador.io/v2",
            Self::V3Alpha1 => "getambassador.io/v3alpha1",
        }
    }
}

/// Why an object cannot be converted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// It is no object, or lacks `apiVersion` or `kind`.
    #[error("no Kubernetes object: it needs an apiVersion and a kind")]
    NotAnObject,
    /// Its version is none of `getambassador.io`.
    #[error("the version {0} is not known: expected getambassador.io/v3alpha1, v2 or v1")]
    UnknownVersion(String),
    /// `getambassador.io` has no such kind.
    #[error("there is no conversion for the kind {0}")]
    UnknownKind(String),
    /// The kind has no older version.
    #[error("a {0} exists in getambassador.io/v3alpha1 alone")]
    OneVersion(String),
    /// The kind has no such version.
    #[error("there is no {kind} of {version}")]
    NoSuchVersion {
        /// The kind.
        kind: String,
        /// The `apiVersion`.
        version: &'static str,
    },
}

/// Whether a field of a `v3alpha1` object, by its name, is a note of conversion: it has no effect, and needs no warning.
pub(crate) fn is_note(field: &str) -> bool {
    matches!(field, V2_FIELDS | mapping::REPRESENTATION | mapping::COMMAS)
}

/// The object in another version. Only `apiVersion` and `spec` change; fields that no rule knows stay as they are.
///
/// # Errors
/// When the object is none of `getambassador.io`'s kinds and versions. Whatever stands in its `spec` is converted.
pub fn convert(mut object: Value, to: Version) -> Result<Value, ConvertError> {
    let text = |key| object.get(key).and_then(Value::as_str).ok_or(ConvertError::NotAnObject);
    let (api_version, kind) = (text("apiVersion")?, text("kind")?);
    let from =
        Version::from_api_version(api_version).ok_or_else(|| ConvertError::UnknownVersion(api_version.to_owned()))?;
    let rules = Rules::of(kind).ok_or_else(|| ConvertError::UnknownKind(kind.to_owned()))?;
    if rules == Rules::Listener && (from, to) != (Version::V3Alpha1, Version::V3Alpha1) {
        return Err(ConvertError::OneVersion(kind.to_owned()));
    }
    if let Some(wrong) = [from, to].into_iter().find(|version| version.is_edge_stack() && !rules::is_edge_stack(kind)) {
        return Err(ConvertError::NoSuchVersion { kind: kind.to_owned(), version: wrong.api_version() });
    }
    if let Some(Value::Object(spec)) = object.get_mut("spec") {
        match (from == Version::V3Alpha1, to == Version::V3Alpha1) {
            (false, true) => *spec = kept::up(rules, spec),
            (true, false) => *spec = kept::down(rules, spec),
            _ => {}
        }
    }
    object["apiVersion"] = to.api_version().into();
    Ok(object)
}
