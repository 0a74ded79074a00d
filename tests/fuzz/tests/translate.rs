//! Whatever the objects, there are resources, and they do not depend on the order of the objects.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::sync::Arc;

use arbitrary::Unstructured;
use nuncio_api::{Object, Spec};
use nuncio_auth::Rules;
use nuncio_envoy::{Resource, auth_filter, cluster, endpoints, listener, rule_set, secret, table, to_json};
use nuncio_fuzz::{World, run};
use nuncio_ir::{Model, Pem, ResourceType};
use nuncio_translate::{Fallback, Settings, Topology};

#[test]
fn objects_to_resources() {
    let (mut valid, mut all) = (0, 0);
    run(|bytes| {
        let mut u = Unstructured::new(bytes);
        let objects = World::arbitrary(&mut u, &[8080, 8443, 6379]).unwrap().objects();
        let objects: Vec<_> = objects.into_iter().map(Arc::new).collect();
        all += objects.len();
        valid += objects.iter().filter(|object| !matches!(object.spec, Spec::Invalid { .. })).count();

        let at_once = settled(&objects, objects.len());
        let shuffled = shuffled(&mut u, objects);
        let step_by_step = settled(&shuffled, 1 + shuffled.len() / 4);
        assert_equal(&at_once, &step_by_step);
    });
    assert!(valid * 2 > all, "only {valid} of {all} objects are valid: this tests the parser, not the translator");
}

/// The resources when the objects come `step` at a time.
fn settled(objects: &[Arc<Object>], step: usize) -> BTreeMap<String, String> {
    let mut world = nuncio_translate::World::new(settings());
    for some in objects.chunks(step.max(1)) {
        world.apply(some.iter().map(|object| (object.id.clone(), Some(Arc::clone(object)))));
    }
    for object in objects {
        let _ = world.problems(&object.id);
    }
    resources(world.model()).iter().map(shown).collect()
}

fn resources(model: &Model) -> Vec<Resource> {
    let clusters = model.clusters.values().map(|node| cluster(node));
    let endpoints = model.endpoints.values().map(|node| endpoints(node));
    let secrets = model.secrets.values().map(|node| secret(node));
    let listeners = model.listeners.values().map(|node| listener(node));
    let tables = model.tables.values().flat_map(|node| table(node));
    // What the authentication service is sent it has to take.
    let sets = model.rule_sets.values().inspect(|set| drop(Rules::new(set).unwrap())).map(|node| rule_set(node));
    let filters = model.filters.values().map(|node| auth_filter(node));
    clusters.chain(endpoints).chain(secrets).chain(listeners).chain(tables).chain(sets).chain(filters).collect()
}

fn shown(resource: &Resource) -> (String, String) {
    let json = match resource.kind {
        ResourceType::RuleSet | ResourceType::AuthFilter => serde_json::from_slice(&resource.body).unwrap(),
        kind => to_json(kind.type_url(), &resource.body).unwrap(),
    };
    (format!("{:?} {}", resource.kind, resource.name), format!("{} {json:#}", resource.version))
}

fn shuffled(u: &mut Unstructured<'_>, mut objects: Vec<Arc<Object>>) -> Vec<Arc<Object>> {
    for index in (1..objects.len()).rev() {
        objects.swap(index, u.int_in_range(0..=index).unwrap());
    }
    objects
}

fn assert_equal(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>) {
    let names = |all: &BTreeMap<String, String>| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(one), names(other), "other resources in another order");
    for (name, resource) in one {
        assert_eq!(resource, &other[name], "{name} depends on the order");
    }
}

fn settings() -> Settings {
    Settings {
        ambassador_id: "default".to_owned(),
        namespace: "default".into(),
        fallback_certificate: Fallback { chain: Pem("chain".into()), key: Pem("key".into()) },
        bind_address: [127, 0, 0, 1].into(),
        probe_log: None,
        makes_preview_keys: false,
        limit_socket: Some("/run/limits.sock".into()),
        authz: Some(nuncio_ir::Discovery::Unix("/run/authz.sock".into())),
        topology: Topology::default(),
        route_stats: false,
        cors: None,
    }
}
