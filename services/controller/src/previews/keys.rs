//! The Secret that the keys and names of previews are made of, where the policy names none. In a cluster the leader makes it where
//! there is none, and all replicas read it; in a directory the gateway does before it first reads. What is there is never
//! written over.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::PostParams;
use nuncio_auth::crypto;
use nuncio_telemetry::replace_file;
use nuncio_translate::PREVIEW_KEYS;
use serde_json::json;

use super::cluster::MANAGED_BY;
use super::place::BELOW;
use crate::engine::Engine;
use crate::run::lock;
use crate::source::kubernetes::Cluster;
use crate::source::kubernetes::backoff::Backoff;

/// How often it is looked whether one is missing, and how long it is waited at most after a refusal.
const LOOK: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// Makes it in a directory, readable for nobody else. Without it previews have names that can be computed, and other keys the
/// next time.
pub(super) fn keep_in(directory: &Path, namespace: &str) {
    // No Preview has a file that is called so.
    let path = directory.join(BELOW).join(format!("{namespace}.keys.yaml"));
    if path.exists() {
        return;
    }
    let key = crypto::hex(&crypto::random::<32>());
    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": PREVIEW_KEYS, "namespace": namespace },
        "type": "Opaque", "stringData": { "key": key } });
    let made = std::fs::create_dir_all(directory.join(BELOW));
    if let Err(error) = made.and_then(|()| replace_file(&path, format!("{secret:#}\n").as_bytes(), 0o600)) {
        tracing::warn!("keys of previews are not kept: {} cannot be written: {error}", path.display());
    }
}

/// Makes it when it is missing. Runs until it is dropped.
pub(super) async fn follow(cluster: Cluster, engine: Arc<Mutex<Engine>>) {
    let (mut backoff, mut complaint) = (Backoff::default(), String::new());
    loop {
        let namespace = lock(&engine).world.lacks_preview_keys();
        let wait = match namespace {
            None => LOOK,
            Some(namespace) => match make(&cluster, &namespace).await {
                Ok(()) => {
                    backoff.reset();
                    LOOK
                }
                Err(error) => {
                    let error = error.to_string();
                    if error != complaint {
                        tracing::warn!("cannot make the Secret {namespace}/{PREVIEW_KEYS}: {error}");
                        complaint = error;
                    }
                    LOOK.max(backoff.next_up_to(LONGEST))
                }
            },
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
        keep_in(directory.path(), "default");
        let made = std::fs::read_to_string(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        keep_in(directory.path(), "default");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), made, "what is there stays");
    }
}
