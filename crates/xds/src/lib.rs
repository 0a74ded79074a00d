//! The xDS server: it serves [`Resource`]s to Envoys over aggregated discovery streams, delta and state of
//! the world, so that no request is lost while configuration changes.
//!
//! Two layers: [`machine`] decides what to send and when, without I/O; [`Server`] is a thin gRPC shell
//! around it, on TCP or a Unix socket. The server knows nothing of what a resource says: what depends on
//! what comes with it ([`Resource::needs`]).
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod event;
pub mod machine;
mod options;
mod resource;
mod server;
mod store;

pub use event::{Counts, Delivery, Event, Hold, Node, Protocol, StreamId, StreamInfo, StreamState, Word};
pub use options::Options;
pub use resource::{Key, Resource, ResourceType, Revision, Update};
pub use server::{ServeError, Server};
