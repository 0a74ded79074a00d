//! Incremental against full builds: whatever the way to a state, the state is the same.

mod auth;
mod endpoints;
mod fields;
mod groups;
mod limits;
mod neighbours;
mod oracle;
mod portals;
mod previews;
mod protection;
mod regressions;
mod request;
mod rivals;
mod secrets;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use nuncio_api::{Defaults, Object, ObjectId, parse};
use nuncio_ir::{Delta, Model, Pem};
use proptest::prelude::*;

use super::World;
use crate::context::{Fallback, Settings};
use crate::endpoints::Topology;
use crate::preview::REMEMBERED;

/// A pool of objects that hang together: each name in several versions, of which a state has one or none.
const POOL: &str = include_str!("tests/pool.yaml");

static VERSIONS: LazyLock<Vec<(ObjectId, Vec<Arc<Object>>)>> = LazyLock::new(|| {
    let mut versions: BTreeMap<ObjectId, Vec<Arc<Object>>> = BTreeMap::new();
    for object in objects(&with_certificates(POOL)) {
        versions.entry(object.id.clone()).or_default().push(Arc::new(object));
    }
    versions.into_iter().collect()
});

fn with_certificates(text: &str) -> String {
    let made = rcgen::generate_simple_self_signed(vec!["*.example.com".to_owned(), "example.org".to_owned()]).unwrap();
    let indent = |pem: String| pem.trim().replace('\n', "\n    ");
    text.replace("<CERT>", &indent(made.cert.pem())).replace("<KEY>", &indent(made.signing_key.serialize_pem()))
}

fn objects(text: &str) -> Vec<Object> {
    let parsed = parse(text.as_bytes(), &"pool.yaml".into(), &Defaults::default());
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
    parsed.objects
}

fn world() -> World {
    world_at(&Topology::default())
}

fn world_at(topology: &Topology) -> World {
    World::new(settings(topology))
}

fn settings(topology: &Topology) -> Settings {
    let fallback = Fallback { chain: Pem("chain".into()), key: Pem("key".into()) };
    Settings {
        ambassador_id: "default".to_owned(),
        namespace: "default".into(),
        fallback_certificate: fallback,
        bind_address: std::net::Ipv4Addr::UNSPECIFIED.into(),
        probe_log: Some("/run/probes.log".into()),
        limit_socket: Some("/run/limits.sock".into()),
        authz: Some(nuncio_ir::Discovery::Unix("/run/authz.sock".into())),
        topology: topology.clone(),
        route_stats: true,
        cors: None,
        makes_preview_keys: false,
    }
}

/// A model that follows by deltas alone, as an Envoy does.
fn follow(model: &mut Model, delta: Delta) {
    fn each<K: Ord, V>(nodes: &mut BTreeMap<K, Arc<V>>, changes: Vec<(K, Option<Arc<V>>)>) {
        for (key, value) in changes {
            match value {
                Some(value) => drop(nodes.insert(key, value)),
                None => assert!(nodes.remove(&key).is_some(), "what is removed was there"),
            }
        }
    }
    each(&mut model.listeners, delta.listeners);
    each(&mut model.tables, delta.tables);
    each(&mut model.clusters, delta.clusters);
    each(&mut model.endpoints, delta.endpoints);
    each(&mut model.secrets, delta.secrets);
    each(&mut model.limits, delta.limits);
    each(&mut model.extensions, delta.extensions);
    each(&mut model.rule_sets, delta.rule_sets);
    each(&mut model.filters, delta.filters);
}

/// What must hold of every model.
fn check(model: &Model) {
    for table in model.tables.values() {
        for cluster in table.clusters() {
            assert!(model.clusters.contains_key(&cluster), "{} names {cluster}", table.name);
        }
        for set in table.rule_sets() {
            assert!(model.rule_sets.contains_key(&set), "{} names {set}", table.name);
        }
        for host in &table.hosts {
            assert!(host.falls_through || !host.routes.is_empty());
            let names: std::collections::BTreeSet<_> = host.routes.iter().map(|route| &route.name).collect();
            assert_eq!(names.len(), host.routes.len(), "route names of {} are unique", host.name);
        }
        let domains: Vec<_> = table.hosts.iter().flat_map(|host| &host.domains).collect();
        let unique: std::collections::BTreeSet<_> = domains.iter().collect();
        assert_eq!(domains.len(), unique.len(), "domains of {} are unique", table.name);
    }
    for (name, cluster) in &model.clusters {
        let by_endpoints = matches!(cluster.discovery, nuncio_ir::Discovery::Endpoints);
        assert_eq!(by_endpoints, model.endpoints.contains_key(name), "{name}");
        for secret in cluster.tls.iter().flat_map(|tls| tls.certificate.iter().chain(&tls.authorities)) {
            assert!(model.secrets.contains_key(secret), "{name} names {secret}");
        }
    }
    for extension in model.extensions.values() {
        for cluster in extension.clusters() {
            assert!(model.clusters.contains_key(&cluster), "{} names {cluster}", extension.slot);
        }
    }
    for endpoints in model.endpoints.values() {
        let addresses: std::collections::BTreeSet<_> = endpoints.endpoints.iter().map(|it| it.address).collect();
        assert_eq!(addresses.len(), endpoints.endpoints.len(), "each address once: {endpoints:?}");
        let ranks: std::collections::BTreeSet<_> = endpoints.endpoints.iter().map(|it| it.rank).collect();
        assert!(ranks.into_iter().eq(0..endpoints.endpoints.iter().map(|it| it.rank + 1).max().unwrap_or(0)));
        if model.clusters[&endpoints.cluster].by_zone_shares {
            let shared =
                |it: &nuncio_ir::Endpoint| endpoints.shares.contains_key(it.zone.as_deref().unwrap_or_default());
            assert!(endpoints.endpoints.iter().all(shared), "a zone without a share gets nothing: {endpoints:?}");
        }
    }
    for listener in model.listeners.values() {
        for cluster in listener.clusters() {
            assert!(model.clusters.contains_key(&cluster), "{} names {cluster}", listener.name);
        }
        for tls in listener.chains.iter().filter_map(|chain| chain.tls.as_ref()) {
            assert!(model.secrets.contains_key(&tls.certificate));
        }
    }
}

