//! What a mesh has to know of a preview: which requests of a Service go to which other one. A mesh routes by the name that
//! services hand on; it asks nobody for a key.

use std::collections::BTreeMap;
use std::sync::Arc;

use nuncio_api::{ObjectId, PreviewMatch, Scheme, ServiceRef};

use crate::preview::{Compiled, Phase, Replacement};
use crate::service::{ServiceKey, Target, target};
use crate::world::World;

/// A port of a Service, as a mesh knows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MeshService {
    /// The Service's namespace.
    pub namespace: Arc<str>,
    /// And its name.
    pub name: Arc<str>,
    /// A port of it.
    pub port: u16,
}

/// Where some requests of a preview go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeshRule {
    /// Which; all that are left where absent.
    pub matches: Option<PreviewMatch>,
    /// Who gets them.
    pub backend: MeshService,
}

/// What there is of a preview for a mesh.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreviewMesh {
    /// For each port that is replaced where its requests go, in the order of the spec.
    pub services: BTreeMap<MeshService, Vec<MeshRule>>,
    /// What a mesh cannot be told, and why.
    pub left_out: Vec<String>,
}

impl World {
    /// What a mesh may know of a Preview.
    ///
    /// # Errors
    /// Why it is to know nothing.
    pub fn preview_mesh(&self, id: &ObjectId) -> Result<PreviewMesh, String> {
        if !self.previews.policy().is_some_and(|policy| policy.tells_names()) {
            return Err(
                "services are told no names of previews: the PreviewPolicy does not say `mesh: true`".to_owned()
            );
        }
        let is_shown = |it: &&Compiled| matches!(it.phase, Phase::Shown | Phase::EndsSoon) && !it.is_broken;
        let shown = self.previews.compiled.get(id).filter(is_shown);
        let compiled = shown.filter(|it| !it.entrances.is_empty()).ok_or("it is not shown")?;
        let mut mesh = PreviewMesh::default();
        for replacement in &compiled.replacements {
            if let Err(why) = self.tell_mesh(replacement, &mut mesh) {
                mesh.left_out.push(format!("{}: {why}", replacement.backend.baseline));
            }
        }
        Ok(mesh)
    }

    fn tell_mesh(&self, replacement: &Replacement, mesh: &mut PreviewMesh) -> Result<(), String> {
        let service = &replacement.backend;
        let namespace = &replacement.owner.namespace;
        if service.is_tunnel() {
            return Err("the process of a tunnel is none of a mesh's Services".to_owned());
        }
        if replacement.forbidden {
            return Err(replacement.missing.clone().unwrap_or_else(|| "nobody may stand in".to_owned()));
        }
        let baseline = key(&service.baseline, namespace)?;
        let backend = self.port_of_backend(&service.backend, namespace)?;
        for port in self.ports_of(&service.baseline, &baseline)? {
            let place =
                MeshService { namespace: Arc::clone(&baseline.namespace), name: Arc::clone(&baseline.name), port };
            let rules = mesh.services.entry(place).or_default();
            rules.push(MeshRule { matches: service.matches.clone(), backend: backend.clone() });
        }
        Ok(())
    }

    /// The port that is named, or all of the Service.
    fn ports_of(&self, named: &ServiceRef, key: &ServiceKey) -> Result<Vec<u16>, String> {
        if let Some(port) = named.port {
            return Ok(vec![port]);
        }
        let service = self.services.get(key).ok_or_else(|| format!("there is no Service {key}: name its port"))?;
        let is_tcp = |protocol: &Option<String>| protocol.as_deref().is_none_or(|protocol| protocol == "TCP");
        Ok(service.ports.iter().filter(|port| is_tcp(&port.protocol)).map(|port| port.port).collect())
    }

    fn port_of_backend(&self, named: &ServiceRef, namespace: &Arc<str>) -> Result<MeshService, String> {
        let key = key(named, namespace)?;
        if self.services.get(&key).is_some_and(|service| service.is_external_name()) {
            return Err(format!("{key} is a name in DNS"));
        }
        if named.scheme == Some(Scheme::Https) {
            return Err("a mesh speaks TLS by itself: name its backend without https".to_owned());
        }
        Ok(MeshService { namespace: key.namespace, name: key.name, port: named.port.unwrap_or(80) })
    }
}

/// The Service of a reference.
fn key(named: &ServiceRef, namespace: &Arc<str>) -> Result<ServiceKey, String> {
    match target(&named.host, namespace) {
        Target::Name(Some(key)) => Ok(key),
        Target::Name(None) | Target::Address(_) => Err(format!("{named} is no Service of the cluster")),
    }
}
