//! The ports: gRPC, HTTP, debugging, metrics.

mod deadline;
mod debug;
mod grpc;
mod health;
mod http;
mod json;
mod listen;
mod prometheus;

pub(crate) use debug::debug;
pub(crate) use grpc::Service;
pub(crate) use health::{Component, Health};
pub(crate) use http::http;
pub(crate) use listen::{bind, bind_unix, serve};
pub(crate) use prometheus::prometheus;
