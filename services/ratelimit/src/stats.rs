//! What is counted, and under which names.

mod expvar;
mod names;
mod prometheus;
mod registry;
mod statsd;

pub use expvar::expvar;
pub use prometheus::prometheus;
pub(crate) use registry::add;
pub use registry::{Registry, RuleStats, ServiceStats, Timing};
pub use statsd::{Sink, StatsdTarget};
