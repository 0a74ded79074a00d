//! An engine, and a shop for it: what tests begin with.

use std::time::Instant;

use nuncio_translate::{Settings, Topology, World};
use nuncio_xds::{Options, Server};

use super::Engine;
use crate::files::Files;
use crate::metrics::Metrics;
use crate::source::{Content, FileChange};
use crate::{fallback, run::defaults};

/// A Listener, a Host, and a Mapping to the cart.
const SHOP: &str = "\
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: http}
spec: {port: 8080, protocol: HTTP, securityModel: XFP, hostBinding: {namespace: {from: ALL}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: shop}
spec: {hostname: shop.example, requestPolicy: {insecure: {action: Route}}}
---
apiVersion: getambassador.io/v3alpha1
kind: Mapping
metadata: {name: cart}
spec: {hostname: shop.example, prefix: /cart/, service: cart}
---
";

/// A preview of the shop in which another cart answers.
pub(crate) const PREVIEW: &str = "\
apiVersion: nuncio.dev/v1alpha1
kind: PreviewPolicy
metadata: {name: previews}
spec: {domain: pre.example, namespaces: [default], hosts: ['shop.example'], access: [Public]}
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: cart-42}
spec: {ports: [{port: 80}]}
---
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {name: previews}
spec: {hostname: '*.pre.example', requestPolicy: {insecure: {action: Route}}}
---
apiVersion: nuncio.dev/v1alpha1
kind: Preview
metadata: {name: pr-42}
spec:
  services: [{baseline: cart, backend: cart-42}]
  entrypoints: [{name: web, host: shop.example}]
  access: {mode: Public}
";

/// The shop and its preview.
pub(crate) fn previewed_shop() -> String {
    format!("{SHOP}{PREVIEW}")
}

pub(crate) fn settings() -> Settings {
    Settings {
        ambassador_id: "default".to_owned(),
        namespace: "default".into(),
        fallback_certificate: fallback::certificate().unwrap(),
        bind_address: std::net::Ipv4Addr::UNSPECIFIED.into(),
        probe_log: None,
        makes_preview_keys: false,
        limit_socket: None,
        authz: None,
        topology: Topology::default(),
        route_stats: false,
        cors: None,
    }
}

pub(crate) fn engine() -> Engine {
    let (server, _) = Server::new(Options::default());
    Engine::new(Files::new(defaults("default", false)), World::new(settings()), server, Metrics::new())
}

/// An engine with these manifests, in one file.
pub(crate) fn engine_of(manifests: &str) -> Engine {
    let mut engine = engine();
    let file = FileChange { file: "all.yaml".into(), content: Content::Bytes(manifests.into()) };
    engine.ingest(vec![file], Instant::now());
    engine
}
