//! A model client under random changes, delays, rejections and reconnections: at no time does it have a
//! route whose clusters or endpoints it lacks, and in the end it has what the store has.

mod client;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use nuncio_xds::{Event, Key, Options, Protocol, Resource, ResourceType};
use proptest::prelude::*;

use self::client::Client;
use crate::rig::*;

#[derive(Debug, Clone)]
enum Op {
    /// A route that names these clusters, which are added where missing.
    Route {
        route: u8,
        clusters: BTreeSet<u8>,
        bad: bool,
    },
    DropRoute(u8),
    /// Two routes change in one update: one names these clusters, the other some of them or is removed.
    Move {
        to: u8,
        from: u8,
        clusters: BTreeSet<u8>,
        drop: bool,
    },
    Cluster {
        cluster: u8,
        bad: bool,
    },
    Endpoints(u8),
    /// Clusters that no route names are removed.
    Prune,
    Step(usize),
    StepAll,
    Pass(u64),
    Reconnect(usize),
    Again {
        client: usize,
        cluster: u8,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let clusters = proptest::collection::btree_set(0..6u8, 0..4);
    let clusters_moved = proptest::collection::btree_set(0..6u8, 1..4);
    prop_oneof![
        4 => (0..5u8, clusters, proptest::bool::weighted(0.1)).prop_map(|(route, clusters, bad)| Op::Route { route, clusters, bad }),
        1 => (0..5u8).prop_map(Op::DropRoute),
        3 => (0..5u8, 0..5u8, clusters_moved, any::<bool>()).prop_map(|(to, from, clusters, drop)| Op::Move { to, from, clusters, drop }),
        2 => (0..6u8, proptest::bool::weighted(0.3)).prop_map(|(cluster, bad)| Op::Cluster { cluster, bad }),
        1 => (0..6u8).prop_map(Op::Endpoints),
        3 => Just(Op::Prune),
        8 => (0..3usize).prop_map(Op::Step),
        2 => Just(Op::StepAll),
        2 => (1..20u64).prop_map(Op::Pass),
        1 => (0..3usize).prop_map(Op::Reconnect),
        1 => (0..3usize, 0..6u8).prop_map(|(client, cluster)| Op::Again { client, cluster }),
    ]
}

fn table(route: u8) -> Vec<Key> {
    let name = format!("r{route}");
    vec![key(Route, &name), key(ScopedRoute, &name)]
}

/// The store as it should be, the machine, and its clients.
struct World {
    rig: Rig,
    clients: Vec<Client>,
    store: BTreeMap<Key, Resource>,
    version: u32,
}

impl World {
    fn new(partial: bool) -> Self {
        let options = Options {
            // Clients may take their time: a hold given up would break what is to be shown.
            ack_timeout: Duration::from_secs(1 << 40),
            max_response_resources: 3,
            ..Options::default()
        };
        let mut rig = Rig::new(options);
        let protocols = [Protocol::Delta, Protocol::StateOfTheWorld, Protocol::Delta];
        let clients = protocols.map(|protocol| Client::connect(&mut rig, protocol, partial)).into();
        let mut world = Self { rig, clients, store: BTreeMap::new(), version: 0 };
        world.change(vec![resource(Listener, "edge", "1", &[])], vec![]);
        world
    }

    fn next_version(&mut self, bad: bool) -> String {
        self.version += 1;
        format!("{}{}", if bad { "bad" } else { "" }, self.version)
    }

    fn change(&mut self, set: Vec<Resource>, remove: Vec<Key>) {
        for key in &remove {
            self.store.remove(key);
        }
        self.store.extend(set.iter().map(|resource| (resource.key.clone(), resource.clone())));
        self.rig.update(set, remove);
        self.dispatch();
    }

    fn dispatch(&mut self) {
        for (id, response) in std::mem::take(&mut self.rig.sent) {
            if let Some(client) = self.clients.iter_mut().find(|client| client.id == id) {
                client.inbox.push_back(response);
            }
        }
    }

    fn run(&mut self, op: Op) {
        match op {
            Op::Route { route, clusters, bad } => self.put_route(route, &clusters, bad),
            Op::DropRoute(route) => self.change(vec![], table(route)),
            Op::Move { to, from, clusters, drop } => self.move_clusters(to, from, &clusters, drop),
            Op::Cluster { cluster, bad } => self.put(Cluster, cluster, bad),
            Op::Endpoints(cluster) => self.put(Endpoints, cluster, false),
            Op::Prune => self.prune(),
            Op::Step(client) => self.clients[client].step(&mut self.rig),
            Op::StepAll => self.clients.iter_mut().for_each(|client| client.step(&mut self.rig)),
            Op::Pass(seconds) => self.rig.pass(Duration::from_secs(seconds)),
            Op::Reconnect(client) => {
                self.dispatch();
                self.clients[client].reconnect(&mut self.rig);
            }
            Op::Again { client, cluster } => self.ask_again(client, cluster),
        }
        self.dispatch();
    }

