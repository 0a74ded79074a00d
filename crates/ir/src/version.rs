//! Content-derived versions.

use std::fmt;
use std::hash::{Hash, Hasher};

use xxhash_rust::xxh3::Xxh3;

/// Bump when the same model would give other Envoy resources than before, so that Envoys that
/// reconnect to a newer controller are sent what changed.
const TRANSLATOR_REVISION: u32 = 7;

/// 128 bits that name the content of a model node: equal nodes have equal versions in every
/// process of the same build, so an Envoy that reconnects to another replica is sent nothing anew.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(pub u128);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The version of a node: a hash of its content and of the translator's revision, never of encoded
/// bytes, because protobuf maps encode in any order.
pub fn version<T: Hash>(node: &T) -> Version {
    let mut state = State(Xxh3::new());
    TRANSLATOR_REVISION.hash(&mut state);
    node.hash(&mut state);
    Version(state.0.digest128())
}

/// Feeds `Hash` into xxh3 at full width.
struct State(Xxh3);

impl Hasher for State {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.digest()
    }
}