fn topologies() -> impl Strategy<Value = Topology> {
    let (zone, node) = (Some("a".into()), Some("n2".into()));
    prop::sample::select(vec![
        Topology::Ignore,
        Topology::Hints { zone: zone.clone(), node: None },
        Topology::Hints { zone, node },
        Topology::Zone("b".into()),
        Topology::Shares { zone: "a".into(), percent: 80 },
    ])
}

/// The time after which hosts of deleted previews, the one thing that depends on the way, say no more that they ended.
fn forget_ended(world: &mut World) -> Delta {
    world.set_time(REMEMBERED);
    world.apply([])
}

/// A step: object, and which of its versions (or none).
fn steps() -> impl Strategy<Value = Vec<(usize, usize)>> {
    prop::collection::vec((0..VERSIONS.len(), 0..4_usize), 1..60)
}

fn pick(at: usize, version: usize) -> (ObjectId, Option<Arc<Object>>) {
    let (id, versions) = &VERSIONS[at];
    (id.clone(), versions.get(version).cloned())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_way_to_a_state_gives_the_same_model(
        steps in steps(),
        batch in 1..5_usize,
        topology in topologies(),
        previews_keep_up in any::<bool>(),
    ) {
        let mut incremental = world_at(&topology);
        let mut followed = Model::default();
        let mut state: BTreeMap<ObjectId, Option<Arc<Object>>> = BTreeMap::new();
        for changes in steps.chunks(batch) {
            let changes: Vec<_> = changes.iter().map(|(at, version)| pick(*at, *version)).collect();
            state.extend(changes.iter().cloned());
            follow(&mut followed, incremental.apply_ahead(changes));
            check(incremental.model());
            if previews_keep_up {
                follow(&mut followed, incremental.follow());
                check(incremental.model());
            }
        }
        let mut full = world_at(&topology);
        // The other way round: the order of objects is nothing.
        full.apply(state.into_iter().rev());
        forget_ended(&mut full);
        follow(&mut followed, forget_ended(&mut incremental));
        prop_assert_eq!(full.model(), incremental.model());
        prop_assert_eq!(&followed, incremental.model());
        let ids: Vec<_> = full.objects().map(|object| object.id.clone()).collect();
        for id in ids {
            prop_assert_eq!(full.problems(&id), incremental.problems(&id), "{}", id);
        }
    }

    #[test]
    fn nothing_is_left_of_a_world_that_is_gone(steps in steps()) {
        let mut world = world();
        world.apply(steps.iter().map(|(at, version)| pick(*at, *version)));
        world.apply(VERSIONS.iter().map(|(id, _)| (id.clone(), None)));
        let mut empty = self::world();
        empty.apply([]);
        prop_assert_eq!(world.model(), empty.model());
    }

    #[test]
    fn quarantine_and_release_leave_no_trace(steps in steps(), which in 0..64_usize) {
        let mut world = world();
        world.apply(steps.iter().map(|(at, version)| pick(*at, *version)));
        let before = world.model().clone();
        let id = VERSIONS[which % VERSIONS.len()].0.clone();
        world.quarantine(&id, "refused");
        check(world.model());
        world.release(&id);
        prop_assert_eq!(world.model(), &before);
    }
}

#[test]
fn a_change_to_one_route_touches_one_table() {
    let mut world = world();
    world.apply(VERSIONS.iter().map(|(id, versions)| (id.clone(), versions.first().cloned())));
    let (id, versions) = VERSIONS.iter().find(|(id, _)| *id.name == *"cart").unwrap();
    let delta = world.apply([(id.clone(), versions.get(1).cloned())]);
    let tables: Vec<_> = delta.tables.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(tables, ["a.example.com"]);
    assert!(delta.listeners.is_empty());
    assert!(world.apply([(id.clone(), versions.get(1).cloned())]).is_empty(), "equal is no change");
}
