//! Worlds: objects of every kind that name each other.

use arbitrary::{Result, Unstructured};
use nuncio_api as api;
use serde_json::{Value, json};

use crate::forge::{Forge, manifest};
use crate::secrets::secrets;
use crate::values::chance;

const API: &str = "getambassador.io/v3alpha1";

/// A world, as manifests.
#[derive(Clone, Debug)]
pub struct World {
    /// The objects.
    pub manifests: Vec<Value>,
}

/// One of the kinds of a world.
struct Kind {
    api: &'static str,
    name: &'static str,
    forge: Forge,
    /// Fields that are always there.
    always: &'static [&'static str],
    /// Of the other fields one in so many is there.
    rare: u32,
}

impl Kind {
    fn new<T: schemars::JsonSchema>(name: &'static str, always: &'static [&'static str], rare: u32) -> Self {
        Self { api: API, name, forge: Forge::of::<T>(), always, rare }
    }

    fn core<T: schemars::JsonSchema>(api: &'static str, name: &'static str, always: &'static [&'static str]) -> Self {
        Self { api, ..Self::new::<T>(name, always, 6) }
    }

    fn spec(&self, u: &mut Unstructured<'_>) -> Result<Value> {
        self.forge.object(u, self.always, self.rare)
    }

    fn manifest(&self, name: &str, namespace: &str, body: Value) -> Value {
        manifest(self.api, self.name, name, namespace, body)
    }
}

/// Schemas cost milliseconds: they are made once.
struct Kinds {
    mapping: Kind,
    host: Kind,
    listener: Kind,
    tcp_mapping: Kind,
    tls_context: Kind,
    module: Kind,
    service: Kind,
    slice: Kind,
    /// What a Filter is, by the name under which it says so: one of these.
    filters: [(&'static str, Kind); 6],
    filter_policy: Kind,
}

thread_local! {
    static KINDS: Kinds = Kinds {
        mapping: Kind::new::<api::Mapping>("Mapping", &["prefix", "service", "hostname"], 16),
        host: Kind::new::<api::Host>("Host", &["hostname", "requestPolicy"], 5),
        listener: Kind::new::<api::Listener>("Listener", &["port", "protocol", "securityModel", "hostBinding"], 8),
        tcp_mapping: Kind::new::<api::TcpMapping>("TCPMapping", &["port", "service"], 8),
        tls_context: Kind::new::<api::TlsContext>("TLSContext", &["secret"], 8),
        module: Kind::new::<api::ModuleConfig>("Module", &[], 16),
        service: Kind::core::<api::Service>("v1", "Service", &["ports"]),
        slice: Kind::core::<api::EndpointSlice>("discovery.k8s.io/v1", "EndpointSlice", &["addressType", "endpoints", "ports"]),
        filters: [
            ("JWT", Kind::new::<api::JwtFilter>("Filter", &["jwksURI"], 6)),
            ("OAuth2", Kind::new::<api::OAuth2Filter>("Filter", &["authorizationURL", "clientID", "secretName", "protectedOrigins"], 8)),
            ("APIKey", Kind::new::<api::ApiKeyFilter>("Filter", &["keys"], 6)),
            ("Basic", Kind::new::<api::BasicFilter>("Filter", &["secretName"], 6)),
            ("External", Kind::new::<api::ExternalFilter>("Filter", &["auth_service"], 8)),
            ("Introspection", Kind::new::<api::IntrospectionFilter>("Filter", &["endpoint", "clientID", "secretName"], 6)),
        ],
        filter_policy: Kind::new::<api::FilterPolicy>("FilterPolicy", &["rules"], 8),
    };
}

impl World {
    /// A world that listens on some of `ports`.
    ///
    /// # Errors
    /// Never in practice: where bytes run out, choices take the first.
    pub fn arbitrary(u: &mut Unstructured<'_>, ports: &[u16]) -> Result<Self> {
        KINDS.with(|kinds| Builder { u, ports, kinds, manifests: secrets().to_vec() }.build())
    }

    /// The manifests as one text.
    #[must_use]
    pub fn yaml(&self) -> String {
        self.manifests.iter().map(|manifest| format!("---\n{manifest:#}\n")).collect()
    }

    /// The objects, as they are read.
    #[must_use]
    pub fn objects(&self) -> Vec<api::Object> {
        let parsed = api::parse(self.yaml().as_bytes(), &"world.yaml".into(), &api::Defaults::default());
        parsed.objects
    }
}

struct Builder<'a, 'u, 'k> {
    u: &'a mut Unstructured<'u>,
    ports: &'a [u16],
    kinds: &'k Kinds,
    manifests: Vec<Value>,
}

impl Builder<'_, '_, '_> {
    fn build(mut self) -> Result<World> {
        let kinds = self.kinds;
        if chance(self.u, 1, 2)? {
            let config = kinds.module.spec(self.u)?;
            self.manifests.push(kinds.module.manifest("ambassador", "default", json!({"spec": {"config": config}})));
        }
        self.specs(&kinds.listener, 2)?;
        self.specs(&kinds.host, 4)?;
        self.specs(&kinds.mapping, 10)?;
        self.specs(&kinds.tcp_mapping, 2)?;
        self.specs(&kinds.tls_context, 2)?;
        self.filters()?;
        self.specs(&kinds.filter_policy, 2)?;
        if chance(self.u, 1, 2)? {
            let kind = *self.u.choose(&["KubernetesServiceResolver", "KubernetesEndpointResolver"])?;
            self.manifests.push(manifest(API, kind, "resolver-0", "default", json!({"spec": {}})));
        }
        self.services()?;
        Ok(World { manifests: self.manifests })
    }

    /// Up to `most` objects of a kind.
    fn specs(&mut self, kind: &Kind, most: usize) -> Result<()> {
        for index in 0..self.u.int_in_range(0..=most)?.max(1) {
            let mut spec = kind.spec(self.u)?;
            if spec.get("port").is_some_and(Value::is_u64) {
                spec["port"] = (*self.u.choose(self.ports)?).into();
            }
            let namespace = *self.u.choose(&["default", "default", "shop"])?;
            let name = format!("{}-{index}", kind.name.to_lowercase().replace("tlscontext", "context"));
            let mut object = kind.manifest(&name, namespace, json!({"spec": spec}));
            if chance(self.u, 1, 3)? {
                object["metadata"]["labels"] = json!({"app": *self.u.choose(&["a", "b"])?});
            }
            self.manifests.push(object);
        }
        Ok(())
    }

    fn filters(&mut self) -> Result<()> {
        let kinds = self.kinds;
        for index in 0..3 {
            let (name, kind) = self.u.choose(&kinds.filters)?;
            let spec = json!({"spec": {(*name): kind.spec(self.u)?}});
            self.manifests.push(kind.manifest(&format!("filter-{index}"), "default", spec));
        }
        Ok(())
    }

    fn services(&mut self) -> Result<()> {
        for (name, namespace) in [("cart", "default"), ("orders", "shop")] {
            if chance(self.u, 1, 4)? {
                continue;
            }
            let spec = self.kinds.service.spec(self.u)?;
            self.manifests.push(self.kinds.service.manifest(name, namespace, json!({"spec": spec})));
            let slice = self.kinds.slice.spec(self.u)?;
            let mut slice = self.kinds.slice.manifest(&format!("{name}-1"), namespace, slice);
            slice["metadata"]["labels"] = json!({"kubernetes.io/service-name": name});
            self.manifests.push(slice);
        }
        Ok(())
    }
}
