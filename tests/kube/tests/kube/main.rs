//! What the tests against Kubernetes stand on: a real API server that works, stops, and comes back.
//!
//! Each module is about one thing; each test's name says what is to be seen.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod accounts;
mod crds;
mod deploy;
mod documents;
mod endpoints;
mod faults;
mod programs;
mod replicas;
mod source;
mod status;
mod watches;
mod wire;
