//! What tests of the rate limit service share: real Redis servers, the service, and envoyproxy/ratelimit beside it.

mod collector;
mod generate;
mod process;
mod redis;
mod service;

pub use collector::Collector;
pub use generate::{Domain, Generator, RESET_HEADER, RoundSettings};
pub use process::{Process, free_port};
pub use redis::{Monitor, Redis, call};
pub use service::{Client, Service, Which, descriptor, request};
