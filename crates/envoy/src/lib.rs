//! Turns the model into Envoy 1.40 resources. Pure: model in, encoded messages out.
//!
//! This is the only crate that knows Envoy's configuration messages. The layout of the resources
//! (one `RouteConfiguration` for each scope, found by the header `x-nuncio-scope`; listeners that
//! never change when a route does) is explained in `ARCHITECTURE.md`.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod auth;
mod bootstrap;
mod cluster;
mod endpoints;
mod extension;
mod header;
mod json;
mod limits;
mod listener;
mod matcher;
mod proto;
mod resource;
mod secret;
mod table;
mod tls;

#[cfg(test)]
mod tests;

pub use auth::{auth_filter, rule_set};
pub use bootstrap::{Ads, Bootstrap, bootstrap};
pub use cluster::cluster;
pub use endpoints::endpoints;
pub use extension::extension;
pub use json::{JsonError, to_json};
pub use limits::limits;
pub use listener::{listener, unbound_listener};
pub use resource::Resource;
pub use secret::secret;
pub use table::table;
