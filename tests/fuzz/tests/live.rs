//! A real Envoy takes whatever random worlds become: none of it is refused.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use arbitrary::Unstructured;
use nuncio_controller::{ChangeKind, Config, Decider, Event, LeaseTimes, Manifests, XdsAddress};
use nuncio_envoy::{Ads, Bootstrap, bootstrap};
use nuncio_fuzz::{World, case};
use nuncio_telemetry::{Health, Metrics};
use serde_json::{Value, json};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Ports that the worlds share.
const PORTS: usize = 6;

/// How long a world may take until Envoy has all of it.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn worlds() {
    let count = parsed_env("NUNCIO_FUZZ_WORLDS").unwrap_or(200);
    let first = parsed_env("NUNCIO_FUZZ_SEED").unwrap_or(0);
    let mut gateway = Gateway::start().await;
    let mut refusals = Vec::new();
    for seed in first..first + count {
        let world = World::arbitrary(&mut Unstructured::new(&case(seed)), &gateway.ports).unwrap();
        for (resource, message) in gateway.take(seed, &world).await {
            refusals.push(format!("world {seed}: {resource}: {message}"));
        }
    }
    assert!(
        refusals.is_empty(),
        "Envoy refused (repeat one by NUNCIO_FUZZ_SEED and NUNCIO_FUZZ_WORLDS=1):\n{}",
        refusals.join("\n")
    );
}

/// A controller and an authentication service in this process with an Envoy.
struct Gateway {
    envoy: Child,
    directory: tempfile::TempDir,
    events: Receiver<Event>,
    stop: CancellationToken,
    ports: Vec<u16>,
    current: Option<PathBuf>,
    /// The newest revision that Envoy has.
    live: u64,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop.cancel();
        let _ = self.envoy.kill();
        let _ = self.envoy.wait();
    }
}

impl Gateway {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("manifests")).unwrap();
        let (sender, events) = tokio::sync::mpsc::channel(1024);
        let stop = CancellationToken::new();
        let config = Config {
            manifests: Manifests::Directory(at("manifests")),
            ambassador_id: "default".to_owned(),
            namespace: "default".to_owned(),
            expand_environment: false,
            topology: nuncio_controller::Topology::default(),
            bind_address: Ipv4Addr::LOCALHOST.into(),
            xds: XdsAddress::Unix(at("xds.sock")),
            admin: tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap(),
            admin_names: Vec::new(),
            admin_tokens: Vec::new(),
            peers: Vec::new(),
            allow_edits: false,
            route_stats: false,
            allow_previews: false,
            tunnels: None,
            audit: None,
            envoy_admin: None,
            limiter: None,
            authz: Some(Decider::Elsewhere(format!("unix:{}", at("authz.sock").display()).parse().unwrap())),
            status: None,
            drain_time: Duration::ZERO,
            lease: LeaseTimes::default(),
            webhook: None,
            portal_origins: nuncio_controller::PortalOrigins::default(),
            portal_audiences: Vec::new(),
            identity_keys: None,
            secrets: nuncio_controller::Secrets::default(),
            health: Health::default(),
        };
        tokio::spawn(nuncio_controller::run(config, stop.clone(), sender));
        let authz = nuncio_authz::embedded(&at("xds.sock"), &at("authz.sock"), None).unwrap();
        let authz = nuncio_authz::Service::new(authz).await.unwrap();
        tokio::spawn(authz.run(Metrics::of_part(), stop.clone()));
        let envoy = start_envoy(&directory.path().join("envoy.json"), at("admin.sock"), at("xds.sock"));
        let mut gateway = Self { envoy, ports: free_ports(), events, stop, current: None, live: 0, directory };
        gateway.wait(|event| matches!(event, Event::EnvoyConnected { .. }), &mut Vec::new()).await;
        gateway
    }

    /// Replaces the world, and returns what Envoy refuses of it.
    async fn take(&mut self, seed: u64, world: &World) -> Vec<(String, String)> {
        let directory = self.directory.path().join("manifests");
        let (scratch, file) = (directory.join(".next"), directory.join(format!("world-{seed}.yaml")));
        fs::write(&scratch, format!("{}---\n{}\n", world.yaml(), marker(seed))).unwrap();
        if let Some(last) = self.current.replace(file.clone()) {
            fs::remove_file(last).unwrap();
        }
        fs::rename(scratch, file).unwrap();

        let mut refusals = Vec::new();
        let name = marker_name(seed);
        let added = |event: &Event| match event {
            Event::Changed { objects, revision } => {
                let ours = objects.iter().any(|(id, kind)| *id.name == *name && *kind == ChangeKind::Added);
                ours.then_some(revision.unwrap_or(0))
            }
            _ => None,
        };
        let event = self.wait(|event| added(event).is_some(), &mut refusals).await;
        let revision = added(&event).unwrap();
        while self.live < revision {
            self.wait(|event| matches!(event, Event::Live { .. }), &mut refusals).await;
        }
        assert!(self.envoy.try_wait().unwrap().is_none(), "Envoy is gone with world {seed}");
        refusals
    }

    /// The next event that is `wanted`; what Envoy refuses until then goes to `refusals`.
    async fn wait(&mut self, wanted: impl Fn(&Event) -> bool, refusals: &mut Vec<(String, String)>) -> Event {
        loop {
            let event = timeout(PATIENCE, self.events.recv()).await.expect("nothing happens any more").unwrap();
            match &event {
                Event::Live { revision, .. } => self.live = *revision,
                Event::Nacked { resource, message, objects } => {
                    refusals.push((resource.clone(), format!("{message} ({objects:?})")));
                }
                _ => {}
            }
            if wanted(&event) {
                return event;
            }
        }
    }
}

fn start_envoy(file: &Path, admin: PathBuf, xds: PathBuf) -> Child {
    let text = bootstrap(&Bootstrap {
        node_id: "fuzz".to_owned(),
        node_cluster: "fuzz".to_owned(),
        admin,
        ads: Ads::Unix(xds),
        max_heap_bytes: None,
        max_connections: None,
    });
    fs::write(file, text).unwrap();
    let binary = std::env::var_os("NUNCIO_ENVOY")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/bin/envoy"), PathBuf::from);
    Command::new(&binary)
        .args(["--disable-hot-restart", "--concurrency", "1", "-l", "critical", "-c"])
        .arg(file)
        .spawn()
        .unwrap_or_else(|error| {
            panic!("no Envoy at {}: {error}; set NUNCIO_ENVOY or run `make test`", binary.display())
        })
}

/// An object that serves nothing, by which the world is known to have been read.
fn marker(seed: u64) -> Value {
    json!({"apiVersion": "getambassador.io/v3alpha1", "kind": "KubernetesServiceResolver",
        "metadata": {"name": marker_name(seed)}, "spec": {}})
}

fn marker_name(seed: u64) -> String {
    format!("world-{seed}")
}

/// Ports that nobody has now.
fn free_ports() -> Vec<u16> {
    let held: Vec<_> = (0..PORTS).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect();
    held.iter().map(|listener| listener.local_addr().unwrap().port()).collect()
}

fn parsed_env(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}
