//! The Secret that the keys and names of previews are made of, where the policy names none. In a cluster the leader makes it where
//! there is none, and all replicas read it; in a directory every gateway does, and the first counts. What is there is never
//! written over.

use std::fmt::Display;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::PostParams;
use nuncio_auth::crypto;
use nuncio_telemetry::make_file;
use nuncio_translate::PREVIEW_KEYS;
use serde_json::json;

use super::cluster::MANAGED_BY;
use super::place::BELOW;
use crate::engine::Engine;
use crate::run::lock;
use crate::source::kubernetes::Cluster;
use crate::source::kubernetes::backoff::Backoff;

/// How often it is looked whether one is missing in a cluster and in a directory, and how long it is waited at most after a
/// refusal. No URL is told meanwhile.
const LOOK: Duration = Duration::from_secs(1);
const LOOK_HERE: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(60);

/// Where it is made.
#[derive(Clone, Debug)]
pub(super) enum Keys {
    Directory(PathBuf),
    /// Where replicas share it.
    Cluster(Cluster),
}

impl Keys {
    fn look(&self) -> Duration {
        if let Self::Cluster(_) = self { LOOK } else { LOOK_HERE }
    }

    async fn make(&self, namespace: &str) -> Result<(), String> {
        match self {
            Self::Directory(directory) => make_in(directory, namespace),
            Self::Cluster(cluster) => {
                let failed = |error| format!("cannot make the Secret {namespace}/{PREVIEW_KEYS}: {error}");
                make(cluster, namespace).await.map_err(failed)
            }
        }
    }
}

/// Makes it in a directory, readable for nobody else, where there is none. Without it previews have names that can be computed,
/// and other keys the next time.
pub(super) fn make_in(directory: &Path, namespace: &str) -> Result<(), String> {
    // No Preview has a file that is called so.
    let path = directory.join(BELOW).join(format!("{namespace}.keys.yaml"));
    let key = crypto::hex(&crypto::random::<32>());
    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": PREVIEW_KEYS, "namespace": namespace },
        "type": "Opaque", "stringData": { "key": key } });
    let failed = |what: &str, error: &dyn Display| format!("keys of previews: {} {what}: {error}", path.display());
    let below = fs::create_dir_all(directory.join(BELOW));
    let made = below.and_then(|()| make_file(&path, format!("{secret:#}\n").as_bytes(), 0o600));
    match made.map_err(|error| failed("cannot be written", &error))? {
        true => Ok(()),
        // Another was faster; where that was somebody else than who runs this one, it is of no use here.
        false => File::open(&path).map(drop).map_err(|error| failed("is there, and cannot be read", &error)),
    }
}

/// Makes it when it is missing. Runs until it is dropped.
pub(super) async fn follow(keys: Keys, engine: Arc<Mutex<Engine>>) {
    let (mut backoff, mut complaint) = (Backoff::default(), String::new());
    loop {
        let namespace = lock(&engine).world.lacks_preview_keys();
        let made = match namespace {
            None => Ok(()),
            Some(namespace) => keys.make(&namespace).await,
        };
        let wait = match made {
            Ok(()) => {
                backoff.reset();
                keys.look()
            }
            Err(error) => {
                if error != complaint {
                    tracing::warn!("{error}");
                    complaint = error;
                }
                LOOK.max(backoff.next_up_to(LONGEST))
            }
        };
        tokio::time::sleep(wait).await;
    }
}

/// Makes it. Where another was faster, what that one made is good.
async fn make(cluster: &Cluster, namespace: &str) -> Result<(), kube::Error> {
    let secrets: Api<Secret> = Api::namespaced(cluster.client.clone(), namespace);
    match secrets.create(&PostParams::default(), &secret()).await {
        Ok(_) => {
            tracing::info!("the Secret {namespace}/{PREVIEW_KEYS} was made for the keys of previews");
            Ok(())
        }
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        Err(error) => Err(error),
    }
}

fn secret() -> Secret {
    let labels = [("app.kubernetes.io/name", "nuncio"), ("app.kubernetes.io/component", "previews"), MANAGED_BY];
    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let key = ByteString(crypto::random::<32>().to_vec());
    Secret {
        metadata: ObjectMeta {
            name: Some(PREVIEW_KEYS.to_owned()),
            labels: Some(labels.into()),
            ..ObjectMeta::default()
        },
        data: Some([("key".to_owned(), key)].into()),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_directory_keeps_what_keys_are_made_of() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("previews/default.keys.yaml");
        make_in(directory.path(), "default").unwrap();
        let made = fs::read_to_string(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        make_in(directory.path(), "default").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), made, "what is there stays");
    }

    #[test]
    fn where_it_cannot_be_made_that_is_said() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("previews"), "a file").unwrap();
        let told = make_in(directory.path(), "default").unwrap_err();
        assert!(told.contains("default.keys.yaml cannot be written: "), "{told}");
    }
}
