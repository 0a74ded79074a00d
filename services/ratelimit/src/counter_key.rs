//! Keys of counters, byte for byte those of the original, so that both can share one Redis.

use bytes::{BufMut, Bytes, BytesMut};

use crate::config::{Entry, Shares};
use crate::unit::Unit;

/// The key of the counter for a descriptor in the window that `now` is in:
/// `PREFIX domain _ (key _ value _)… window-start`, with a glob's text as value where values share a counter.
pub(crate) fn counter_key(
    prefix: &str,
    domain: &str,
    entries: &[impl Entry],
    shares: &Shares<'_>,
    unit: Unit,
    now: u64,
) -> Bytes {
    let text: usize = entries.iter().map(|entry| entry.key().len() + entry.value().len() + 2).sum();
    // Twenty digits hold any window.
    let mut key = BytesMut::with_capacity(prefix.len() + domain.len() + 1 + text + 20);
    key.put_slice(prefix.as_bytes());
    key.put_slice(domain.as_bytes());
    key.put_u8(b'_');
    for (index, entry) in entries.iter().enumerate() {
        let share = shares.iter().find(|(at, _)| *at == index).map(|(_, text)| *text);
        key.put_slice(entry.key().as_bytes());
        key.put_u8(b'_');
        key.put_slice(share.unwrap_or(entry.value()).as_bytes());
        key.put_u8(b'_');
    }
    put_decimal(&mut key, unit.window_start(now));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_original() {
        let shares = Shares::from_iter([(1, "x*")]);
        let key = counter_key("p:", "d", &[("a", ""), ("b", "xyz")], &shares, Unit::Minute, 1_234);
        assert_eq!(key, "p:d_a__b_x*_1200");
        assert_eq!(counter_key("", "d", &[("k", "v")], &Shares::new(), Unit::Second, 0), "d_k_v_0");
    }
}
