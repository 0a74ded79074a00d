//! Which filters a request passes.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::FilterId;

/// Names a [`RuleSet`]. What it is made of does not matter to the service.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleSetId(pub Arc<str>);

impl fmt::Display for RuleSetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The rules that can apply on a route, hosts resolved, in the order in which they are tried.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSet {
    /// Its name.
    pub id: RuleSetId,
    /// What every request passes before any rule, whatever its path: who may come here at all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gate: Vec<FilterRef>,
    /// The first whose path matches decides. Where none does, the request is let through.
    pub rules: Vec<Rule>,
    /// All paths of its routes are those of its one rule: none is looked at.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
}

/// One rule of a `FilterPolicy`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Where it stands, for people: `policy.namespace#3`.
    pub origin: Arc<str>,
    /// A glob of the path without the query, after normalisation: `*` is any run of characters, slashes included, `?` one.
    pub path: Arc<str>,
    /// What a request passes, in order. Empty: it is let through.
    #[serde(default)]
    pub filters: Vec<FilterRef>,
}

/// A filter with how a rule uses it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterRef {
    /// Of a filter; one that is not there denies.
    pub filter: FilterId,
    /// Skip the filter unless this holds. Sees what filters before changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_request_header: Option<HeaderCondition>,
    /// What follows a denial.
    #[serde(default)]
    pub on_deny: OnDeny,
    /// What follows an approval.
    #[serde(default)]
    pub on_allow: OnAllow,
    /// What the filter is told by this rule.
    #[serde(default)]
    pub arguments: Arguments,
}

/// What follows a denial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDeny {
    /// Its answer is the answer.
    #[default]
    Break,
    /// It is discarded; the next filter follows.
    Continue,
}

/// What follows an approval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnAllow {
    /// The request is let through.
    Break,
    /// The next filter follows.
    #[default]
    Continue,
}

/// Whether a header is as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderCondition {
    /// Of the header, in any case.
    pub name: Arc<str>,
    /// What its value must be. Absent headers have the empty value.
    #[serde(default)]
    pub value: HeaderValue,
    /// The contrary holds.
    #[serde(default)]
    pub negate: bool,
}

/// What the value of a header must be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeaderValue {
    /// Not empty.
    #[default]
    Present,
    /// This.
    Exact(Arc<str>),
    /// Matched by this regular expression, anywhere unless anchored.
    Regex(Arc<str>),
}

/// What a filter is told by a rule. Filters pass over what is not for their kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Arguments {
    /// Scopes that a token must have, and a login asks for (JWT, `OAuth2`, introspection).
    pub scope: Vec<Arc<str>>,
    /// When a login is not begun (`OAuth2`).
    pub instead_of_redirect: Option<InsteadOfRedirect>,
    /// Of the cookies that a login sets (`OAuth2`).
    pub same_site: SameSite,
    /// CEL over `claims` (of a token or an identity): false or an error denies with 403. Not of the original.
    pub require: Option<Arc<str>>,
    /// Authentication context classes, one of which the login must have had (`acr`, RFC 9470). Not of the original.
    pub acr_values: Vec<Arc<str>>,
    /// How long ago the login may have been, in seconds (`auth_time`, RFC 9470). Not of the original.
    pub max_age: Option<u64>,
}

/// When a login is not begun, and what is answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InsteadOfRedirect {
    /// Requests for which this holds; all where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_request_header: Option<HeaderCondition>,
    /// The answer's status, where no filters are given.
    pub status: u16,
    /// What decides instead; no `OAuth2` among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<FilterRef>,
}

/// The attribute of a cookie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SameSite {
    /// Not written: browsers take it for `Lax`.
    #[default]
    Unset,
    /// `None`, which browsers accept of HTTPS only.
    None,
    /// `Lax`.
    Lax,
    /// `Strict`.
    Strict,
}
