//! Envoy, other proxies, and operators.

mod admin;
mod asked;
mod check;
mod grpc;
mod http_form;
mod listen;

pub(crate) use admin::router as admin;
pub(crate) use grpc::serve as grpc;
pub(crate) use http_form::router as http;
pub(crate) use listen::Listener;
