//! The ports: gRPC, HTTP, debugging, metrics.

mod debug;
mod grpc;
mod health;
mod http;
mod json;
mod listen;
mod prometheus;

pub(crate) use debug::debug;
pub(crate) use grpc::{Workers, WorkersSetup};
pub(crate) use health::{Component, Health};
pub(crate) use http::http;
pub(crate) use listen::{bind, bind_unix, serve};
pub(crate) use prometheus::prometheus;