    fn put_route(&mut self, route: u8, clusters: &BTreeSet<u8>, bad: bool) {
        let set = self.route(route, clusters, bad);
        self.change(set, vec![]);
    }

    fn move_clusters(&mut self, to: u8, from: u8, clusters: &BTreeSet<u8>, drop: bool) {
        let mut set = self.route(to, clusters, false);
        let remove = if drop && from != to { table(from) } else { vec![] };
        if !drop && from != to {
            let known: BTreeSet<_> = set.iter().map(|resource| resource.key.clone()).collect();
            let less = clusters.iter().copied().skip(1).collect();
            set.extend(self.route(from, &less, false).into_iter().filter(|resource| !known.contains(&resource.key)));
        }
        self.change(set, remove);
    }

    fn route(&mut self, route: u8, clusters: &BTreeSet<u8>, bad: bool) -> Vec<Resource> {
        let (name, mut set, mut needs) = (format!("r{route}"), vec![], vec![]);
        for cluster in clusters.iter().map(|cluster| format!("c{cluster}")) {
            for kind in [Cluster, Endpoints] {
                needs.push(key(kind, &cluster));
                if !self.store.contains_key(&key(kind, &cluster)) {
                    set.push(resource(kind, &cluster, &self.next_version(false), &[]));
                }
            }
        }
        set.push(resource(Route, &name, &self.next_version(bad), &needs));
        set.push(resource(ScopedRoute, &name, "1", &[]));
        set
    }

    fn put(&mut self, kind: ResourceType, cluster: u8, bad: bool) {
        let key = key(kind, &format!("c{cluster}"));
        if self.store.contains_key(&key) {
            let version = self.next_version(bad);
            self.change(vec![resource(kind, &key.name, &version, &[])], vec![]);
        }
    }

    fn prune(&mut self) {
        let used: BTreeSet<_> = self.store.values().flat_map(|resource| resource.needs.clone()).collect();
        let unused = self.store.keys().filter(|key| matches!(key.kind, Cluster | Endpoints) && !used.contains(key));
        let unused = unused.cloned().collect();
        self.change(vec![], unused);
    }

    /// A delta client asks again for endpoints, as Envoy does when a cluster warms anew.
    fn ask_again(&mut self, client: usize, cluster: u8) {
        let client = &self.clients[client];
        let name: Arc<str> = format!("c{cluster}").into();
        let subscribed = client.named.get(&Endpoints).is_some_and(|names| names.contains(&name));
        if client.protocol == Protocol::Delta && subscribed {
            self.rig.request(client.id, delta(Endpoints, &[&name], &[]));
        }
    }

    /// Mends what is rejected, removes what is unused, and lets everything arrive.
    fn quiesce(&mut self) -> Result<(), TestCaseError> {
        let bad: Vec<_> = self.store.values().filter(|resource| resource.version.starts_with("bad")).cloned().collect();
        let mend = |mut resource: Resource| {
            resource.version = self.next_version(false).into();
            resource
        };
        let mended = bad.into_iter().map(mend).collect();
        self.change(mended, vec![]);
        self.prune();
        for _ in 0..4 {
            while self.clients.iter().any(|client| !client.inbox.is_empty()) {
                self.run(Op::StepAll);
                self.check()?;
            }
            self.run(Op::Pass(30));
        }
        Ok(())
    }

    fn check(&self) -> Result<(), TestCaseError> {
        self.clients.iter().try_for_each(Client::check)
    }

    fn check_equal(&self) -> Result<(), TestCaseError> {
        let versions = |pairs: Vec<(&Key, &Arc<str>)>| -> BTreeMap<String, String> {
            pairs.into_iter().map(|(key, version)| (key.to_string(), version.to_string())).collect()
        };
        let store = versions(self.store.iter().map(|(key, resource)| (key, &resource.version)).collect());
        for client in &self.clients {
            let cache = versions(client.cache.iter().map(|(key, had)| (key, &had.version)).collect());
            prop_assert_eq!(&cache, &store, "{:?}", client.protocol);
        }
        for info in self.rig.machine.streams() {
            prop_assert_eq!(info.resources, self.store.len(), "{:?}", info.protocol);
        }
        let timed_out = self.rig.events.iter().any(|event| matches!(event, Event::HoldTimedOut { .. }));
        prop_assert!(!timed_out);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn clients_never_break_and_end_with_what_the_store_has(
        ops in proptest::collection::vec(op(), 1..120),
        partial in any::<bool>(),
    ) {
        let mut world = World::new(partial);
        for op in ops {
            world.run(op);
            world.check()?;
        }
        world.quiesce()?;
        world.check_equal()?;
    }
}
