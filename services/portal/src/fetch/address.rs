//! Which addresses may be asked.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::{fmt, io};

use nuncio_auth::address::{canonical, is_never_asked};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Whether only this machine, this network or this cluster has it: a URL that a document or a manifest names must not lead
/// there.
pub(super) fn is_private(address: IpAddr) -> bool {
    is_never_asked(address)
        || match canonical(address) {
            IpAddr::V4(v4) => {
                let [a, b, ..] = v4.octets();
                let shared = a == 100 && (b & 0xc0) == 64;
                let benchmark = a == 198 && (b & 0xfe) == 18;
                let protocols = v4.octets()[..3] == [192, 0, 0];
                v4.is_loopback()
                    || v4.is_private()
                    || v4.is_documentation()
                    || a == 0
                    || a >= 240
                    || shared
                    || benchmark
                    || protocols
            }
            // The one network that is the world's, without what is set aside in it: Teredo and other protocols, documentation.
            IpAddr::V6(v6) => {
                !matches!(v6.segments(), [0x2000..=0x3fff, ..])
                    || matches!(v6.segments(), [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..])
            }
        }
}

/// Looks a name up.
pub(super) type Lookup = Arc<dyn Fn(String) -> Found + Send + Sync>;
/// What a name means.
type Found = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// As this machine does.
pub(super) fn by_system() -> Lookup {
    Arc::new(|name| Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) }))
}

/// Looks names up, and leaves out what may not be asked. The connection is made to what was found here, so a name that
/// means something else a moment later gains nothing.
pub(super) struct Guarded {
    allowed_hosts: Arc<[String]>,
    lookup: Lookup,
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Guarded").field(&self.allowed_hosts).finish()
    }
}

impl Guarded {
    pub(super) fn new(allowed_hosts: Arc<[String]>, lookup: Lookup) -> Self {
        Self { allowed_hosts, lookup }
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = is_allowed(&self.allowed_hosts, name.as_str());
        let found = (self.lookup)(name.as_str().to_owned());
        Box::pin(async move {
            let may_be_asked = |address: &SocketAddr| match allowed {
                true => !is_never_asked(address.ip()),
                false => !is_private(address.ip()),
            };
            let addresses: Vec<SocketAddr> = found.await?.into_iter().filter(may_be_asked).collect();
            if addresses.is_empty() {
                let hint = if allowed { "that is never asked" } else { "(--portal-allow-host lets it in)" };
                return Err(format!("{} is at a private address {hint}", name.as_str()).into());
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
    fn metadata_services_are_private_as_well() {
        for never in ["169.254.169.254", "168.63.129.16", "100.100.100.200", "fd00:ec2::254", "::"] {
            assert!(is_private(never.parse().unwrap()), "{never}");
        }
    }

    #[test]
    fn private_addresses_are_known_in_all_their_clothes() {
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
            "192.0.0.8",
            "fec0::1",
            "100::1",
            "64:ff9b:1::a00:1",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
        ] {
            assert!(is_private(private.parse().unwrap()), "{private}");
            assert!(!is_never_asked(private.parse().unwrap()), "a service of the gateway may be at {private}");
        }
        for public in ["8.8.8.8", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "2001:4860::8888", "198.20.0.1"] {
            assert!(!is_private(public.parse().unwrap()), "{public}");
        }
    }
}
