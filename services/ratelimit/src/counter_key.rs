//! Keys of counters, byte for byte those of the original, so that both can share one Redis.

use bytes::{BufMut, Bytes, BytesMut};

use crate::algorithm::Algorithm;
use crate::config::{Entry, Limit};
use crate::window::Window;

/// The key of the counter for a descriptor: `PREFIX domain _ (key _ value _)…` and then the begin of the window that
/// `now`, in seconds since 1970, is in. A glob's text stands for the value where values share a counter. Counters of
/// other kinds end in their kind, and what their numbers mean.
pub(crate) fn counter_key(
    prefix: &str,
    domain: &str,
    entries: &[impl Entry],
    limit: &Limit<'_>,
    window: Window,
    now: u64,
) -> Bytes {
    let text: usize = entries.iter().map(|entry| entry.key().len() + entry.value().len() + 2).sum();
    // Twenty digits hold any window.
    let mut key = BytesMut::with_capacity(prefix.len() + domain.len() + 1 + text + 30);
    key.put_slice(prefix.as_bytes());
    key.put_slice(domain.as_bytes());
    key.put_u8(b'_');
    for (index, entry) in entries.iter().enumerate() {
        let share = limit.shares.iter().find(|(at, _)| *at == index).map(|(_, text)| *text);
        key.put_slice(entry.key().as_bytes());
        key.put_u8(b'_');
        key.put_slice(share.unwrap_or(entry.value()).as_bytes());
        key.put_u8(b'_');
    }
    match limit.algorithm() {
        Algorithm::FixedWindow => put_decimal(&mut key, window.start(now)),
        Algorithm::SlidingWindow(sliding) => {
            key.put_slice(b"sliding_");
            put_decimal(&mut key, sliding.part);
        }
        Algorithm::Gcra(gcra) => {
            key.put_slice(b"gcra_");
            put_decimal(&mut key, gcra.cost);
        }
    }
    key.freeze()
}

/// Writes a number in decimal without allocating.
pub(crate) fn put_decimal(to: &mut BytesMut, mut number: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        // A remainder of ten fits a byte.
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    to.put_slice(&digits[at..]);
}
