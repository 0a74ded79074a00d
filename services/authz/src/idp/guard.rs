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

/// How many endpoints a connection tries at most: each has its share of the time, and where there are many, none would have
/// enough.
const MOST_TRIED: usize = 8;

/// The least share of the time, in which a slower link connects.
const LEAST_SHARE: Duration = Duration::from_millis(100);

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

    /// Those that are tried, in the order in which they are: of each rank some, the rest of the nearest.
    pub(crate) fn in_turn(&self) -> Result<Vec<SocketAddr>, Error> {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let (mut room, mut addresses) = (MOST_TRIED, Vec::new());
        for (index, rank) in self.ranks.iter().enumerate() {
            let farther = self.ranks.len() - index - 1;
            let tried = rank.len().min(room.saturating_sub(farther).max(1)).min(room);
            room -= tried;
            let (later, first) = rank.split_at(next % rank.len());
            addresses.extend(first.iter().chain(later).take(tried));
        }
        if addresses.is_empty() {
            return Err(Error::new(ErrorKind::AddrNotAvailable, "the service has no endpoint that may be asked"));
        }
        Ok(addresses)
    }

    /// Connects to one of them. Each has its share of the time: one that is silent leaves the others theirs, where there is
    /// enough for all.
    pub(crate) async fn connect(&self, within: Duration) -> Result<TcpStream, Error> {
        let within = within.min(CONNECT);
        let addresses = self.in_turn()?;
        let share = share(within, addresses.len());
        timeout(within, Self::connect_to(addresses, share)).await.unwrap_or_else(|elapsed| Err(elapsed.into()))
    }

    async fn connect_to(addresses: Vec<SocketAddr>, share: Duration) -> Result<TcpStream, Error> {
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

/// The share of the time that each of so many has.
fn share(within: Duration, number: usize) -> Duration {
    (within / u32::try_from(number).unwrap_or(u32::MAX)).max(LEAST_SHARE)
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

    #[test]
    fn of_many_endpoints_some_are_tried_and_each_has_enough_time() {
        let rank = |rank: u8, number: u8| -> Vec<SocketAddr> {
            (0..number).map(|last| SocketAddr::from(([10, rank, 0, last], 80))).collect()
        };
        let tried = |ranks: &[Vec<SocketAddr>]| Endpoints::new(ranks).in_turn().unwrap();
        let of_rank = |tried: &[SocketAddr], rank: u8| {
            tried
                .iter()
                .filter(|address| matches!(address.ip(), std::net::IpAddr::V4(ip) if ip.octets()[1] == rank))
                .count()
        };
        for (near, farther, far, expected) in
            [(200, 3, 200, [6, 1, 1]), (2, 1, 200, [2, 1, 5]), (1, 200, 1, [1, 6, 1]), (2, 1, 3, [2, 1, 3])]
        {
            let tried = tried(&[rank(0, near), rank(1, farther), rank(2, far)]);
            let found = [0, 1, 2].map(|rank| of_rank(&tried, rank));
            assert_eq!(found, expected, "{near}, {farther}, {far}: {tried:?}");
            assert_eq!(tried.iter().collect::<BTreeSet<_>>().len(), tried.len(), "each once");
        }
        let ranks: Vec<_> = (0..20).map(|index| rank(index, 2)).collect();
        assert_eq!(tried(&ranks).len(), MOST_TRIED, "more ranks than are tried");

        let endpoints = Endpoints::new(&[rank(0, 200)]);
        let all: BTreeSet<_> = (0..200).flat_map(|_| endpoints.in_turn().unwrap()).collect();
        assert_eq!(all.len(), 200, "all have their turn");

        let milliseconds = Duration::from_millis;
        assert_eq!(share(milliseconds(500), MOST_TRIED), milliseconds(100));
        assert_eq!(share(milliseconds(2000), 2), milliseconds(1000));
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
