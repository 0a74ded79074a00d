//! What the end-to-end tests need: the real binary with a real Envoy, backends that say what they got, clients of every
//! protocol, and a place of its own for each test.
//!
//! Nothing here knows the product's crates: tests meet it as users do, by its command line, files, ports and diagnostics.
//!
//! A test begins with a [`Site`]: a private directory and a private loopback address, on which it may use any
//! port. It writes manifests there, starts a [`Gateway`], and asks it with a [`Client`].
// A helper that cannot go on fails the test by panicking, as an assertion does.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod admin;
pub mod backend;
mod client;
mod envoy;
pub mod forge;
mod gateway;
mod load;
mod site;
mod tools;
pub mod yaml;

pub use admin::Admin;
pub use client::{Ask, Client, Connection, Failure, Protocol, Reply, Tls, get};
pub use envoy::Envoy;
pub use gateway::{Controller, Gateway};
pub use load::{Load, Outcome};
pub use nuncio_test_support::{
    Authority, DEADLINE, Identity, Process, eventually, in_namespaces, keep_secret, processes_of, within,
};
pub use site::Site;
pub use tools::{envoy, nuncio};
