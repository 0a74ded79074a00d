//! Names below `localhost` are this machine (RFC 6761, section 6.3), as they are for browsers: many resolvers know none of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, ClientBuilder, redirect};

/// A client that goes nowhere but where it is sent, and knows them.
pub(super) fn client() -> ClientBuilder {
    Client::builder().redirect(redirect::Policy::none()).dns_resolver(Arc::new(Resolver))
}

#[derive(Debug)]
struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            if is_here(name.as_str()) {
                let here = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
                return Ok(Box::new(here.map(|ip| SocketAddr::new(ip, 0)).into_iter()) as Addrs);
            }
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether a name is this machine's, whoever is asked.
fn is_here(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_below_localhost_are_this_machine() {
        for name in ["localhost", "portal.localhost", "Web--tax.Previews.LOCALHOST", "a.localhost."] {
            let found: Vec<_> = Resolver.resolve(name.parse().unwrap()).await.unwrap().collect();
            assert!(found.len() == 2 && found.iter().all(|address| address.ip().is_loopback()), "{name}: {found:?}");
        }
        for name in ["localhost.example", "notlocalhost", "portal.localhost.example", ""] {
            assert!(!is_here(name), "{name}");
        }
    }
}
