//! Single values.

use super::invalid;
use crate::parse::Issues;
use crate::text::shorten;
use crate::yaml::Path;

/// The longest duration that Envoy can hold: `i64` nanoseconds.
const LONGEST_MS: u64 = 9_223_372_036_854;

/// Bytes that may stand in a token (RFC 9110, section 5.6.2).
pub(super) fn is_token(text: &str) -> bool {
    let extra = b"!#$%&'*+-.^_`|~";
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || extra.contains(&b))
}

/// Text that ends up in a header must hold no line break and no NUL (RFC 9110, section 5.5).
pub(super) fn header_text(text: Option<&str>, path: &Path<'_>, issues: &mut Issues<'_>) {
    if text.is_some_and(|text| text.contains(['\r', '\n', '\0'])) {
        invalid(path, "a line break or NUL cannot be sent in a header", issues);
    }
}

/// Milliseconds; 0 is taken where it stands for "no limit".
pub(super) fn milliseconds(ms: Option<u64>, path: &Path<'_>, issues: &mut Issues<'_>) {
    if ms.is_some_and(|ms| ms > LONGEST_MS) {
        invalid(path, format!("longer than Envoy can count: at most {LONGEST_MS} ms"), issues);
    }
}

/// Milliseconds of which there must be some.
pub(super) fn positive_milliseconds(ms: Option<u64>, path: &Path<'_>, issues: &mut Issues<'_>) {
    if ms == Some(0) {
        invalid(path, "must be more than 0", issues);
    }
    milliseconds(ms, path, issues);
}

/// A length of time of which there must be some.
pub(super) fn positive_duration(duration: Option<crate::Duration>, path: &Path<'_>, issues: &mut Issues<'_>) {
    if duration.is_some_and(|duration| duration.0.is_zero()) {
        invalid(path, "must be more than 0", issues);
    }
}

/// A share in percent.
pub(super) fn weight(weight: Option<i64>, path: &Path<'_>, issues: &mut Issues<'_>) {
    match weight {
        Some(weight) if weight < 0 => invalid(path, format!("a share cannot be negative, found {weight}"), issues),
        Some(weight) if weight > i64::from(u32::MAX) => invalid(path, "too large for a share in percent", issues),
        Some(weight) if weight > 100 => {
            let message = format!("{weight} is more than 100 percent: shares are taken in proportion");
            issues.warning(path, "WeightOver100", message);
        }
        _ => {}
    }
}

/// A TCP or UDP port.
pub(super) fn port(port: u16, path: &Path<'_>, issues: &mut Issues<'_>) {
    if port == 0 && issues.node(path).is_none() {
        super::missing(path, issues);
    } else if port == 0 {
        invalid(path, "expected a port from 1 to 65535, found 0", issues);
    }
}

/// An IP address.
pub(super) fn address(address: Option<&str>, path: &Path<'_>, issues: &mut Issues<'_>) {
    if let Some(address) = address.filter(|address| address.parse::<std::net::IpAddr>().is_err()) {
        invalid(path, format!("expected an IP address, found \"{}\"", shorten(address)), issues);
    }
}
