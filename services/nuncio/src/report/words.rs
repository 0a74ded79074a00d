//! Numbers, addresses and objects in words.

use std::net::SocketAddr;
use std::time::Duration;

use nuncio_api::{ObjectId, Severity};
use nuncio_controller::ChangeKind;

/// Objects that are named before the rest is counted.
const NAMED: usize = 3;

/// What a problem of this severity is called.
pub(crate) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// `1 route`, `2 routes`.
pub(crate) fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// `4 ms`; with a decimal below 10 ms, where it matters.
pub(crate) fn milliseconds(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    if ms < 9.95 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}

/// Where to point a client: an address that stands for all of them is reached at `localhost`.
pub(super) fn url(scheme: &str, address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("{scheme}://localhost:{}", address.port())
    } else {
        format!("{scheme}://{address}")
    }
}

/// `Mapping default/cart changed`, `Host default/a added, Mapping default/b and 7 more changed`.
pub(super) fn objects(changed: &[(ObjectId, ChangeKind)]) -> String {
    let kinds = [(ChangeKind::Added, "added"), (ChangeKind::Changed, "changed"), (ChangeKind::Removed, "removed")];
    let parts = kinds.into_iter().filter_map(|(kind, verb)| {
        let ids: Vec<_> = changed.iter().filter(|(_, is)| *is == kind).map(|(id, _)| id.to_string()).collect();
        (!ids.is_empty()).then(|| format!("{} {verb}", list(&ids)))
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] if names.len() <= NAMED => format!("{} and {last}", first.join(", ")),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}
