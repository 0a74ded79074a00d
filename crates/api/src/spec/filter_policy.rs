//! `FilterPolicy`: which filters requests pass.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The `spec` of a `FilterPolicy`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct FilterPolicy {
    /// The instances that take the object; `default` where empty.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub ambassador_id: Vec<String>,
    /// The first of all rules that matches a request counts: by precedence, then by the names of their policies, then as they stand here.
    pub rules: Vec<FilterRule>,
}

/// Filters for some requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct FilterRule {
    /// A glob of the host; default `*`.
    pub host: Option<String>,
    /// A glob of the path without the query; default `*`.
    pub path: Option<String>,
    /// Higher ones are tried first; default 0.
    pub precedence: Option<i64>,
    /// What requests pass, in order. Without any they are let through.
    pub filters: Vec<FilterUse>,
}

impl FilterRule {
    /// The glob of hosts.
    #[must_use]
    pub fn host(&self) -> &str {
        self.host.as_deref().filter(|host| !host.is_empty()).unwrap_or("*")
    }

    /// The glob of paths.
    #[must_use]
    pub fn path(&self) -> &str {
        self.path.as_deref().filter(|path| !path.is_empty()).unwrap_or("*")
    }
}

/// A Filter with how a rule uses it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct FilterUse {
    /// Its name. Required.
    pub name: String,
    /// Its namespace; default is the policy's.
    pub namespace: Option<String>,
    /// Skip it unless this holds.
    pub if_request_header: Option<HeaderCondition>,
    /// What follows a denial; default `break`.
    pub on_deny: Option<Follows>,
    /// What follows an approval; default `continue`.
    pub on_allow: Option<Follows>,
    /// What it is told.
    pub arguments: Option<FilterArguments>,
}

/// What follows a filter's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Follows {
    /// Nothing: its word counts.
    Break,
    /// The next filter.
    Continue,
}

/// A condition on a header.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct HeaderCondition {
    /// The header. Required.
    pub name: String,
    /// It holds where the header has this value; without a value where it is not empty.
    pub value: Option<String>,
    /// It holds where this expression is found in the value.
    pub value_regex: Option<String>,
    /// The contrary holds.
    pub negate: Option<bool>,
}

/// What a filter is told by a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct FilterArguments {
    /// Scopes that a token must have, and a login asks for.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub scope: Vec<String>,
    /// An older name of `scope`.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub scopes: Vec<String>,
    /// When a login is not begun.
    pub instead_of_redirect: Option<InsteadOfRedirect>,
    /// Of the cookies that a login sets: `default`, `none`, `lax` or `strict`.
    pub same_site: Option<SameSite>,
    /// An expression (CEL) over `claims` that must be true. Not of the original.
    pub require: Option<String>,
    /// Authentication context classes, one of which the login must have had (RFC 9470). Not of the original.
    pub acr_values: Vec<String>,
    /// How long ago the login may have been. Not of the original.
    pub max_age: Option<super::Duration>,
}

/// When a login is not begun, and what happens then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct InsteadOfRedirect {
    /// For requests for which this holds; default all.
    pub if_request_header: Option<HeaderCondition>,
    /// The answer's status; default 403.
    pub http_status_code: Option<u16>,
    /// The same, as older releases of the original read it.
    pub status_code: Option<u16>,
    /// What decides instead; no login among them.
    pub filters: Vec<InsteadFilter>,
}

/// A Filter that decides instead of a login.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct InsteadFilter {
    /// Its name. Required.
    pub name: String,
    /// Its namespace; default is the policy's.
    pub namespace: Option<String>,
    /// Skip it unless this holds.
    pub if_request_header: Option<HeaderCondition>,
    /// What follows a denial; default `break`.
    pub on_deny: Option<Follows>,
    /// What follows an approval; default `continue`.
    pub on_allow: Option<Follows>,
    /// What it is told.
    pub arguments: Option<InsteadArguments>,
}

/// What a filter that decides instead of a login is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct InsteadArguments {
    /// Scopes that a token must have.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub scope: Vec<String>,
    /// An older name of `scope`.
    #[serde(deserialize_with = "crate::lenient::one_or_many")]
    #[schemars(with = "crate::crd::TextOrList")]
    pub scopes: Vec<String>,
    /// An expression (CEL) over `claims` that must be true. Not of the original.
    pub require: Option<String>,
}

/// The attribute of a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SameSite {
    /// Not written: browsers take it for `Lax`.
    Default,
    /// `None`.
    None,
    /// `Lax`.
    Lax,
    /// `Strict`.
    Strict,
}
