//! What the server reports: events as they happen, and the state of streams and resources when asked.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::resource::{Key, ResourceType, Revision};

/// Names a stream (one connection of one client) for the life of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Which variant of the protocol a stream speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `DeltaAggregatedResources`.
    Delta,
    /// `StreamAggregatedResources`.
    StateOfTheWorld,
}

/// Who a client says it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Node {
    /// `node.id`.
    pub id: String,
    /// `node.cluster`.
    pub cluster: String,
    /// User agent and version, such as `envoy/1.40.0`; empty if not told.
    pub agent: String,
    /// What a service of ours says of itself, in its first message or a later one; reported as [`Event::Told`].
    pub says: Vec<Word>,
}

/// A text in the metadata of a node, and its key.
pub type Word = (Arc<str>, Arc<str>);

/// Something that happened on a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A client sent its first message.
    Connected {
        /// The stream.
        stream: StreamId,
        /// The client.
        node: Arc<Node>,
        /// What it asks for first, which tells an Envoy from a rate limit service; nothing if that is not served.
        asks: Option<ResourceType>,
    },
    /// A service of ours says something of itself.
    Told {
        /// The stream.
        stream: StreamId,
        /// What it says, all in all.
        says: Vec<Word>,
    },
    /// A client that was connected has gone.
    Disconnected {
        /// The stream.
        stream: StreamId,
        /// The client.
        node: Arc<Node>,
    },
    /// A client has everything that it subscribes to, as of this revision: each resource was accepted or has
    /// been reported as [`Event::Nacked`]. What waits for a rejected resource, and removals that are held
    /// back, do not count. Revisions may be skipped: this one stands for all before it. The same revision
    /// is reported again when a client has caught up after it subscribed to more.
    Synced {
        /// The stream.
        stream: StreamId,
        /// The newest revision that the client has.
        revision: Revision,
    },
    /// A client rejected a resource that was sent to it alone. It keeps the version that it had, if any;
    /// the version is not sent again.
    Nacked {
        /// The stream.
        stream: StreamId,
        /// The client.
        node: Arc<Node>,
        /// The resource.
        key: Key,
        /// The version that was rejected.
        version: Arc<str>,
        /// The reason, in the client's words.
        message: Arc<str>,
    },
    /// A resource was held back for longer than [`Options::ack_timeout`](crate::Options::ack_timeout),
    /// because the client has not acknowledged what it needs.
    HoldTimedOut {
        /// The stream.
        stream: StreamId,
        /// The client.
        node: Arc<Node>,
        /// The resource that was held.
        key: Key,
        /// What it waited for.
        need: Key,
        /// It is sent all the same: the client does not ask for what it needs. Otherwise the client owes an
        /// answer, and the old version stays until it comes.
        sent: bool,
    },
}

/// How far a resource has come on a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The client does not subscribe to it (yet).
    NotSubscribed,
    /// It waits for its turn.
    Pending,
    /// It, or its removal, is held back.
    Held(Hold),
    /// It is on its way.
    Sent,
    /// The client has it (or, for a removed resource, no longer has it).
    Acked,
    /// The client rejected it.
    Nacked {
        /// The reason, in the client's words.
        message: Arc<str>,
    },
}

/// Why something is held back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// The client has not acknowledged this, which it needs.
    Needs(Key),
    /// The client rejected this, which it needs.
    NeedsRejected(Key),
    /// What it needs was acknowledged, but has to settle (a DNS cluster that warms).
    Settling,
    /// It is to be removed, and the client may still use it.
    InUse,
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Needs(key) => write!(f, "waits for the ACK of {key}"),
            Self::NeedsRejected(key) => write!(f, "waits for {key}, which was rejected"),
            Self::Settling => f.write_str("waits for what it needs to become warm"),
            Self::InUse => f.write_str("to be removed, still in use"),
        }
    }
}

/// A connected client.
#[derive(Debug, Clone)]
pub struct StreamInfo {
    /// The stream.
    pub id: StreamId,
    /// Which protocol it speaks.
    pub protocol: Protocol,
    /// The client; empty until its first message.
    pub node: Arc<Node>,
    /// What it asked for first.
    pub asks: Option<ResourceType>,
    /// When it connected.
    pub connected: Instant,
    /// The newest revision of which the client has everything, as in [`Event::Synced`]; `None` while it
    /// loads for the first time.
    pub acked: Option<Revision>,
    /// Resources that the client has acknowledged or said it has.
    pub resources: usize,
    /// Responses sent, and of those rejected.
    pub responses: u64,
    /// Responses that the client rejected.
    pub nacks: u64,
    /// Requests for a type that is not served.
    pub unknown_types: u64,
}

/// The state of one resource on one stream.
#[derive(Debug, Clone)]
pub struct StreamState {
    /// The stream.
    pub stream: StreamId,
    /// The client.
    pub node: Arc<Node>,
    /// How far the resource's newest version has come.
    pub delivery: Delivery,
}

/// Over how many streams a resource has reached which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Streams whose client has the newest version.
    pub acked: usize,
    /// Streams whose client rejected it.
    pub nacked: usize,
    /// Streams whose client has an older version.
    pub older: usize,
    /// Connected streams.
    pub streams: usize,
}
