//! Settings of the server.

use std::time::Duration;

/// How the server orders and bounds what it sends.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long a resource is held back for something that it needs and that the client has not
    /// acknowledged, before [`Event::HoldTimedOut`](crate::Event::HoldTimedOut). Then it is sent all the
    /// same if the client does not ask for what it needs; it waits on while the client owes an answer, since
    /// Envoy acknowledges clusters only when they are warm. Default: 15 s, Envoy's `initial_fetch_timeout`.
    pub ack_timeout: Duration,
    /// How long after the ACK of the last resource that stopped naming a cluster that cluster is removed:
    /// requests in flight still look it up. Default: 10 s.
    pub linger: Duration,
    /// How long a new resource that clients ask for by name (endpoints, secrets, route configurations)
    /// counts as part of its revision although a client has not asked for it yet. Default: 1 s.
    pub subscribe_wait: Duration,
    /// A response is closed when its bodies exceed this many bytes; state-of-the-world responses that must
    /// be complete are not split. Default: 2 MiB.
    pub max_response_bytes: usize,
    /// The most resources, removals included, in a response that may be split. Default: 4096.
    pub max_response_resources: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ack_timeout: Duration::from_secs(15),
            linger: Duration::from_secs(10),
            subscribe_wait: Duration::from_secs(1),
            max_response_bytes: 2 << 20,
            max_response_resources: 4096,
        }
    }
}
