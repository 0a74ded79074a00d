//! Previews that somebody deleted where their objects are, such as by `kubectl delete`: for a day their hosts say that they have
//! ended. What has ended by a request says so by its object; of these nothing is left, so it is kept beside them, for a gateway
//! that starts meanwhile.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{Patch, PatchParams};
use nuncio_api::{Kind, ObjectId};
use nuncio_telemetry::replace_file;
use nuncio_translate::GonePreview;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::place::BELOW;
use crate::clock;
use crate::engine::Engine;
use crate::rbac::TOMBSTONES;
use crate::run::lock;
use crate::source::kubernetes::Cluster;
use crate::source::kubernetes::backoff::Backoff;

/// How often it is looked whether something is to be kept, and how long it is waited at most after a refusal.
const LOOK: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
/// A hidden file is no manifest.
const FILE: &str = ".tombstones.json";
/// The key in the ConfigMap, and under which name it is written.
const KEY: &str = "previews";
const FIELD_MANAGER: &str = "nuncio-previews";

/// Where it is kept.
#[derive(Clone, Debug)]
pub(super) enum Tombstones {
    Directory(PathBuf),
    Cluster(Cluster),
}

/// A Preview that went, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stone {
    namespace: String,
    name: String,
    /// Each with the one whose routes it had.
    hosts: Vec<(String, String)>,
    /// In seconds since 1970.
    until: u64,
    #[serde(default)]
    expired: bool,
}

impl From<GonePreview> for Stone {
    fn from(GonePreview { id, hosts, until, expired }: GonePreview) -> Self {
        let hosts = hosts.iter().map(|(name, baseline)| (name.to_string(), baseline.to_string())).collect();
        Self { namespace: id.namespace.to_string(), name: id.name.to_string(), hosts, until, expired }
    }
}

impl From<Stone> for GonePreview {
    fn from(Stone { namespace, name, hosts, until, expired }: Stone) -> Self {
        let hosts = hosts.into_iter().map(|(name, baseline)| (name.into(), baseline.into())).collect();
        Self { id: ObjectId::new(Kind::Preview, namespace, name), hosts, until, expired }
    }
}

impl Tombstones {
    /// What is kept; nothing where nothing ever was, and none where what is there is something else, which stays so.
    async fn read(&self, namespace: &str) -> Result<Option<Vec<Stone>>, String> {
        let text = match self {
            Self::Directory(directory) => match std::fs::read(path(directory)) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Some(Vec::new())),
                text => text.map_err(|error| error.to_string())?,
            },
            Self::Cluster(cluster) => {
                let found = maps(cluster, namespace).get_opt(TOMBSTONES).await.map_err(|error| error.to_string())?;
                let text = found.and_then(|map| map.data?.remove(KEY));
                let Some(text) = text else { return Ok(Some(Vec::new())) };
                text.into_bytes()
            }
        };
        let stones = serde_json::from_slice(&text);
        if let Err(error) = &stones {
            tracing::warn!(
                "what is kept of previews that were deleted is not to be understood, and is forgotten: {error}"
            );
        }
        Ok(stones.ok())
    }

    async fn write(&self, namespace: &str, stones: &[Stone]) -> Result<(), String> {
        let text = json!(stones).to_string();
        match self {
            Self::Directory(directory) => {
                let made = std::fs::create_dir_all(directory.join(BELOW));
                let written = made.and_then(|()| replace_file(&path(directory), text.as_bytes(), 0o600));
                written.map_err(|error| error.to_string())
            }
            Self::Cluster(cluster) => {
                let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": TOMBSTONES },
                    "data": { KEY: text } });
                let how = PatchParams::apply(FIELD_MANAGER).force();
                let written = maps(cluster, namespace).patch(TOMBSTONES, &how, &Patch::Apply(&map)).await;
                written.map(drop).map_err(|error| error.to_string())
            }
        }
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join(BELOW).join(FILE)
}

fn maps(cluster: &Cluster, namespace: &str) -> Api<ConfigMap> {
    Api::namespaced(cluster.client.clone(), namespace)
}

