//! `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11): a member for each limit, so that clients
//! see all of them. Both are lists of structured fields (RFC 9651).

use std::fmt::Write;

use envoy_types::pb::envoy::config::core::v3::HeaderValue;
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_response::DescriptorStatus;

use crate::clock::Now;
use crate::plan::{Item, Plan};

/// The two headers; none where no limit applies.
pub(super) fn headers(plan: &Plan<'_>, statuses: &[DescriptorStatus], now: Now) -> Vec<HeaderValue> {
    let (mut policy, mut state) = (String::new(), String::new());
    for (item, status) in plan.items.iter().zip(statuses) {
        let (Some(limit), Some(window), Some(_)) = (&item.limit, item.window(), &status.current_limit) else {
            continue;
        };
        if !policy.is_empty() {
            policy.push_str(", ");
            state.push_str(", ");
        }
        let name = quoted(name(item));
        // Of a bucket, too, the quota is what a window has; its burst may leave more for now.
        _ = write!(policy, "{name};q={};w={}", limit.requests_per_unit, window.seconds());
        _ = write!(state, "{name};r={};t={}", status.limit_remaining, item.until_reset(now));
    }
    if policy.is_empty() {
        return Vec::new();
    }
    [("RateLimit-Policy", policy), ("RateLimit", state)]
        .into_iter()
        .map(|(key, value)| HeaderValue { key: key.to_owned(), value, ..HeaderValue::default() })
        .collect()
}

/// The rule's name, or else its descriptors.
fn name<'i>(item: &'i Item<'_>) -> &'i str {
    match item.limit.as_ref().and_then(|limit| limit.rule) {
        None => "request",
        Some(rule) if !rule.name().is_empty() => rule.name(),
        Some(rule) => rule.full_key().split_once('.').map_or("", |(_, path)| path),
    }
}

/// A structured field's string: printable ASCII, in quotes.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='~' => quoted.push(character),
            _ => quoted.push('_'),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn names_are_strings_of_structured_fields() {
        assert_eq!(quoted("user_a"), r#""user_a""#);
        assert_eq!(quoted("a\"b\\cé\n"), r#""a\"b\\c__""#);
    }
}
