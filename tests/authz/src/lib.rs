//! What tests of the authentication service share: the service, an Envoy in front of it, an upstream that tells what it was
//! sent, a real identity provider, and a browser of few words.
// A helper that cannot go on fails the test by panicking, as an assertion does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc)]

mod browser;
mod collector;
mod evil;
mod gateway;
mod issuer;
mod keycloak;
mod nginx;
mod provider;
mod redis;
mod service;
mod upstream;

pub use browser::{Browser, Page};
pub use collector::{Collector, Span};
pub use evil::{Asked, Evil, EvilProvider};
pub use gateway::{Gateway, rule_set};
pub use issuer::Issuer;
pub use keycloak::Keycloak;
pub use nginx::Nginx;
pub use provider::Provider;
pub use redis::{Redis, Sentinel};
pub use service::{Decider, Service};
pub use upstream::Upstream;

use std::path::PathBuf;

use http::HeaderMap;
pub use nuncio_test_support::keep_secret;
use nuncio_test_support::{keep_secret_of, own_address};

/// A key for `ES256`: the private half in PEM, and the public one as a provider is told of it.
#[must_use]
pub fn signing_key() -> (String, serde_json::Value) {
    let pem = nuncio_test_support::Authority::new("client").issue(&["client"]).key;
    let public = nuncio_auth::jwt::Signer::new("ES256", &pem).and_then(|signer| signer.public_key()).unwrap();
    (pem, public)
}

/// Has what headers of a request or an answer hold count as secret.
fn keep_secrets_of(headers: &HeaderMap) {
    headers.iter().for_each(|(name, value)| keep_secret_of(name.as_str(), value.to_str().unwrap_or_default()));
}

/// Gives a file another content, all at once.
pub fn replace(file: &std::path::Path, text: &str) {
    let new = file.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, file).unwrap();
}

/// A port of an address of its own.
#[must_use]
pub fn free_address() -> String {
    let address = own_address();
    let listener = std::net::TcpListener::bind((address, 0)).expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

/// A program of ours: beside the one that asks, or one directory up from a test.
fn program(name: &str) -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let mut found = here.ancestors().skip(1).take(2).map(|directory| directory.join(name));
    found.find(|path| path.is_file()).unwrap_or_else(|| panic!("{name} is missing: cargo build --workspace"))
}
