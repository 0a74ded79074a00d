//! Which addresses may be asked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Whether nothing that anybody may have meant is there: not even a service of the gateway's. Services of clouds that hand
/// out credentials are link-local.
pub(super) fn is_never_asked(address: IpAddr) -> bool {
    match canonical(address) {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_multicast() || v4.is_broadcast() || v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_multicast() || v6.is_unspecified() || v6 == AWS_METADATA,
    }
}

/// Whether only this machine, this network or this cluster has it: a URL that a document or a manifest names must not lead
/// there.
pub(super) fn is_private(address: IpAddr) -> bool {
    is_never_asked(address)
        || match canonical(address) {
            IpAddr::V4(v4) => {
                let [a, b, ..] = v4.octets();
                let shared = a == 100 && (b & 0xc0) == 64;
                let benchmark = a == 198 && (b & 0xfe) == 18;
                v4.is_loopback()
                    || v4.is_private()
                    || v4.is_documentation()
                    || a == 0
                    || a >= 240
                    || shared
                    || benchmark
            }
            IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
        }
}

const AWS_METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// An address of IPv4 in the clothes of IPv6 is what is in them: mapped, or behind NAT64 (RFC 6052) or 6to4 (RFC 3056).
fn canonical(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address.to_canonical() else { return address.to_canonical() };
    let segments = v6.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        // The older form of mapped ones.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => v4(high, low),
        _ => IpAddr::V6(v6),
    }
}

/// Looks names up, and leaves out what may not be asked. The connection is made to what was found here, so a name that
/// means something else a moment later gains nothing.
#[derive(Debug)]
pub(super) struct Guarded {
    allowed_hosts: Arc<[String]>,
}

impl Guarded {
    pub(super) fn new(allowed_hosts: Arc<[String]>) -> Self {
        Self { allowed_hosts }
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = is_allowed(&self.allowed_hosts, name.as_str());
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let may_be_asked = |address: &SocketAddr| match allowed {
                true => !is_never_asked(address.ip()),
                false => !is_private(address.ip()),
            };
            let addresses: Vec<SocketAddr> = found.filter(may_be_asked).collect();
            if addresses.is_empty() {
                return Err(
                    format!("{} is at a private address (--portal-allow-host lets it in)", name.as_str()).into()
                );
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Whether an operator let a host in by name.
pub(super) fn is_allowed(allowed_hosts: &[String], host: &str) -> bool {
    allowed_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_known_in_all_their_clothes() {
        for never in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "fe80::1",
            "0.0.0.0",
            "::",
            "fd00:ec2::254",
            "2002:a9fe:a9fe::1",
        ] {
            assert!(is_never_asked(never.parse().unwrap()), "{never}");
        }
        for private in [
            "127.0.0.1",
            "127.9.9.9",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "::1",
            "fd12::1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "::127.0.0.1",
            "0.1.2.3",
            "240.0.0.1",
            "198.18.0.1",
        ] {
            assert!(is_private(private.parse().unwrap()), "{private}");
            assert!(!is_never_asked(private.parse().unwrap()), "a service of the gateway may be at {private}");
        }
        for public in ["8.8.8.8", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "198.20.0.1"] {
            assert!(!is_private(public.parse().unwrap()), "{public}");
        }
    }
}
