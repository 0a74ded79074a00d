//! What nodes say of where slots are.

use crate::store::redis::address::Address;
use crate::store::redis::resp::Reply;
use crate::store::redis::slots::SLOTS;

/// The node of each slot, as `CLUSTER SLOTS` tells: ranges with their nodes, the master first.
pub(super) fn table_of(reply: &Reply, asked: &Address) -> Option<Vec<Option<Address>>> {
    let Reply::Array(ranges) = reply else { return None };
    let mut slots = vec![None; usize::from(SLOTS)];
    for range in ranges {
        let Reply::Array(range) = range else { return None };
        let [Reply::Int(first), Reply::Int(last), Reply::Array(master), ..] = range.as_slice() else { return None };
        let [Reply::Bulk(host), Reply::Int(port), ..] = master.as_slice() else { return None };
        let host = host.as_ref().and_then(|host| std::str::from_utf8(host).ok()).unwrap_or_default();
        let address = beside(asked, host, u16::try_from(*port).ok()?);
        for slot in slots.get_mut(usize::try_from(*first).ok()?..=usize::try_from(*last).ok()?)? {
            *slot = Some(address.clone());
        }
    }
    slots.iter().any(Option::is_some).then_some(slots)
}

/// Where `MOVED` and `ASK` send to, and whether with `ASKING`. Nodes that are to be known by the address they are asked at
/// (`cluster-preferred-endpoint-type unknown-endpoint`) tell a port only.
pub(super) fn redirected(error: &str, asked: &Address) -> Option<(bool, Address)> {
    let (asking, rest) = match error.strip_prefix("MOVED ") {
        Some(rest) => (false, rest),
        None => (true, error.strip_prefix("ASK ")?),
    };
    let (host, port) = rest.split_once(' ')?.1.rsplit_once(':')?;
    Some((asking, beside(asked, host, port.parse().ok()?)))
}

/// A node at the host that a node gives; without one it is that of the node itself.
fn beside(asked: &Address, host: &str, port: u16) -> Address {
    let host = match (host, asked) {
        ("" | "?", Address::Tcp { host, .. }) => host,
        _ => host.trim_start_matches('[').trim_end_matches(']'),
    };
    Address::Tcp { host: host.to_owned(), port }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_sends_to_another_or_to_the_same_host() {
        let at = |host: &str, port| Address::Tcp { host: host.to_owned(), port };
        let asked = at("asked", 1);
        for (error, expected) in [
            ("MOVED 3999 10.0.0.1:7000", Some((false, at("10.0.0.1", 7_000)))),
            ("ASK 3999 node:7000", Some((true, at("node", 7_000)))),
            ("MOVED 3999 ::1:7000", Some((false, at("::1", 7_000)))),
            ("MOVED 3999 :7000", Some((false, at("asked", 7_000)))),
            ("ASK 3999 ?:7000", Some((true, at("asked", 7_000)))),
            ("MOVED 3999", None),
            ("ERR no", None),
        ] {
            assert_eq!(redirected(error, &asked), expected, "{error}");
        }
    }
}
