//! The rate limit service, as a process of its own, with a real Redis and beside the original.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod algorithms;
mod bad_input;
mod compiled;
mod concurrency;
mod connections;
mod differential;
mod doctor;
mod embedded;
mod examples;
mod faults;
mod gateway;
mod logs;
mod operations;
mod per_second;
mod refusal;
mod tls;
mod topologies;
mod traces;
mod without_redis;
