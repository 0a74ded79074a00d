//! Who is told a preview's key. Listeners among services take it for proof that the gate was passed, so it goes to what is behind
//! this gateway and to whom the policy names, and to no third party.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use nuncio_api::PreviewPolicy;
use nuncio_ir::{ClusterName, Discovery};

use crate::compiled::Upstream;
use crate::pattern::HostPattern;

/// Who is trusted with a key.
pub(crate) struct Trust<'a>(pub(crate) &'a PreviewPolicy);

impl Trust<'_> {
    /// Those of these that may not know the key.
    pub(crate) fn strangers<'u>(&self, upstreams: impl Iterator<Item = &'u Arc<Upstream>>) -> BTreeSet<ClusterName> {
        upstreams.filter(|upstream| !self.takes(upstream)).map(|upstream| upstream.name().clone()).collect()
    }

    fn takes(&self, upstream: &Upstream) -> bool {
        match &upstream.cluster.discovery {
            Discovery::Endpoints | Discovery::Unix(_) => true,
            Discovery::Static(addresses) => {
                addresses.iter().all(|at| is_private(at.ip()) || self.names(&at.ip().to_string()))
            }
            Discovery::Dns { hosts, .. } => hosts.iter().all(|(host, _)| is_of_cluster(host) || self.names(host)),
        }
    }

    fn names(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let named = &self.0.trusted_upstreams;
        let takes = |text: &String| {
            text.eq_ignore_ascii_case(&host) || HostPattern::parse(text).is_some_and(|pattern| pattern.takes(&host))
        };
        named.iter().any(takes)
    }
}

/// Whether a name is one that the cluster's own DNS answers, or the machine. A namespace may be called like a domain of the whole
/// world: `cart.shop` is of the cluster where there is such a Service, and then it is not looked up.
fn is_of_cluster(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    !host.contains('.') || host.ends_with(".svc") || host.ends_with(".svc.cluster.local")
}

/// Whether nobody else's network has the address (RFC 1918, RFC 4193). Link-local ones are of the machine's host: its metadata.
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_cluster_and_those_of_the_policy_are_trusted() {
        let policy = PreviewPolicy {
            trusted_upstreams: vec!["*.corp.example".to_owned(), "203.0.113.7".to_owned()],
            ..PreviewPolicy::default()
        };
        let trust = Trust(&policy);
        for host in ["cart", "localhost", "Cart.other.svc", "cart.other.svc.cluster.local.", "a.CORP.example"] {
            assert!(is_of_cluster(host) || trust.names(host), "{host}");
        }
        for host in ["example.com", "cart.shop", "x.svc.example.com", "corp.example", "svc.cluster.local.evil.example"]
        {
            assert!(!is_of_cluster(host) && !trust.names(host), "{host}");
        }
        assert!(trust.names("203.0.113.7"));
    }

    #[test]
    fn addresses_of_ones_own_network_are() {
        for (address, expected) in [
            ("127.0.0.1", true),
            ("10.1.2.3", true),
            ("172.16.0.1", true),
            ("::ffff:192.168.0.1", true),
            ("fd00::1", true),
            ("::1", true),
            ("169.254.169.254", false),
            ("fe80::1", false),
            ("203.0.113.8", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_private(address.parse().unwrap()), expected, "{address}");
        }
    }
}
