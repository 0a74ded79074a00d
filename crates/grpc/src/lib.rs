//! Servers of gRPC for what Envoys ask all the time: one method of one message and its reply, and beside it whether the
//! service is well. What is seldom asked is left to tonic.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod connection;
mod service;
mod stream;
mod turn;
mod unary;
mod workers;

pub use hyper::body::Incoming;
pub use service::{Service, health};
pub use unary::{Reply, receive, response};
pub use workers::{Setup, Tls, Workers, threads};
