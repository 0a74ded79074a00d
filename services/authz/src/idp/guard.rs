//! Where requests of ours go, and may not go: addresses that only the machine itself, or the cloud below it, answers.

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use nuncio_auth::address::is_never_asked;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::{TcpStream, lookup_host};

/// Looks names up, and leaves out what is never asked. Loopback and private addresses are fine: identity providers
/// run beside us.
#[derive(Debug)]
pub(super) struct Guarded;

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| !is_never_asked(address.ip())).collect();
            if allowed.is_empty() {
                return Err(format!("{} has no address that may be asked", name.as_str()).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// The endpoints of a service whose name is not looked up. Each connection begins with the next of them, the first with any: not
/// all of ours with the same whenever there are others.
#[derive(Debug)]
pub(crate) struct Endpoints {
    addresses: Vec<SocketAddr>,
    next: AtomicUsize,
}

impl Endpoints {
    pub(crate) fn new(addresses: &[SocketAddr]) -> Self {
        let allowed = addresses.iter().filter(|address| !is_never_asked(address.ip()));
        Self { addresses: allowed.copied().collect(), next: AtomicUsize::new(fastrand::usize(..)) }
    }

    /// How many there are.
    pub(crate) fn number(&self) -> usize {
        self.addresses.len()
    }

    /// All of them, in the order in which they are tried.
    pub(crate) fn in_turn(&self) -> Result<Vec<SocketAddr>, Error> {
        if self.addresses.is_empty() {
            return Err(Error::new(ErrorKind::AddrNotAvailable, "the service has no endpoint that may be asked"));
        }
        let mut addresses = self.addresses.clone();
        addresses.rotate_left(self.next.fetch_add(1, Ordering::Relaxed) % self.addresses.len());
        Ok(addresses)
    }
}

/// Whether somebody takes connections where a URL leads. Nothing is sent.
pub(crate) async fn is_there(url: &str, known: Option<Endpoints>) -> bool {
    let addresses = match known {
        Some(endpoints) => endpoints.in_turn(),
        None => look_up(url).await,
    };
    match addresses {
        Ok(addresses) => TcpStream::connect(&addresses[..]).await.is_ok(),
        Err(_) => false,
    }
}

async fn look_up(url: &str) -> Result<Vec<SocketAddr>, Error> {
    let parsed = reqwest::Url::parse(url).map_err(|_| Error::from(ErrorKind::InvalidInput))?;
    let port = parsed.port_or_known_default().unwrap_or_default();
    let host = parsed.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    let found: Vec<_> = lookup_host((host, port)).await?.collect();
    Endpoints::new(&found).in_turn()
}

impl Resolve for Endpoints {
    fn resolve(&self, _: Name) -> Resolving {
        let found = self.in_turn();
        Box::pin(async move { Ok(Box::new(found?.into_iter()) as Addrs) })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_endpoint_has_its_turn_but_what_is_never_asked() {
        let addresses =
            ["10.0.0.1:80", "169.254.169.254:80", "10.0.0.2:81"].map(|address| address.parse::<SocketAddr>().unwrap());
        let endpoints = Endpoints::new(&addresses);
        let first: Vec<_> = (0..3).map(|_| endpoints.in_turn().unwrap()[0]).collect();
        assert!(first[0] == first[2] && first.contains(&addresses[0]) && first.contains(&addresses[2]), "{first:?}");
        assert_eq!(endpoints.in_turn().unwrap().len(), 2, "the others are tried where one is not there");
        assert!(Endpoints::new(&addresses[1..2]).in_turn().is_err());
    }

    #[test]
    fn not_all_begin_with_the_same_endpoint() {
        let addresses = ["10.0.0.1:80", "10.0.0.2:80"].map(|address| address.parse::<SocketAddr>().unwrap());
        let begins = |_| Endpoints::new(&addresses).in_turn().unwrap()[0];
        assert_eq!((0..64).map(begins).collect::<BTreeSet<_>>(), BTreeSet::from(addresses));
    }
}
