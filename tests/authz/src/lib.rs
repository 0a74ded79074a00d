//! What tests of the authentication service share: the service, an Envoy in front of it, an upstream that tells what it was
//! sent, a real identity provider, and a browser of few words.
// A helper that cannot go on fails the test by panicking, as an assertion does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc)]

mod browser;
mod evil;
mod gateway;
mod issuer;
mod provider;
mod redis;
mod service;
mod upstream;

pub use browser::{Browser, Page};
pub use evil::{Evil, EvilProvider};
pub use gateway::Gateway;
pub use issuer::Issuer;
pub use provider::Provider;
pub use redis::Redis;
pub use service::Service;
pub use upstream::Upstream;

use nuncio_test_support::own_address;

/// A port of an address of its own.
fn free_address() -> String {
    let address = own_address();
    let listener = std::net::TcpListener::bind((address, 0)).expect("a free port");
    listener.local_addr().expect("an address").to_string()
}
