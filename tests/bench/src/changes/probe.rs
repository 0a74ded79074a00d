//! Asks until the change is there.

use std::time::{Duration, Instant};

use nuncio_e2e::{Connection, get};

use crate::fleet::{CHANGED, name, prefix};

/// Longest time that is waited for a change.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks a host again and again, without a pause, until its changed route answers with `version`.
pub(super) async fn until_seen(connection: &mut Connection, index: usize, version: &str) {
    let ask = get(&name(index), &format!("{}x", prefix(CHANGED)));
    let start = Instant::now();
    loop {
        let reply = connection.send(&ask).await.expect("a reply");
        if reply.status == 200 && reply.header("x-version") == Some(version) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "version {version} of host {index} does not come: {}", reply.status);
    }
}

/// The hosts that are changed, one after the other, over all of the fleet.
pub(super) fn picked(change: usize, names: usize) -> usize {
    // Prime, and so visits every name.
    change * 7_919 % names
}
