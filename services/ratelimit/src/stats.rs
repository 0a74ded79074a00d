//! What is counted, and under which names.

mod expvar;
mod mapper;
mod mogrify;
mod names;
mod prometheus;
mod recent;
mod registry;
mod seen;
mod service;
mod statsd;
mod template;
mod timing;

pub use expvar::expvar;
pub use mapper::Mapper;
pub use mogrify::Mogrifier;
pub use prometheus::{Exposition, prometheus};
pub(crate) use registry::add;
pub use registry::{Registry, RuleStats};
pub use service::{PoolStats, ServiceStats};
pub use statsd::{Sink, StatsdTarget};
pub use timing::Timing;
