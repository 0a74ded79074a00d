//! FilterPolicies.

use super::auth_service::status_code;
use super::expression::{header_regex, requirement};
use super::value::is_token;
use super::{invalid, missing, no_effect};
use crate::parse::Issues;
use crate::text::shorten;
use crate::yaml::Path;
use crate::{FilterArguments, FilterPolicy, FilterUse, HeaderCondition, InsteadFilter, InsteadOfRedirect};

/// Checks a FilterPolicy.
pub(crate) fn filter_policy(policy: &FilterPolicy, path: &Path<'_>, issues: &mut Issues<'_>) {
    rules(policy, path, issues);
    let path = path.key("rules");
    if policy.rules.is_empty() {
        no_effect(&path, "without rules nothing is protected", issues);
    }
    for (index, rule) in policy.rules.iter().enumerate() {
        let path = path.index(index);
        let path = path.key("filters");
        for (index, one) in rule.filters.iter().enumerate() {
            used(one, &path.index(index), issues);
        }
    }
}

/// Checks which requests the rules of a FilterPolicy are for.
pub(crate) fn rules(policy: &FilterPolicy, path: &Path<'_>, issues: &mut Issues<'_>) {
    let path = path.key("rules");
    for (index, rule) in policy.rules.iter().enumerate() {
        let path = path.index(index);
        let host = rule.host();
        if host.contains(['/', ' ', '@']) {
            let message = format!("expected a host name, perhaps with stars, found \"{}\"", shorten(host));
            invalid(&path.key("host"), message, issues);
        }
        let written = rule.path();
        if !written.starts_with(['/', '*', '?']) {
            let message = format!("expected a path, perhaps with stars, found \"{}\"", shorten(written));
            invalid(&path.key("path"), message, issues);
        }
        if written.contains("/.*") {
            let message =
                "a glob, and no regular expression: the dot before the star is a dot; `/x/*` is every path below /x/";
            issues.warning(&path.key("path"), "InvalidValue", message);
        }
        if written.contains('#') {
            invalid(&path.key("path"), "no path holds a #: browsers keep it to themselves", issues);
        }
    }
}

/// Checks how a filter is used.
pub(super) fn used(used: &FilterUse, path: &Path<'_>, issues: &mut Issues<'_>) {
    if used.name.is_empty() {
        missing(&path.key("name"), issues);
    }
    if let Some(header) = &used.if_request_header {
        condition(header, &path.key("ifRequestHeader"), issues);
    }
    if let Some(told) = &used.arguments {
        arguments(told, &path.key("arguments"), issues);
    }
}

fn arguments(told: &FilterArguments, path: &Path<'_>, issues: &mut Issues<'_>) {
    if !told.scope.is_empty() && !told.scopes.is_empty() {
        no_effect(&path.key("scopes"), "scope says it", issues);
    }
    requirement(told.require.as_deref(), &path.key("require"), issues);
    if let Some(instead) = &told.instead_of_redirect {
        instead_of_redirect(instead, &path.key("insteadOfRedirect"), issues);
    }
}

fn instead_of_redirect(instead: &InsteadOfRedirect, path: &Path<'_>, issues: &mut Issues<'_>) {
    if let Some(header) = &instead.if_request_header {
        condition(header, &path.key("ifRequestHeader"), issues);
    }
    for (field, code) in [("httpStatusCode", instead.http_status_code), ("statusCode", instead.status_code)] {
        if let Some(code) = code {
            status_code(code, &path.key(field), issues);
        }
    }
    let path = path.key("filters");
    for (index, one) in instead.filters.iter().enumerate() {
        let path = path.index(index);
        let InsteadFilter { name, if_request_header, arguments, .. } = one;
        if name.is_empty() {
            missing(&path.key("name"), issues);
        }
        if let Some(header) = if_request_header {
            condition(header, &path.key("ifRequestHeader"), issues);
        }
        let required = arguments.as_ref().and_then(|told| told.require.as_deref());
        requirement(required, &path.key("arguments").key("require"), issues);
    }
}

/// Checks a condition on a header.
pub(super) fn condition(condition: &HeaderCondition, path: &Path<'_>, issues: &mut Issues<'_>) {
    if condition.name.is_empty() {
        missing(&path.key("name"), issues);
    } else if !is_token(&condition.name) {
        let message = format!("\"{}\" is no header name", shorten(&condition.name));
        issues.error(&path.key("name"), "InvalidHeaderName", message);
    }
    if condition.value.is_some() && condition.value_regex.is_some() {
        invalid(&path.key("value"), "value and valueRegex exclude each other", issues);
    }
    header_regex(condition.value_regex.as_deref(), &path.key("valueRegex"), issues);
}
