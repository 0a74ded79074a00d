//! Requests that a proxy has sent on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::HeaderMap;

/// What requests say (`Via`) that a service of the gateway sends because somebody else wants it: they do not come from this machine,
/// though its connection does.
pub const VIA: &str = "1.1 nuncio";

/// Whether a connection is from this machine, as it calls itself. Other addresses of `127.0.0.0/8` are those of proxies that pass on
/// what comes from elsewhere.
#[must_use]
pub fn is_here(from: IpAddr) -> bool {
    [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].contains(&from.to_canonical())
}

/// Whether a proxy sent the request on: whatever name and address it has then say nothing of who it is from.
#[must_use]
pub fn came_by_a_proxy(headers: &HeaderMap) -> bool {
    let is_of_proxies = |name: &str| {
        ["x-forwarded-", "x-envoy-"].iter().any(|prefix| name.starts_with(prefix))
            || ["forwarded", "via", "x-request-id"].contains(&name)
    };
    headers.keys().any(|name| is_of_proxies(name.as_str()))
}
