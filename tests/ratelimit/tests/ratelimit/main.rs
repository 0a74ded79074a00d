//! The rate limit service, as a process of its own, with a real Redis and beside the original.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod algorithms;
mod concurrency;
mod differential;
mod doctor;
mod faults;
mod gateway;
mod topologies;
mod without_redis;
