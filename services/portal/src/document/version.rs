//! Versions of OpenAPI.

use std::fmt;

use serde_json::Value;

use super::DocumentError;

/// A version, as far as versions differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V2,
    V3_0,
    V3_1,
    V3_2,
}

impl Version {
    /// What a document says that it is. In YAML it may be a number.
    pub(super) fn of(document: &Value) -> Result<Self, DocumentError> {
        let said = |key: &str| match document.get(key) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let (name, version) = match (said("openapi"), said("swagger")) {
            (Some(version), _) => ("openapi", version),
            (None, Some(version)) => ("swagger", version),
            (None, None) if is_index(document) => return Err(DocumentError::Index),
            (None, None) => return Err(DocumentError::NotOpenApi),
        };
        let is =
            |minor: &str| version == minor || version.strip_prefix(minor).is_some_and(|rest| rest.starts_with('.'));
        match name {
            "swagger" if is("2.0") || version == "2" => Ok(Self::V2),
            "openapi" if is("3.0") || version == "3" => Ok(Self::V3_0),
            "openapi" if is("3.1") => Ok(Self::V3_1),
            // What a later minor version adds is passed on.
            "openapi" if version.starts_with("3.") => Ok(Self::V3_2),
            _ => Err(DocumentError::UnknownVersion(name, version.chars().take(20).collect())),
        }
    }
}

/// Whether it is what Kubernetes has in the place of one large document.
fn is_index(document: &Value) -> bool {
    let paths = document.get("paths").and_then(Value::as_object);
    paths.is_some_and(|paths| paths.values().any(|path| path.get("serverRelativeURL").is_some()))
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V2 => "Swagger 2.0",
            Self::V3_0 => "OpenAPI 3.0",
            Self::V3_1 => "OpenAPI 3.1",
            Self::V3_2 => "OpenAPI 3.2",
        })
    }
}
