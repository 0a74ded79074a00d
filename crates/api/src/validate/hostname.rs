//! Host names and globs of them.

use super::{invalid, no_effect};
use crate::parse::Issues;
use crate::text::{shorten, without_port};
use crate::yaml::Path;

/// A host name, or a glob with one star at either end. A port may follow.
pub(super) fn glob(hostname: &str, path: &Path<'_>, issues: &mut Issues<'_>) {
    let stars = hostname.matches('*').count();
    let name = without_port(hostname);
    let inner = name.strip_prefix('*').or_else(|| name.strip_suffix('*')).unwrap_or(name);
    let wrong = if stars > 1 {
        "holds more than one star: a host name may begin or end with one"
    } else if inner.contains('*') {
        "holds a star inside: only at the beginning or the end can there be one"
    } else if !is_name(inner) && hostname != "*" {
        "is no host name"
    } else {
        return port(hostname, path, issues);
    };
    invalid(path, format!("\"{}\" {wrong}", shorten(hostname)), issues);
}

/// A host name without a star.
pub(super) fn exact(host: &str, path: &Path<'_>, issues: &mut Issues<'_>) {
    if host.contains('*') {
        invalid(path, "an exact host cannot hold a star: use hostname", issues);
    } else if !is_name(without_port(host)) {
        invalid(path, format!("\"{}\" is no host name", shorten(host)), issues);
    } else {
        port(host, path, issues);
    }
}

/// Names that differ in the port alone are one name.
fn port(hostname: &str, path: &Path<'_>, issues: &mut Issues<'_>) {
    if without_port(hostname) != hostname {
        no_effect(path, "the port does not count: the name is one on every port", issues);
    }
}

/// Letters, digits, dots, dashes and underscores; or an IPv6 address in brackets.
fn is_name(name: &str) -> bool {
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    if let Some(address) = address {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}
