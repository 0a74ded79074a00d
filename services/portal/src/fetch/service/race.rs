//! Endpoints of a service that are asked for a document, until one of them has it.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use crate::fetch::{CONNECT, FetchError};

/// How far asking endpoints has come. Who is slow is waited for; who has said nothing for a while has the next asked beside him.
pub(super) struct Race {
    /// Those that are not asked yet.
    queue: std::vec::IntoIter<SocketAddr>,
    /// Those that have said nothing yet, in the order in which they were asked, and since when.
    silent: Vec<(SocketAddr, Instant)>,
    failed: Vec<(SocketAddr, FetchError)>,
    /// When it began, until the first is asked: looking up where that is counts for it.
    begin: Option<Instant>,
    end: Instant,
}

impl Race {
    pub(super) fn new(addresses: Vec<SocketAddr>, begin: Instant, end: Instant) -> Self {
        let (silent, failed) = (Vec::new(), Vec::new());
        Self { queue: addresses.into_iter(), silent, failed, begin: Some(begin), end }
    }

    /// The one that is to be asked next, if any is left.
    pub(super) fn ask_next(&mut self) -> Option<SocketAddr> {
        let address = self.queue.next()?;
        self.silent.push((address, self.begin.take().unwrap_or_else(Instant::now)));
        Some(address)
    }

    /// Until when the others are to be waited for: each that is left has its turn in the time that is left.
    pub(super) fn turn(&self) -> Instant {
        let turns = u32::try_from(self.queue.len() + 1).unwrap_or(1);
        if turns == 1 {
            return self.end;
        }
        let now = Instant::now();
        now + (self.end.duration_since(now) / turns).min(CONNECT)
    }

    /// Notes that one has failed.
    pub(super) fn fail(&mut self, address: SocketAddr, error: FetchError) {
        self.silent.retain(|(other, _)| *other != address);
        self.failed.push((address, error));
    }

    /// Those that have failed where one has answered, or were silent while it did. Who was asked after it may be as good.
    pub(super) fn won_by(mut self, address: SocketAddr) -> Vec<(SocketAddr, FetchError)> {
        let before = self.silent.into_iter().take_while(|(other, _)| *other != address);
        self.failed.extend(before.map(|(other, since)| (other, silence(since, Instant::now()))));
        self.failed
    }

    /// Why none has answered.
    pub(super) fn lost(mut self) -> FetchError {
        let silent = self.silent.into_iter();
        self.failed.extend(silent.map(|(address, since)| (address, silence(since, self.end))));
        FetchError::of_all(self.failed)
    }
}

/// That somebody has said nothing in this time, of which no more than hundredths of a second are told.
fn silence(since: Instant, until: Instant) -> FetchError {
    let seconds = until.duration_since(since).as_secs_f64();
    FetchError::TimedOut(Duration::from_secs_f64((seconds * 100.0).round() / 100.0))
}
