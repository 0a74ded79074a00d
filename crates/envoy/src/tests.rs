//! What comes out for what goes in, and that Envoy takes it.

mod bootstraps;
mod build;
mod clusters;
mod deprecated;
mod envoy;
mod forwards;
mod listeners;
mod live;
mod matches;
mod previews;
mod revision;
mod secrets;
mod tables;
mod validate;
mod world;

use serde_json::Value;

use crate::{Resource, to_json};

/// `resource` as people see it.
fn json(resource: &Resource) -> Value {
    to_json(resource.kind.type_url(), &resource.body).unwrap()
}
