//! Envoy takes everything that comes out.

use nuncio_ir::ResourceType;
use serde_json::{Value, json};

use super::{envoy, world};
use crate::{Ads, Bootstrap, bootstrap};

fn bootstrap_file() -> Value {
    let file = bootstrap(&Bootstrap {
        node_id: "n".to_owned(),
        node_cluster: "edge".to_owned(),
        admin: "/tmp/none.sock".into(),
        ads: Ads::Unix("/tmp/none-xds.sock".into()),
        max_heap_bytes: None,
        max_connections: Some(100),
    });
    serde_json::from_str(&file).unwrap()
}

/// Endpoints, routes and secrets where listeners and clusters name them.
#[test]
fn without_controller() {
    let mut file = bootstrap_file();
    file["dynamic_resources"].take();
    file["static_resources"] = world::full().without_controller();
    envoy::validate(&file.to_string());
}

/// Clusters and listeners as they are, with all that they ask the controller for.
#[test]
fn with_controller() {
    let world = world::full();
    let mut file = bootstrap_file();
    let clusters = file["static_resources"]["clusters"].as_array_mut().unwrap();
    clusters.extend(world.json(ResourceType::Cluster));
    file["static_resources"]["listeners"] = json!(world.json(ResourceType::Listener));
    envoy::validate(&file.to_string());
}
