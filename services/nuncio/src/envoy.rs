//! The Envoy beside the controller: finding it, starting it, keeping it alive, and stopping it gently.

mod backoff;
mod binary;
mod child;
mod drain;
mod log;
mod runtime_dir;
mod supervisor;

pub(crate) use self::backoff::Backoff;
pub(crate) use self::binary::{Binary, ENVOY_VERSION};
pub(crate) use self::child::become_envoy;
pub(crate) use self::runtime_dir::RuntimeDir;
pub(crate) use self::supervisor::{Launch, Supervisor};
