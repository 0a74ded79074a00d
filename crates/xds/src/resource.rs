//! What the server serves: resources, named by type and name, and changes to them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use nuncio_ir::ResourceType;

/// The identity of a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Its type.
    pub kind: ResourceType,
    /// Its name, unique within the type.
    pub name: Arc<str>,
}

impl Key {
    /// A key of a type and a name.
    pub fn new(kind: ResourceType, name: impl Into<Arc<str>>) -> Self {
        Self { kind, name: name.into() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// One version of a resource.
#[derive(Debug, Clone)]
pub struct Resource {
    /// What it is a version of.
    pub key: Key,
    /// Equal versions mean equal content: a resource whose version has not changed is not sent again, not
    /// even to a client that reconnects. Derive it from content, so that it survives a restart.
    pub version: Arc<str>,
    /// The encoded message (`Any.value`), encoded once and shared by all streams.
    pub body: Arc<[u8]>,
    /// What a client must have accepted, in some version, before it is sent this: for a route
    /// configuration the clusters it names, their endpoints and their secrets; for a TCP listener its
    /// clusters. The same list holds back the removal of these. A [`ResourceType::RuleSet`] is what others must have
    /// accepted: every client that asks for such.
    ///
    /// A resource must not need what the client learns of only through the resource itself: a scope does
    /// not need its route configuration. The exception is a cluster, which names its endpoints here if they
    /// are not named like itself. It is not held back for them; they are sent again with each of its
    /// versions, since Envoy warms a changed cluster only when its endpoints arrive. A scope may need what
    /// its route configuration needs, so that it becomes known only when the routes can follow at once.
    pub needs: Vec<Key>,
    /// How long after its own ACK others may rely on it. Zero for most: Envoy 1.40 puts off the ACK over an
    /// aggregated stream until the clusters of the response are warm (seen with EDS clusters). It applies
    /// to a resource that is new to an Envoy that already runs, not to a new version of it (Envoy keeps the
    /// old one until the new one is warm), nor to clusters that an Envoy has acknowledged before it first
    /// asked for listeners (it asks when those are warm).
    pub settle: Duration,
    /// Of a scope or a route configuration: which listeners look requests up in it. Of a listener: in which it looks.
    /// A listener is not sent before a client that has others has all of its class, and those of a class that no
    /// listener has any longer are removed a while after the last one was given up.
    pub class: Option<Arc<str>>,
}

/// A change of what is served.
#[derive(Debug, Clone, Default)]
pub struct Update {
    /// New resources and new versions. One that equals the version served changes nothing.
    pub set: Vec<Resource>,
    /// What no longer exists. A key that is also in `set` is set.
    pub remove: Vec<Key>,
    /// It goes after what is on its way, however little it is. An update of few resources goes before what is left of larger
    /// ones otherwise.
    pub may_wait: bool,
}

/// Counts the updates: the first has revision 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Revision(pub u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
