//! Where the CPU time of a cold build goes: the same steps, in this process.

use std::net::Ipv4Addr;
use std::sync::Arc;

use nuncio_api::{Defaults, parse};
use nuncio_envoy::{cluster, endpoints, listener, secret, table};
use nuncio_ir::Pem;
use nuncio_test_support::usage::own_cpu;
use nuncio_translate::{Fallback, Settings, Topology, World};

use crate::fleet::{Fleet, file};

/// Parsing, translating and encoding, in words.
pub(super) fn measure(fleet: Fleet) -> String {
    let texts: Vec<_> = (0..fleet.names()).map(|index| (file(index).into(), fleet.text(index, "0"))).collect();
    let edge = nuncio_e2e::yaml::documents(&[
        nuncio_e2e::yaml::listener("http", 8080, "HTTP"),
        nuncio_e2e::yaml::host("any", "*.bench.example"),
    ]);
    let texts: Vec<_> = texts.into_iter().chain([("edge.yaml".into(), edge)]).collect();

    let start = own_cpu();
    let defaults = Defaults::default();
    let parsed: Vec<_> = texts.iter().map(|(file, text)| parse(text.as_bytes(), file, &defaults)).collect();
    let parsing = own_cpu() - start;

    let start = own_cpu();
    let mut world = World::new(settings());
    let objects = parsed.into_iter().flat_map(|parsed| parsed.objects);
    world.apply(objects.map(|object| (object.id.clone(), Some(Arc::new(object)))));
    let translating = own_cpu() - start;

    let start = own_cpu();
    let model = world.model();
    let mut bytes = 0;
    let clusters = model.clusters.values().map(|node| cluster(node));
    let endpoints = model.endpoints.values().map(|node| endpoints(node));
    let secrets = model.secrets.values().map(|node| secret(node));
    let listeners = model.listeners.values().map(|node| listener(node));
    let tables = model.tables.values().flat_map(|node| table(node));
    for resource in clusters.chain(endpoints).chain(secrets).chain(listeners).chain(tables) {
        bytes += resource.body.len();
    }
    let encoding = own_cpu() - start;
    format!(
        "parse {:.2} s, translate {:.2} s, encode {:.2} s ({} MB)",
        parsing.as_secs_f64(),
        translating.as_secs_f64(),
        encoding.as_secs_f64(),
        bytes / 1_000_000,
    )
}

fn settings() -> Settings {
    Settings {
        ambassador_id: "default".to_owned(),
        namespace: "default".into(),
        fallback_certificate: Fallback { chain: Pem("".into()), key: Pem("".into()) },
        bind_address: Ipv4Addr::LOCALHOST.into(),
        probe_log: None,
        makes_preview_keys: false,
        limit_socket: Some("/run/limits.sock".into()),
        authz: Some(nuncio_ir::Discovery::Unix("/run/authz.sock".into())),
        topology: Topology::default(),
        route_stats: false,
        cors: None,
    }
}