/// Has a gateway that has started say what others knew. Gives the gateway's namespace, and what was kept, if that can be
/// understood.
pub(super) async fn recall(tombstones: &Tombstones, engine: &Mutex<Engine>) -> (String, Option<Vec<GonePreview>>) {
    let (mut backoff, mut complaint) = (Backoff::default(), String::new());
    loop {
        // Before there is a policy nobody knows which names are those of previews.
        let namespace = lock(engine).world.preview_policy().map(|(id, _)| id.namespace.to_string());
        let Some(namespace) = namespace else {
            tokio::time::sleep(LOOK).await;
            continue;
        };
        match tombstones.read(&namespace).await {
            Ok(stones) => {
                let kept: Option<Vec<_>> = stones.map(|stones| stones.into_iter().map(GonePreview::from).collect());
                let mut engine = lock(engine);
                engine.world.set_time(clock::now());
                engine.world.recall_gone_previews(kept.clone().unwrap_or_default());
                return (namespace, kept);
            }
            Err(error) => {
                complain(&mut complaint, format!("what is kept of previews that were deleted cannot be read: {error}"));
                tokio::time::sleep(LOOK.max(backoff.next_up_to(LONGEST))).await;
            }
        }
    }
}

/// Keeps what there is of it. Runs until it is dropped.
pub(super) async fn follow(tombstones: Tombstones, engine: Arc<Mutex<Engine>>) {
    let (namespace, mut kept) = recall(&tombstones, &engine).await;
    let (mut backoff, mut complaint) = (Backoff::default(), String::new());
    loop {
        let now = lock(&engine).world.gone_previews();
        let mut wait = LOOK;
        if kept.as_ref() != Some(&now) {
            let stones: Vec<_> = now.iter().cloned().map(Stone::from).collect();
            match tombstones.write(&namespace, &stones).await {
                Ok(()) => {
                    backoff.reset();
                    kept = Some(now);
                }
                Err(error) => {
                    complain(&mut complaint, format!("that previews were deleted is not kept: {error}"));
                    wait = LOOK.max(backoff.next_up_to(LONGEST));
                }
            }
        }
        tokio::time::sleep(wait).await;
    }
}

/// Warns of what was not told just before.
fn complain(last: &mut String, text: String) {
    if *last != text {
        tracing::warn!("{text}");
        *last = text;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::manifests::Manifests;
    use crate::offline::{OfflineConfig, load};

    #[tokio::test]
    async fn what_is_kept_in_a_directory_is_read_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let tombstones = Tombstones::Directory(directory.path().to_owned());
        assert_eq!(tombstones.read("default").await, Ok(Some(Vec::new())));
        let gone = GonePreview {
            id: ObjectId::new(Kind::Preview, "shop", "tax"),
            hosts: vec![("web--tax.preview.example".into(), "shop.example".into())],
            until: 7,
            expired: true,
        };
        tombstones.write("default", &[gone.clone().into()]).await.unwrap();
        let read = tombstones.read("default").await.unwrap().unwrap();
        assert_eq!(read.into_iter().map(GonePreview::from).collect::<Vec<_>>(), [gone]);
        let path = path(directory.path());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        // What is no list is not read a second time; what cannot be had is.
        std::fs::write(&path, "no list").unwrap();
        assert_eq!(tombstones.read("default").await, Ok(None));
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        tombstones.read("default").await.unwrap_err();
    }

    #[tokio::test]
    async fn what_nobody_understands_is_written_anew() {
        let directory = tempfile::tempdir().unwrap();
        let policy = json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": "PreviewPolicy", "metadata": {"name": "previews"},
            "spec": {"domain": "preview.example", "namespaces": ["*"], "hosts": ["*"], "access": ["Public"], "backends": "Any"}});
        std::fs::write(directory.path().join("policy.yaml"), policy.to_string()).unwrap();
        let config = OfflineConfig {
            ambassador_id: "default".to_owned(),
            namespace: "default".to_owned(),
            expand_environment: false,
            topology: nuncio_translate::Topology::default(),
        };
        let read = Box::pin(load(&Manifests::Directory(directory.path().to_owned()), &config)).await.unwrap();
        let engine = Arc::new(Mutex::new(read.into_parts().1));
        let path = path(directory.path());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "no list").unwrap();
        let following = tokio::spawn(follow(Tombstones::Directory(directory.path().to_owned()), engine));
        let written = async {
            while std::fs::read_to_string(&path).unwrap() != "[]" {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), written).await.unwrap();
        following.abort();
    }
}
