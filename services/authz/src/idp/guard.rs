//! Where requests of ours go, and may not go: addresses that only the machine itself, or the cloud below it, answers.

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nuncio_auth::address::is_never_asked;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// How long connecting may take.
pub(super) const CONNECT: Duration = Duration::from_secs(2);

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

/// The endpoints of a service whose name is not looked up. Each connection begins with the next of those that are near, the first
/// with any: not all of ours with the same whenever there are others.
#[derive(Debug)]
pub(crate) struct Endpoints {
    /// Those that are alike together, the nearest first. None is empty.
    ranks: Vec<Vec<SocketAddr>>,
    next: AtomicUsize,
}

impl Endpoints {
    pub(crate) fn new(ranks: &[Vec<SocketAddr>]) -> Self {
        let allowed = |rank: &Vec<SocketAddr>| -> Vec<SocketAddr> {
            rank.iter().filter(|address| !is_never_asked(address.ip())).copied().collect()
        };
        let ranks = ranks.iter().map(allowed).filter(|rank| !rank.is_empty()).collect();
        Self { ranks, next: AtomicUsize::new(fastrand::usize(..)) }
    }

    /// How many connections begin with before others.
    pub(crate) fn number(&self) -> usize {
        self.ranks.first().map_or(0, Vec::len)
    }

    /// All of them, in the order in which they are tried.
    pub(crate) fn in_turn(&self) -> Result<Vec<SocketAddr>, Error> {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let in_turn = self.ranks.iter().flat_map(|rank| {
            let (later, first) = rank.split_at(next % rank.len());
            first.iter().chain(later)
        });
        let addresses: Vec<_> = in_turn.copied().collect();
        if addresses.is_empty() {
            return Err(Error::new(ErrorKind::AddrNotAvailable, "the service has no endpoint that may be asked"));
        }
        Ok(addresses)
    }

    /// Connects to one of them. Each has its share of the time: one that is silent leaves the others theirs.
    pub(crate) async fn connect(&self, within: Duration) -> Result<TcpStream, Error> {
        let addresses = self.in_turn()?;
        let share = within.min(CONNECT) / u32::try_from(addresses.len()).unwrap_or(u32::MAX);
        let mut failed = Error::from(ErrorKind::AddrNotAvailable);
        for address in addresses {
            match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => failed = error,
                Err(elapsed) => failed = elapsed.into(),
            }
        }
        Err(failed)
    }
}

/// Whether somebody takes connections where a URL leads. Nothing is sent.
pub(crate) async fn is_there(url: &str, known: Option<Endpoints>) -> bool {
    let endpoints = match known {
        Some(endpoints) => Ok(endpoints),
        None => timeout(CONNECT, look_up(url)).await.unwrap_or_else(|elapsed| Err(elapsed.into())),
    };
    match endpoints {
        Ok(endpoints) => endpoints.connect(CONNECT).await.is_ok(),
        Err(_) => false,
    }
}

async fn look_up(url: &str) -> Result<Endpoints, Error> {
    let parsed = reqwest::Url::parse(url).map_err(|_| Error::from(ErrorKind::InvalidInput))?;
    let port = parsed.port_or_known_default().unwrap_or_default();
    let host = parsed.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    let found: Vec<_> = lookup_host((host, port)).await?.collect();
    Ok(Endpoints::new(&[found]))
}

impl Resolve for Endpoints {
    fn resolve(&self, _: Name) -> Resolving {
        let found = self.in_turn();
        Box::pin(async move { Ok(Box::new(found?.into_iter()) as Addrs) })
    }
}

/// An address that does not answer whoever connects, while what comes with it is held: no more are queued there.
#[cfg(test)]
pub(crate) async fn silent() -> (SocketAddr, (tokio::net::TcpListener, Vec<TcpStream>)) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener = socket.listen(1).unwrap();
    let (address, mut queued) = (listener.local_addr().unwrap(), Vec::new());
    while let Ok(stream) = timeout(Duration::from_millis(500), TcpStream::connect(address)).await {
        queued.push(stream.unwrap());
    }
    (address, (listener, queued))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_endpoint_has_its_turn_but_what_is_never_asked() {
        let addresses =
            ["10.0.0.1:80", "169.254.169.254:80", "10.0.0.2:81"].map(|address| address.parse::<SocketAddr>().unwrap());
        let endpoints = Endpoints::new(&[addresses.to_vec()]);
        let first: Vec<_> = (0..3).map(|_| endpoints.in_turn().unwrap()[0]).collect();
        assert!(first[0] == first[2] && first.contains(&addresses[0]) && first.contains(&addresses[2]), "{first:?}");
        assert_eq!(endpoints.in_turn().unwrap().len(), 2, "the others are tried where one is not there");
        assert!(Endpoints::new(&[addresses[1..2].to_vec()]).in_turn().is_err());
    }

    #[test]
    fn not_all_begin_with_the_same_endpoint() {
        let addresses = ["10.0.0.1:80", "10.0.0.2:80"].map(|address| address.parse::<SocketAddr>().unwrap());
        let begins = |_| Endpoints::new(&[addresses.to_vec()]).in_turn().unwrap()[0];
        assert_eq!((0..64).map(begins).collect::<BTreeSet<_>>(), BTreeSet::from(addresses));
    }

    #[test]
    fn far_endpoints_are_tried_after_near_ones() {
        let [near, other, far] =
            ["10.0.0.1:80", "10.0.0.2:80", "10.1.0.1:80"].map(|address| address.parse::<SocketAddr>().unwrap());
        let endpoints = Endpoints::new(&[vec![near, other], vec![far]]);
        let tried: BTreeSet<_> = (0..2).map(|_| endpoints.in_turn().unwrap()).collect();
        assert_eq!(tried, BTreeSet::from([vec![near, other, far], vec![other, near, far]]));
    }

    #[tokio::test]
    async fn somebody_is_there_although_the_first_endpoint_is_silent() {
        let (silent, _queue) = silent().await;
        let there = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let begins_with_the_first =
            |addresses: &[SocketAddr]| Endpoints { ranks: vec![addresses.to_vec()], next: AtomicUsize::new(0) };
        let endpoints = begins_with_the_first(&[silent, there.local_addr().unwrap()]);
        let looked = |endpoints| timeout(CONNECT * 2, is_there("http://asked.shop:80", Some(endpoints)));
        assert_eq!(looked(endpoints).await, Ok(true));
        assert_eq!(looked(begins_with_the_first(&[silent])).await, Ok(false));
    }
}
